/* What the parts of the tab share. */
import type { Scan, ServerFunction, SliceAnswer, SliceRequest } from "../../web/types";

/** What can be opened as B: (title, name) each. `besides` of app/page/visits.py. */
export interface Choices {
  checkpoints: [string, string][];
  examples: [string, string][];
}

/** What B is asked for: the same settings, on its own grid and codebook. */
export type Question = Omit<SliceRequest, "sequence">;

/** Dice by structure: `agreement` of answers.py. */
export interface Agreement {
  between: (number | null)[] | null;
  whole: (number | null)[] | null;
  a: (number | null)[] | null;
  b: (number | null)[] | null;
  done?: number;
  of?: number;
  error?: string;
}

/** Codes of A, the most frequent first, with the codes of B that fire at their places: `aligned` of answers.py. */
export interface Aligned {
  codes: number[];
  counts: number[];
  partners: number[][];
  shares: number[][];
  /** -1 for none */
  matched: number[];
  told: number;
  error?: string;
}

export interface Server {
  beside: ServerFunction<Question & { with_image: boolean }, SliceAnswer>;
  agreement: ServerFunction<SliceRequest & { beside: Question }, Agreement>;
  aligned: ServerFunction<{ token: string; beside: { token: string } }, Aligned>;
}

/** A pair of codes whose places are lit. */
export interface Pair {
  code: number;
  partner: number;
}

export type Scans = { one: Scan; other: Scan };
