/* What the lesson's modules hand to each other. Cells are [row, column] in the grid of tokens. */
import type { PageState, Scan, Shown } from "../../web/types";

export type Cell = [row: number, column: number];
/** In displayed pixels. */
export type Rect = [left: number, top: number, width: number, height: number];
export type Facts = Record<string, number | string>;
/** What stands between thousands and before decimals. */
export type Signs = { thousands: string; decimal: string };

export interface StepTexts {
  name: string;
  title: string;
  idea: string;
  question: string;
  options?: Record<string, string>;
  /** What the question asks a number for each of; without it the question asks for one. */
  parts?: Record<string, string>;
  equation?: string;
  reveal: string;
  why: string;
  note: string;
}

/** One language: a file texts.<code>.yaml. */
export interface Texts {
  language: string;
  numbers: Signs;
  /** The words for terms that the page explains, apart by commas, by the term's name in the glossary. */
  terms: Record<string, string>;
  ui: Record<string, string>;
  pictures: Record<string, string>;
  steps: Record<string, StepTexts>;
}

/** A number, the key of an option, or a number for each part of the question. */
export type Reply = number | string | Record<string, number>;

/** What Python gives the tab: the steps in their order, texts by language, MathML by step; of the last step, the strengths
 *  that it has and the one that it asks about. */
export interface LessonValue {
  steps: string[];
  strengths: number[];
  high: number;
  /** of a lesson, by step */
  minutes: Record<string, number>;
  /** address of the classes' route, relative to the page */
  room: string;
  texts: Record<string, Texts>;
  equations: Record<string, string>;
  /** the address of the formulas' font, relative to the page */
  font: string;
}

export interface LessonState {
  /** Counts from 0. */
  step: number;
  language: string;
  large: boolean;
  notes: boolean;
  cell: Cell | null;
  /** The last step's strength of all perturbations: one of its strengths. */
  all: number;
  /** The whole slice or its focus; null: as the step would have it. */
  whole: boolean | null;
}

/** key: of the answer that the prediction was made for. guess: null where the answer was shown without one. */
export interface Prediction {
  guess: Reply | null;
  truth: Reply;
  key: string;
}

export interface Lesson {
  readonly state: LessonState;
  readonly steps: string[];
  readonly strengths: number[];
  readonly font: string;
  readonly name: string;
  readonly texts: Texts;
  readonly stepTexts: StepTexts;
  readonly prediction: Prediction | undefined;
  readonly visited: Set<string>;
  readonly predictions: Map<string, Prediction>;
  /** What was entered and not yet committed to, by the field's name and its step. */
  readonly drafts: Map<string, string>;
  readonly isWhole: boolean;
  n(value: number | string): string;
  fill(text: string, facts?: Facts): string;
  ui(key: string, facts?: Facts): string;
}

export interface CodewordChoice {
  letter: string;
  code: number;
  distance: number;
  values: number[];
}

/** The two reaches that the lesson sets side by side. */
export type Near = "near" | "far";

/** What the last step compares. */
export type Compared = Near | "dropout" | "channels";

/** What the steps' pictures are drawn from, by step. */
export interface StepData {
  pixels: { values: number[][]; inside: boolean[][] };
  features: { feature: number[]; alike: Cell[] };
  codeword: { feature: number[]; choices: CodewordChoice[] };
  tokens: { same: Cell[] };
  swap: {
    codes: number[];
    distances: number[];
    probabilities: Record<Near, number[]>;
    drawn: Record<Near, number[]>;
    /** The codes whose pictures "atoms" has, one after the other, side by side pixels each. */
    atoms: Record<"own" | Near, number[]>;
    side: number;
  };
  decoders: Record<string, never>;
  consistency: { peak: number };
  radii: {
    strengths: number[];
    dice: Record<Compared, number[]>;
    radius: Record<Compared, number>;
    effect: Record<Compared, number>;
  };
}

/** The server's answer. key: the request it answers, as text. */
export interface StepAnswer {
  step: string;
  key: string;
  facts: Facts;
  truth: Reply;
  bounds: [low: number, high: number] | null;
  data: any;
  pictures: Record<string, Uint8Array>;
  cell: Cell;
  focus: Rect;
}

/** The slice on show. */
export interface Place {
  token: string;
  plane: string;
  index: number;
  mode: string;
  seed: number;
}

export interface LessonServer {
  lesson(request: object): Promise<any>;
  handout(request: object): Promise<{ page?: string; name?: string; error?: string } | undefined>;
}

export interface Answers {
  /** Ask for what is wanted now, unless it is there or on its way. */
  wish(): Promise<void>;
  /** The numbers that belong to the step on show; null while they are on their way. */
  readonly present: StepAnswer | null;
  /** Whether the wanted answer has been on its way for long. */
  readonly isSlow: boolean;
  /** What kept the wanted answer from coming. */
  readonly problem: string | null;
  fail(message: string): void;
  request(): object;
}

/** A value a displayed pixel, or red, green and blue. */
export type Colour = (at: number) => number | number[];
/** What the visitor does with the lesson. */
export interface Walk {
  change(values: Partial<LessonState>): void;
  /** Ask for the numbers of the step on show. */
  wish(): void;
  /** Whether there is such a step, and the tab is on show. */
  go(step: number): boolean;
  pick(cell: Cell): void;
  predict(now: StepAnswer, guess: Reply | null): void;
  again(): void;
  /** Whether another scan has come. */
  follow(page: PageState): boolean;
}

export interface Words {
  speak(now: StepAnswer | null): void;
  /** Another page of the lesson comes: the keyboard goes to its question. */
  turn(): void;
  /** Something else than the step's words. */
  instead(...parts: Node[]): void;
}

/** One byte a displayed pixel. */
export type Picture = ArrayLike<number>;

export interface Stage {
  where: PageState;
  name: string;
  caption: string;
  colour: Colour;
  focus: Rect;
  /** Squares to outline. */
  cells?: Cell[];
  mark?: Cell | null;
  /** Called with the square that is clicked or moved to by the keys, which hint tells of. */
  pick?: ((cell: Cell) => void) | null;
  hint?: string;
}

/** What a step's pieces are drawn from. */
export interface Look<Data> {
  where: PageState;
  shown: Shown;
  facts: Facts;
  data: Data;
  pictures: Record<string, Uint8Array>;
  all: number;
  revealed: boolean;
  mark: Cell;
  focus: Rect;
  hint: string;
  pick(cell: Cell): void;
  /** A text of "pictures". */
  say(key: string, more?: Facts): string;
  option(key: string): string;
  part(key: string): string;
  n(value: number | string): string;
}

/** What becomes of a token at one reach. */
export interface Chances {
  codes: number[];
  /** pi(j|i) of the codes, given that the token is replaced. */
  probabilities: number[];
  drawn: number[];
}

export interface Fate {
  kind: "stays" | "becomes" | "others";
  code?: number;
  share: number;
  drawn: number;
}

export interface Line {
  name: string;
  kind: string;
  x: number[];
  /** null where there is no value. */
  y: (number | null)[];
}

/** What the tab shows, for whoever tests it. */
export interface Painted {
  step: string;
  cell: Cell;
  revealed: boolean;
  strength: number;
}

/** What a teacher says of the class: Lead of app/visit/rooms.py. */
export interface Lead {
  view: Record<string, string>;
  follows: boolean;
  rounds: Record<string, number>;
  revealed: string[];
}

/** How often each reply was given, by the part of the question; "" for a question of one part. */
export type Counts = Record<string, [value: string | number, times: number][]>;

export interface Report {
  here: number;
  answered: number;
  counts: Counts;
}

/** A class on this page. */
export interface Classroom {
  room: Room;
  keepUp(now: StepAnswer | null): void;
  draw(): void;
  restart(): void;
}

/** A class, as this page knows it. */
export interface Room {
  readonly role: "none" | "teacher" | "student";
  readonly code: string;
  readonly lead: Lead;
  readonly report: Report;
  /** whether this page follows the teacher now, and whether its student wants that */
  readonly follows: boolean;
  readonly wantsToFollow: boolean;
  readonly isLost: boolean;
  /** why a class could not be opened or joined, or has ended */
  readonly problem: string | null;
  open(token: string, nothing: string): Promise<boolean>;
  join(code: string, nothing: string): Promise<boolean>;
  resume(): boolean;
  tick(now: number): Promise<void>;
  say(values: Partial<Lead>): void;
  reveal(question: string): void;
  again(questions: string[]): void;
  send(question: string, reply: Reply): Promise<void>;
  follow(wanted: boolean): void;
  leave(): Promise<void>;
  picture(link: string): Promise<{ rows?: string[] } | undefined>;
  isRevealed(question: string): boolean;
  round(question: string): number;
  reply(question: string): Reply | undefined;
}

export type { PageState, Scan, Shown };
