/* What the parts of the tab share. */
import type { Brush } from "./mask.js";
import type { Corrections } from "./corrections.js";
import type { FileAnswer, PageState, Pixel, PlaneView, Scan, ServerFunction, Shown } from "../../web/types";

/** What a drag on the picture does. */
export type Tool = "brush" | "fill" | "move";

/** What the visitor paints with. */
export interface Tools {
  tool: Tool;
  /** the label that is painted; 0 erases */
  label: number;
  /** diameter of the brush in pixels along their finer side */
  size: number;
}

/** The acquired slice on show. */
export interface Scene {
  shown: Shown;
  state: PageState;
  scan: Scan;
  view: PlaneView;
  /** the key of its scan, and of its frame, among the corrections */
  key: string;
  index: number;
  mirrored: boolean;
  brush: Brush;
}

/** A corrected slice as it is sent. */
export interface SentSlice {
  index: number;
  /** packed */
  labels: string;
}

/** On which slices the network contradicts itself: `told` of app/scan/disagreement.py. */
export interface Measured {
  done: number;
  of: number;
  /** in pixels, by slice; null where it is not measured */
  scores: (number | null)[];
  /** packed, of the slice that was asked for */
  map: string | null;
  error?: string;
}

/** How far a fine-tuning is: app/tabs/label/tuning.py. */
export interface Tuning {
  /** why this server does not fine-tune; null if it does */
  off: string | null;
  /** numbers of steps */
  choices: number[];
  /** null if there was none */
  stage: "training" | "done" | "failed" | "cancelled" | null;
  step?: number;
  of?: number;
  message?: string;
  /** Dice of every structure over the corrected slices; null for one that is in neither */
  before?: (number | null)[];
  after?: (number | null)[] | null;
  /** packed: what the trained network makes of the slice */
  labels?: string | null;
  /** the trained checkpoint, and the one that it started from */
  checkpoint?: string | null;
  former?: string;
  error?: string;
}

export interface Server {
  fine_tune: ServerFunction<{ token: string; index: number; steps: number; slices: SentSlice[] }, Tuning>;
  tuning: ServerFunction<{ token: string; index: number }, Tuning>;
  cancel_tuning: ServerFunction<{ token: string; index: number }, Tuning>;
  disagreement: ServerFunction<{ token: string; index: number }, Measured>;
  meanings: ServerFunction<{ token: string }, { counts?: string | null; error?: string }>;
  corrected: ServerFunction<{ token: string; ending: string; slices: SentSlice[] }, FileAnswer & { name?: string }>;
}

/** What every part of the tab gets from view.js. */
export interface Context {
  root: HTMLElement;
  server: Server;
  corrections: Corrections;
  tools: Tools;
  isVisible(): boolean;
  /** null while there is no picture, or where the plane cuts through the slices */
  scene(): Scene | null;
  /** the labels of the slice on show as they stand; not to be written to */
  labels(scene: Scene): Uint8Array;
  /** requests a painting with the screen's next frame */
  schedule(): void;
  say(message: string): void;
  find(selector: string): HTMLElement;
  /** the element with data-text=name */
  text(name: string): HTMLElement;
}

/** Where the brush is, and how it came there. */
export interface Pointed {
  pixel: Pixel;
  byKeyboard: boolean;
}
