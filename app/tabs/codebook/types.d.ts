/* What travels between the modules of this tab, and what its server functions answer. */
import type { Fit, PageState, PlaneView, Scan, Shown, SliceRequest } from "../../web/types";

/** An array as app/scan/render.py packs it. */
export type Packed = string;

export interface Failure {
  error?: string;
}

export interface BookAnswer extends Failure {
  /** The codebook that the request names is still that of the scan. */
  same?: boolean;
  /** The checkpoint has no statistics. */
  none?: boolean;
  key: string;
  classes: string[];
  colours: string[];
  source: string;
  scans: number;
  utilisation: number;
  perplexity: number;
  counts: Packed;
  class_counts: Packed;
  projection: Packed;
  parameters: Parameters;
  ablation: [code: number, dice: number][] | null;
  steps: number[] | null;
  stage: Packed | null;
}

/** Arrays have one entry a codeword. */
export interface Book {
  key: string;
  size: number;
  classes: string[];
  colours: string[];
  source: string;
  scans: number;
  utilisation: number;
  perplexity: number;
  counts: Float64Array;
  /** (size, classes) */
  classCounts: Float64Array;
  /** Codes from the most to the least used. */
  order: Uint32Array;
  /** 1 for the most used code. */
  rank: Uint32Array;
  /** Class with the most tokens, -1 for a code that was never chosen. */
  majority: Int16Array;
  /** Share of that class, NaN for a code that was never chosen. */
  purity: Float32Array;
  projection: Packed;
  parameters: Parameters;
  /** Training steps of the moments. */
  steps: number[] | null;
  /** The first moment at which a code was in use, -1 if at none. */
  stage: Int32Array | null;
  /** Change of the Dice where a code was removed. */
  ablated: Map<number, number>;
}

/** The shape of a projection, as its form has it. */
export interface Parameters {
  n_neighbors: number;
  min_dist: number;
  metric: string;
  seed: number;
}

export interface Drift {
  distance: number;
  outside: boolean;
}

export interface PresenceAnswer extends Failure {
  counts: Packed;
  drift: Drift | null;
}

/** How the scan on show uses the codebook. */
export interface Presence {
  counts: Int32Array;
  drift: Drift | null;
}

export interface CardAnswer extends Failure {
  code: number;
  neighbours: [code: number, distance: number, probability: number][];
  partners: [code: number, count: number][] | null;
  position: [along: number, across: number] | null;
  spread: number | null;
  atom_label: number | null;
}

/** A card's answer with the pictures of phantoms that come after it. */
export interface CardOf extends CardAnswer {
  token: string;
  reach: number | null;
  patches?: { pixels: Uint8Array; side: number; count: number };
}

export interface EvolutionAnswer extends Failure {
  steps: number[] | null;
  places?: Packed;
  counts?: Packed;
  utilisation?: number[];
  perplexity?: number[];
}

/**
 * The codebook at moments of the training: places (moments, codes, 2), counts (moments, codes), -1 where a code was not
 * there yet.
 */
export interface Story {
  steps: number[];
  places: Float32Array;
  counts: Int32Array;
  utilisation: number[];
  perplexity: number[];
}

/** KL in nats over strengths; null where it is infinite. */
export interface Theory extends Failure {
  strengths: number[];
  quantized: number[];
  dropout: (number | null)[];
  low: (number | null)[];
  high: number[];
}

/** Python's constants: `props.value` of the component. */
export interface Constants {
  /** how an axis of Dice is fitted */
  shares: Fit;
  /** points of stronger perturbations do not widen it */
  fitted_rate: number;
}

/** A kind of perturbation over the strengths. */
export interface KindOf {
  name: string;
  title: string;
  symbol: string;
  /** whether it replaces codes; otherwise it changes features */
  swaps: boolean;
  /** whether the reach means anything to it */
  reaches: boolean;
  /** KL of the marginals in nats; null where it is infinite, and as a whole where there is no formula */
  radius: (number | null)[] | null;
  effect: (number | null)[];
}

export interface KindsAnswer extends Failure {
  strengths: number[];
  kinds: KindOf[];
  /** whose usage of the codewords the effect is taken under */
  usage: string;
}

/** Dice of the present slice over the strengths, as far as it is there. */
export interface CostOf {
  strengths: number[];
  dice: number[];
}

export interface LayoutRequest {
  token: string;
  method: string;
  dimensions: number;
  parameters: Parameters | null;
  cancel?: boolean;
}

export interface LayoutJob extends Failure {
  points?: Packed;
  share?: number | null;
  waiting?: boolean;
  seconds: number;
}

type Answer<T> = Promise<T | undefined>;

/** The server's functions answer undefined when the connection or the server failed. */
export interface CodebookServer {
  book(request: { token: string; known: string }): Answer<BookAnswer>;
  presence(request: { token: string }): Answer<PresenceAnswer>;
  where(request: { token: string; codes: number[] }): Answer<Failure & { slices?: number[] }>;
  spacing(request: { token: string }): Answer<Failure & { nearest: Packed; distances: Packed }>;
  nearest(request: { token: string; code: number }): Answer<Failure & { codes?: number[] }>;
  forced(request: {
    token: string;
    codes: number[];
    target: number | null;
  }): Answer<Failure & { tokens?: Packed }>;
  without(request: { token: string; codes: number[] }): Answer<WithoutAnswer>;
  atoms(request: { token: string; codes: number[] }): Answer<Failure & { atoms?: Packed; side: number }>;
  card(request: { token: string; code: number; reach: number | null }): Answer<CardAnswer>;
  patches(request: {
    token: string;
    code: number;
  }): Answer<Failure & { patches?: Packed; side: number; count: number }>;
  evolution(request: { token: string }): Answer<EvolutionAnswer>;
  film(request: { token: string }): Answer<Failure & { bytes?: string }>;
  layout(request: LayoutRequest): Answer<LayoutJob>;
  radii(request: { token: string; reach: number | null }): Answer<Theory>;
  kinds(request: { token: string; reach: number | null }): Answer<KindsAnswer>;
  cost(request: SliceRequest & { kind: string }): Answer<Failure & Partial<CostOf>>;
}

/** The nearest other codeword of every code, in the codebook's own space. */
export interface Spacing {
  nearest: Int32Array;
  distances: Float32Array;
}

/** A histogram over all codes. */
export type Measure = "usage" | "purity" | "nearest";

/** The first bar, and the one behind the last. */
export type Brush = [from: number, to: number];
export type Brushes = Partial<Record<Measure, Brush>>;

export interface Histogram {
  /** Rising; one more than there are bars. */
  edges: number[];
  /** The bar of every code. */
  bars: Uint8Array;
  /** A value of the axis in words. */
  tell: (value: number) => string;
}

/** The only codes that the map shows: one, then those nearest to it. */
export interface Isolation {
  code: number;
  codes: number[];
}

export interface Saved {
  name: string;
  codes: number[];
}

/** What the tab's address says of selections. */
export interface Linked {
  marked?: string;
  bars?: string;
  saved?: string;
}

/** How far a measurement without some codes is; once it is complete also what it found. */
export interface WithoutAnswer extends Failure {
  /** In slices that have such tokens. */
  done: number;
  of: number;
  tokens?: number;
  dice?: number;
  /** Dice of every structure against the ground truth. */
  truth_before?: (number | null)[] | null;
  truth_after?: (number | null)[] | null;
}

export type View = "map" | "usage" | "evolution" | "radii";

/** Names of what changed. */
export type Change =
  | "book"
  | "presence"
  | "spacing"
  | "frame"
  | "selection"
  | "picked"
  | "saved"
  | "fires"
  | "view"
  | "page";

export interface CodebookState {
  /** Of the scan that book belongs to. */
  token: string;
  /** null until it is known, and where the checkpoint has no statistics. */
  book: Book | null;
  /** The checkpoint has no statistics. */
  none: boolean;
  presence: Presence | null;
  /** What the network answered for the slice on show. */
  shown: Shown | null;
  /** null until it is known. */
  spacing: Spacing | null;
  histograms: Partial<Record<Measure, Histogram>>;
  /** Codes that were drawn around, searched or brushed; null if none was. */
  chosen: number[] | null;
  brushes: Brushes;
  isolated: Isolation | null;
  /** 1 for codes that brushes and isolation let pass; null if they hold nothing back. */
  passing: Uint8Array | null;
  /** Marked codes: the chosen ones that pass, or all that pass if none was chosen. */
  selected: number[];
  saved: Saved[];
  /** Tokens of the marked codes in every slice; null while they are counted. */
  fires: number[] | null;
  /** The code of the card. */
  picked: number | null;
  view: View;
}

/** The slice on show. codes: the encoder's own, before any perturbation; null in planes that cut through the slices. */
export interface OnShow {
  scan: Scan;
  page: PageState;
  request: SliceRequest;
  view: PlaneView;
  image: Uint8Array;
  codes: Int32Array | null;
}

export interface CodebookStore {
  readonly state: CodebookState;
  /** No codes: what brushes and isolation let pass is marked, if there are any. */
  select(codes: Iterable<number>): void;
  /** null: the histogram holds nothing back. */
  brush(measure: Measure, range: Brush | null): void;
  /** null: the map shows all codes again. */
  isolate(isolation: Isolation | null): void;
  /** Nothing is marked, chosen, brushed or isolated any more. */
  clear(): void;
  save(list: Saved[]): void;
  /** What the address asked for, once the codebook is there; gives the names of what could not be read. */
  follow(linked: Linked): string[];
  fire(slices: number[] | null): void;
  pick(code: number | null): void;
  show(view: View): void;
  /** null before the first picture, and while it is that of another scan. */
  onShow(): OnShow | null;
  subscribe(listener: () => void, ...names: Change[]): void;
  /** Follow the page, once all that listens is there. */
  start(): void;
  /** The tab has come into view, or has left it. */
  seen(): void;
}

/** What every part of the tab is made from. */
export interface Context {
  element: HTMLElement;
  root: HTMLElement;
  server: CodebookServer;
  codebook: CodebookStore;
  /** The element that the tab's page has at this place. */
  part<T extends HTMLElement = HTMLElement>(selector: string): T;
  parts<T extends HTMLElement = HTMLElement>(selector: string): T[];
  /** The element with data-text of this name. */
  text(name: string): HTMLElement;
  /** Call an action at a click on the element with data-do of its name. */
  onClick(actions: Record<string, () => void>): void;
  visible(): boolean;
  /** Above the views; nothing takes it away. */
  say(message: string): void;
}

export interface Atom {
  grey: Uint8Array;
  side: number;
}

export interface Atoms {
  /** An element for what a code decodes to, filled when it is there. */
  picture(code: number): HTMLElement;
}

export type Swatch = [colour: string, name: string];

/** Either swatches, or a ramp from low to high. */
export type Legend = { swatches: Swatch[] } | { title: string; low: string; high: string; unknown: Swatch | null };

export interface Colouring {
  colour(code: number): string;
  legend: Legend;
}

/** A plot of plotly.js. */
export type Graph = HTMLElement & { on(name: string, listener: (event: any) => void): void; _fullLayout?: any };

/** points: (size, dimensions) of a projection. */
export interface Placed {
  points: Float32Array;
  dimensions: number;
  key: string;
}

export interface Sort {
  column: Column;
  rising: boolean;
}

export type Column = "code" | "class" | "tokens" | "rank" | "purity" | "here";
