/* What the Volume tab's modules hand to each other. Voxels are [x, y, z] of the whole scan, before it is thinned. */
import type { Colour, Look as SliceLook, PageState, PlaneView } from "../../web/types";

export type Voxel = number[];
export type Layout = "planes" | "both" | "render";
/** What the visitor chose to see. */
export type Kind = "present" | "clean" | "changed" | "truth";
/** left, top, width and height in shares of the stage, by plane or "render". */
export type Tiles = Record<string, [number, number, number, number]>;

/** What a view has to know of a scan's grid: `scan_file` of app/scan/volume.py. */
export interface About {
  /** of the whole scan */
  shape: number[];
  /** voxel v of the thinned volume is voxel steps * v + offsets of the scan */
  steps: number[];
  offsets: number[];
  /** (4, 4): from voxels to millimetres */
  affine: number[][];
  inverse: number[][];
  /** the array axis that each plane cuts */
  axes: Record<string, number>;
  /** the plane of the slices */
  acquired: string;
  oriented: boolean;
  start: Voxel;
  /** values that the network reads as black and white */
  window: [number, number];
  percentiles: [number, number];
}

/** Of one structure: `class_figures` of app/scan/volume.py. */
export interface Figures {
  /** null, as all others, for a structure that the ground truth does not tell of */
  voxels: number | null;
  millilitres: number | null;
  dice: number | null;
  truth: number | null;
}

export interface LabelsAbout {
  figures: Figures[];
  replaced_share?: number;
}

export type Voxels = Uint8Array | Int16Array | Float32Array;

/** file: the whole NIfTI; voxels: a view of its array, the first axis fastest; shape: as thinned. */
export interface Volume<What> {
  about: What;
  file: ArrayBuffer;
  shape: number[];
  voxels: Voxels;
}

export type ScanVolume = Volume<About>;
export type LabelVolume = Volume<LabelsAbout>;

export interface VolumeRequest {
  token: string;
  part: "scan" | "labels" | "truth" | "lit";
  /** of the scan; null if it has a single one */
  channel?: string | null;
  codes?: number[];
  strength?: number;
  reach?: number | null;
  mode?: string;
  seed?: number;
  name?: string;
}

/** Which volume is wanted as the picture below the labels. */
export interface ScanWish {
  token: string;
  channel: string | null;
}

/** The requests that are behind what is chosen. */
export interface Wish {
  clean: VolumeRequest;
  present: VolumeRequest;
  truth: VolumeRequest | null;
  lit: VolumeRequest | null;
}

/** The labels on show. */
export interface Labels {
  key: string;
  kind: Kind;
  clean: LabelVolume;
  present: LabelVolume;
  truth?: LabelVolume;
  /** 1 where a token has a lit code */
  lit?: LabelVolume;
}

/** What is told while the labels are being decoded. Slices that are missing are as at ε = 0. */
export interface SoFar {
  figures: Figures[];
  before: Figures[];
}

export interface Waiting {
  signal: AbortSignal;
  /** figures: of the structures so far, now and then */
  progress(share: number, figures?: Figures[]): void;
}

export interface Source {
  get<What>(request: VolumeRequest, waiting: Waiting): Promise<Volume<What>>;
  has(request: VolumeRequest): boolean;
}

/** How a volume is drawn. */
export interface Look extends SliceLook {
  scan: { classes: string[]; colours: Colour[] };
  /** by label: whether it is drawn */
  drawn: boolean[];
  /** values that are black and white */
  window: [number, number];
  convention: string;
  planes: Record<string, PlaneView>;
  /** across which slices were acquired: outlines lie in those */
  axis: number;
}

/** labels: null where none are drawn. */
export type Drawn = Look & { labels: Voxels | null };

/** What a view tells of the visitor. */
export interface Report {
  moved(voxel: Voxel): void;
  scrolled(plane: string, slices: number): void;
  /** The graphics card was taken away. */
  lost(): void;
}

export interface VolumeView {
  readonly name: "niivue" | "planes";
  readonly layouts: string[];
  load(volume: ScanVolume): Promise<void>;
  show(look: Drawn): void;
  place(voxel: Voxel): void;
  layout(name: Layout): void;
  turn(right: number, up: number): void;
  seeThrough(share: number): void;
  /** returns what brings back where it was looked at from; nothing if it has not moved */
  reset(): (() => void) | void;
  /** NiiVue itself, where it draws. */
  readonly nv?: any;
}

/** Whoever draws: NiiVue, or the planes without WebGL. */
export interface Viewer {
  readonly view: VolumeView | null;
  readonly layout: Layout;
  /** Chooses once. */
  prepare(): Promise<void>;
  lose(): boolean;
}

export interface Crosshair {
  readonly voxel: Voxel | null;
  /** Of another scan, at its start; or of another frame of the same heart, where it was. */
  start(about: About, isSame: boolean): void;
  /** By hand: the slider of the other tabs goes along. */
  move(voxel: Voxel): void;
  scroll(plane: string, slices: number): void;
  /** The slider was moved elsewhere. */
  follow(page: PageState): void;
}

/** view: whoever draws, null before the tab was on show. painted: the labels that are drawn, and how many tokens were replaced. */
export interface OnShow {
  view: VolumeView | null;
  painted: { kind: Kind; share: number } | null;
}

export type Note = (name: string, message: string) => void;
/** null takes the bar away. */
export type ProgressBar = (message: string | null, share?: number) => void;

export type { PageState, PlaneView };
