/* What the parts of the tab share. */
import type { FileAnswer, Fit, PageState, PlaneView, Scan, ServerFunction, Shown, SliceRequest } from "../../web/types";

/** What the curves tell of a slice, as app/tabs/perturb/figure.py names it. */
export type FigureName = "dice_vs_clean" | "agreement" | "truth" | "psnr";

/** Python's constants: `props.value` of the component. */
export interface Constants {
  /** the plot's empty curves */
  curves: { data: object[]; layout: object };
  /** in the order of the plot's traces, over epsilon and once more over dropout */
  figures: FigureName[];
  /** the same, as the bands call them */
  names: string[];
  /** of the axes */
  titles: { shares: string; decibels: string };
  /** how the axes of shares and of PSNR are fitted */
  shares: Fit;
  decibels: Fit;
  /** points of dropout beyond this rate do not widen an axis */
  fitted_rate: number;
}

/** A row of the phase diagram, or a strip: one value a column, null where it is not decoded. */
export interface PhaseLine {
  title: string;
  /** the letter of its strength */
  symbol: string;
  /** null for a strip */
  reach: number | null;
  dice: (number | null)[];
  truth: (number | null)[];
  effects: (number | null)[];
}

/** The phase diagram of a slice, as app/scan/phase.py gives it. */
export interface Phase {
  strengths: number[];
  rows: PhaseLine[];
  strips: PhaseLine[];
  done: number;
  of: number;
  /** another diagram is decoded first */
  waiting: boolean;
  has_truth: boolean;
}

/** What Dice is measured against. */
export type Against = "clean" | "truth";

/** How the diagram is looked at. */
export interface PhaseView {
  against: Against;
  /** epsilon, and the place of the reach on the axis, where the sliders are */
  strength: number;
  place: number;
  /** whether the sliders are a place on the map: not where the present replacement has no reach */
  isThere: boolean;
  /** that of the sliders; null while it is not known */
  effect: number | null;
  /** the checkpoint's own reach */
  own: number;
  /** where the keyboard is */
  cell: { row: number; column: number } | null;
  narrow: boolean;
}

export interface PhaseServer {
  phase: ServerFunction<Omit<SliceRequest, "sequence">, Answered<Phase>>;
}

/** One point of a curve, whatever it runs over. */
export interface CurvePoint {
  dice_vs_clean: number;
  agreement: number;
  psnr: number;
  /** Dice of every structure against the truth; null for one that is in neither picture */
  truth: (number | null)[] | null;
}

/** Mean and spread of the curves over seeds: `bands` of answers.py. */
export interface Bands {
  strengths: number[];
  /** how many are complete */
  seeds: number;
  done: number;
  of: number;
  figures: Record<string, { mean: (number | null)[]; spread: (number | null)[] }>;
}

export type DropoutPoint = CurvePoint & { rate: number };

/** The codewords nearest to a code, then the one that replaced it. */
export interface Neighbours {
  codes: number[];
  distances: number[];
  probabilities: number[];
  /** packed pictures of the code and of all these */
  atoms: string;
  /** their pixels along each side */
  side: number;
}

type Answered<Answer> = Answer & { error?: string };

export interface Server {
  palette: ServerFunction<{ token: string }, Answered<{ colours: string | null; places: string | null }>>;
  candidates: ServerFunction<SliceRequest, Answered<{ candidates: string }>>;
  neighbours: ServerFunction<{ token: string; code: number; to: number; reach: number | null }, Answered<Neighbours>>;
  bands: ServerFunction<SliceRequest & { seeds: number }, Answered<Bands>>;
  dropout: ServerFunction<SliceRequest & { rate: number }, Answered<DropoutPoint>>;
  export: ServerFunction<SliceRequest & { kind: string }, FileAnswer>;
}

/** What is painted: the picture on show, how its plane lies, and what the page shows. */
export interface Scene {
  shown: Shown;
  view: PlaneView;
  scan: Scan;
  state: PageState;
}

/** What every part of the tab gets from view.js. */
export interface Tab {
  /** the component itself; card and plot are others, built beside it in their own time */
  root: HTMLElement;
  /** the tab with all three */
  panel: Element;
  server: Server;
  constants: Constants;
  /** null while there is no picture, or only one of a scan that was left */
  scene(): Scene | null;
  /** what the picture on show depends on, without the order of asking */
  settingsKey(): string;
  isVisible(): boolean;
  /** paint with the next frame of the screen */
  schedule(): void;
  say(message: string): void;
  /** say what a tool is at, or what it found */
  tell(message: string): void;
  /** a part of the component that is always there */
  find(selector: string): HTMLElement;
  /** the element of the tab with data-text=name */
  text(name: string): HTMLElement;
  /** the canvas in the figure with data-panel=name */
  canvasOf(name: string): HTMLCanvasElement;
}
