/* What travels between the server, the page and its tabs. Names with underscores are those of the server's answers. */

/** A forced token of the slice on show: row, column, code. */
export type Edit = [number, number, number];
export type Colour = [number, number, number];
export type Plane = "axial" | "coronal" | "sagittal";
/** left, top, width, height in displayed pixels. */
export type Box = [number, number, number, number];

/** One plane of a scan, as app/scan/planes.py describes it. */
export interface PlaneView {
  count: number;
  /** number of the first slice with a structure at epsilon 0; null if there is none */
  first: number | null;
  /** rows, columns as displayed */
  shape: [number, number];
  /** width / height in millimetres */
  ratio: number;
  /** what lies at the top, right, bottom and left edge */
  letters: [string, string, string, string];
  /** whether its slices are those that were acquired, and so have grids of tokens */
  acquired: boolean;
  transpose: boolean;
  /** of rows, of columns */
  flip: [boolean, boolean];
}

/** What the browser knows of an open scan besides its pictures: `describe` of app/tabs/see. */
export interface Scan {
  token: string;
  /** the same under every checkpoint */
  identity: string;
  truth: boolean;
  /** the structures that its ground truth, if there is one, tells of */
  judged: string[];
  name: string;
  own: boolean;
  /** number of the DICOM series, if there are several to choose from */
  series: number | null;
  /** what a person should know of how its file was read */
  notes: string[];
  /** name and ending of every format that its labels can be saved in, the proposed one first */
  saves: [string, string][];
  /** title and value of the channels that can be shown, first the one that it opens with; empty if it has a single one */
  channels: [string, string][];
  checkpoint: string;
  /** the title of its checkpoint if the example brought it, because the one before cannot read it; else "" */
  brought: string;
  outside: boolean | null;
  familiarity: Familiarity;
  grid: string;
  classes: string[];
  colours: Colour[];
  /** rows, columns of the deepest grid of codes, in the array's own order */
  grid_of_tokens: [number, number];
  codebook_size: number;
  levels: number;
  /** rows, columns of a token in voxels */
  cell: [number, number];
  planes: Record<string, PlaneView>;
  reach: Reaches;
  /** of a cine, or of a pair of scans; null for a single frame */
  cine?: Cine | null;
  /** the frame of a cine that is on show; left out for the first */
  frame?: number;
  /** forced tokens that the page's address asked for */
  forced?: { plane: string; index: number; edits: Edit[] } | null;
}

/** Whether the checkpoint knows such a scan: `judge` of vqseg.codebook. */
export interface Familiarity {
  /** unknown: the checkpoint has no reference of its training scans */
  verdict: "known" | "doubtful" | "foreign" | "unknown";
  /** sentences without a full stop */
  reasons: string[];
  /** how far every acquired slice lies; beyond 1 farther than training scans */
  slices: number[];
  /** which slices lie far, in words; "" for none */
  places: string;
  /** name, of this scan, of the training scans */
  figures: [string, string, string][];
}

/** A checkpoint that knows a scan. */
export interface Fitting {
  name: string;
  title: string;
}

export interface Cine {
  frames: number;
  /** whether these are two scans of one patient */
  paired: boolean;
  /** the frame that the page's address asked for; only there if the scan was opened by a link */
  asked?: number;
}

/** One ventricle, of CardiacFunction in vqseg/cardiac. */
export interface Chamber {
  edv_ml: number | null;
  esv_ml: number | null;
  stroke_volume_ml: number | null;
  ejection_fraction_percent: number | null;
}

export interface Heart {
  ed_frame: number | null;
  es_frame: number | null;
  spacing_known: boolean;
  lv: Chamber;
  rv: Chamber | null;
  myocardial_mass_g: number | null;
  heart_rate_bpm: number | null;
  notes: string[];
}

/** How far a cine is, and what its frames show: `told` of app/scan/heart.py. */
export interface CineAnswer {
  frames: number;
  /** frames that can be shown now */
  ready: number[];
  /** how many were encoded */
  done: number;
  /** whether a frame that was encoded stays ready */
  keeps_all: boolean;
  paired: boolean;
  seconds: number | null;
  /** of the volumes: ml, voxels or pixels */
  unit: string;
  /** by structure (LV, RV, MYO) and frame */
  volumes: Record<string, (number | null)[]>;
  heart: Heart | null;
  /** why there is no curve, or no further frame; else "" */
  problem: string;
  /** whether no further frame will come, although some are missing */
  stopped: boolean;
  error?: string;
}

/** What the page knows of the cine on show. */
export interface CineState {
  /** of all frames */
  token: string;
  name: string;
  frames: number;
  paired: boolean;
  /** the frame that the visitor has chosen */
  wanted: number;
  /** the frame on show: the chosen one as soon as it is ready */
  frame: number;
  told: CineAnswer | null;
  playing: boolean;
}

/** How far tokens may be replaced under the scan's codebook. null stands for the checkpoint's own reach. */
export interface Reaches {
  /** the checkpoint's own, from 1 to `last` */
  own: number;
  /** K - 1 */
  last: number;
  /** what the page opens a scan with */
  opening: number | null;
  /** the modes that have a reach */
  modes: string[];
  /** what the page's address asked for; only there if the scan was opened by a link */
  asked?: number | null;
}

/** What the sidebar's controls say. */
export interface Controls {
  scan: Scan;
  plane: string;
  index: number;
  /** a value of the scan's channels; null or that of another scan if it has a single one */
  channel: string | null;
  strength: number;
  mode: string;
  seed: number;
  opacity: number;
  outline: boolean;
  shown: boolean;
  /** names of the classes that are drawn */
  visible: string[];
  /** the window of the input */
  range: string;
  convention: string;
}

/** What the page shows. */
export interface PageState extends Controls {
  /** how many codewords a replaced token may effectively become; null for the checkpoint's own, and in modes without one */
  reach: number | null;
  /** the reach that is chosen, whatever the mode */
  chosenReach: number | null;
  edits: Edit[];
  /** codes whose voxels are lit */
  lit: number[];
  /** when it changed last, by performance.now() */
  changed: number;
}

export interface SliceRequest {
  token: string;
  truth: boolean;
  plane: string;
  index: number;
  strength: number;
  mode: string;
  seed: number;
  edits: Edit[];
  /** null for the checkpoint's own, and in modes without one */
  reach: number | null;
  /** null for a scan with a single one */
  channel: string | null;
  /** number of the wish that it belongs to: a larger one is newer */
  sequence: number;
}

/** What a frame is asked for: to be shown, for a view beside it, or because it may be wanted later. */
export type Purpose = "shown" | "beside" | "ahead";

/** Settings of a frame of the slice on show; what is left out is as the page has it. */
export type FrameSettings = Partial<Pick<SliceRequest, "token" | "strength" | "mode" | "seed" | "edits" | "reach">>;

/** What is told of a slice in figures. */
export interface FrameFigures {
  replaced_share: number;
  dice_vs_clean: number;
  psnr: number;
  agreement: number;
  /** of the structures' pixels, those whose label is not that of epsilon 0; null without any structure */
  changed_share: number | null;
  /** Dice of every structure against the truth; null for one that is in neither picture */
  truth: (number | null)[] | null;
  milliseconds: number;
}

/** The server's answer to a SliceRequest: packed arrays, or how far it is, or what is wrong. */
export interface SliceAnswer extends FrameFigures {
  labels: string;
  reconstruction: string;
  changes: string;
  image: string | null;
  /** three bytes a pixel, if the channel on show is RGB */
  image_rgb?: string | null;
  reconstruction_rgb?: string | null;
  values?: string;
  values_type?: "int16" | "float32";
  clean_labels?: string;
  voxels?: number[];
  voxel_ml?: number | null;
  clean_codes: string | null;
  codes: string | null;
  done?: number;
  of?: number;
  error?: string;
  /** why there is no frame: a newer one was asked for, or others wait and this one can be asked for later */
  skipped?: "newer" | "busy";
}

/** A decoded slice. Bytes in row order, as displayed; codes in the array's own order. */
export interface Frame extends FrameFigures {
  labels: Uint8Array;
  reconstruction: Uint8Array;
  /** three bytes a pixel; null unless the channel on show is RGB, whose mean `reconstruction` is */
  colours: Uint8Array | null;
  /** which branch answers, by app/scan/branches.py */
  changes: Uint8Array;
  clean_codes: Int32Array | null;
  codes: Int32Array | null;
  length: number;
}

/** What does not change with the perturbation. */
export interface SliceInput {
  /** bytes as the network reads them */
  image: Uint8Array;
  /** as those of a Frame */
  colours: Uint8Array | null;
  /** as the file has them */
  values: Int16Array | Float32Array;
  /** at epsilon 0, without forced tokens */
  clean_labels: Uint8Array;
  /** of the whole scan at epsilon 0, by label */
  voxels: number[];
  /** of a voxel, null where the file does not say how far its voxels lie apart */
  voxel_ml: number | null;
  length: number;
}

export interface Shown extends SliceInput {
  request: SliceRequest;
  frame: Frame;
}

export interface Progress {
  done: number;
  of: number;
}

/** One of its parts is there. */
export interface FrameEvent {
  shown?: Shown;
  error?: string;
  fetched?: SliceRequest;
  progress?: Progress;
  /** the picture waits for those of other visitors */
  waiting?: boolean;
}

export type Ask = (request: SliceRequest & { for: Purpose; with_image: boolean }) => Promise<SliceAnswer | undefined>;

/** A frame of the slice on show, with its epsilon. */
export type CurvePoint = Frame & { strength: number };

/** A token: its place in the grid, and in the bytes of all levels' codes. */
export interface Cell {
  row: number;
  column: number;
  at: number;
}

export interface Place {
  row: number;
  column: number;
}

export interface Pixel extends Place {
  at: number;
}

/** What a picture with labels is drawn by. */
export interface Look {
  scan: Pick<Scan, "classes" | "colours">;
  shown: boolean;
  opacity: number;
  outline: boolean;
  visible: string[];
}

/** A view with stages that zoom.js moves. */
export interface ZoomedView {
  root: HTMLElement;
  /** whether there is a picture */
  ready(): boolean;
  /** takes a drag over by giving a function of its way in pixels */
  grab?(event: PointerEvent): ((x: number, y: number) => void) | null;
  /** a press that did not move */
  click?(stage: HTMLElement, event: MouseEvent): void;
  /** a double click on a picture without zoom */
  twice?(stage: HTMLElement): void;
  /** follows every change */
  moved?(): void;
}

/** A scan on its way. */
export interface Opening {
  ticket: string;
  title: string;
  chosen: string;
  begun: number;
  stopped: boolean;
}

export interface FileAnswer {
  /** base64 */
  bytes?: string;
  error?: string;
  done?: number;
  of?: number;
}

/** Python's constants: `facts` of app/page/build.py, read from the page's head. */
/** The page's texts in another language: app/web/texts. */
export interface Catalogue {
  /** by the English text */
  texts: Record<string, string>;
  /** signs within numbers */
  numbers: { thousands: string; decimal: string };
}

export interface Facts {
  /** centre and width in Hounsfield units, by the name of the window */
  windows: Record<string, [number, number]>;
  /** of files of scans, with their dots */
  endings: string[];
  /** points of a curve over epsilon */
  curve_steps: number;
  largest_seed: number;
  /** which branch answers, as the bytes of `Frame.changes` tell */
  branches: { neither: number; segmentation: number; reconstruction: number; both: number };
  /** of the grey range: a smaller change of the reconstruction does not count */
  noticed: number;
  /** in a sentence, what a replaced token becomes, by mode */
  replacements: Record<string, string>;
  /** full names, by the name of a class in capitals */
  structures: Record<string, string>;
  tabs: string[];
  /** the address of the parts of plotly.js, relative to the page */
  plotly: string;
  /** the languages that have a catalogue, by code: their names, and where the catalogue lies, relative to the page */
  languages: Record<string, { name: string; address: string }>;
  /** what the page explains, by the names in data-term: app/web/glossary.yaml */
  terms: Record<string, { title: string; text: string }>;
}

/** How an axis is fitted: app/scan/axes.py. */
export interface Fit {
  /** its ends are multiples of this */
  step: number;
  /** it is at least so long */
  least: number;
  /** its upper end; null to fit that too */
  top: number | null;
}

/** What a gr.HTML gives its script. */
export interface Props<Value> {
  value: Value;
}

/** A server function of a component; undefined when the connection or the server failed. */
export type ServerFunction<Question, Answer> = (question: Question) => Promise<Answer | undefined>;
