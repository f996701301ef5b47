/* The meanings that the colour of a codeword can have: each gives a colour for every code and its legend.
   Knows nothing of the page. */

import { number, percent, ratio } from "../../web/numbers.js";
import { shareOf, stepColour } from "../../web/ramp.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Colouring} Colouring */
/** @typedef {import("../../web/types").Frame} Frame */
/**
 * What a colouring may read. grey: the colour of a code without a value.
 * @typedef {{book: Book, presence: import("./types").Presence | null, frame: Frame | null, grey: string}} Known
 */

export const MARK = "#d81b9a";
export const TEAL = "#239089";
/** The background class is black in pictures. On a map it is grey, so that it can be seen. */
const BACKGROUND = "#7d8b95";

/**
 * @param {Book} book
 * @param {number} label -1 for a code that was never chosen
 * @param {string} grey
 */
export const classColour = (book, label, grey) => (label < 0 ? grey : label === 0 ? BACKGROUND : book.colours[label]);

/** @type {Record<string, (known: Known) => Colouring>} */
const COLOURINGS = {
  class: ({ book, grey }) => {
    const colours = [grey, ...book.classes.map((_, label) => classColour(book, label, grey))];
    return swatches((code) => book.majority[code] + 1, colours, ["never chosen", ...book.classes]);
  },
  usage: ({ book, grey }) => tokens("tokens", book.counts, [grey, "never chosen"]),
  purity: ({ book, grey }) => {
    const low = 1 / book.classes.length;
    return ramp(book.purity, low, 1, {
      title: "share of the largest class",
      tell: (v) => percent(v, 0),
      unknown: [grey, "never chosen"],
    });
  },
  active: ({ book, grey }) =>
    swatches((code) => Number(book.counts[code] > 0), [grey, TEAL], ["never chosen", "in use"]),
  scan: ({ presence, grey }) => tokens("tokens in this scan", presence?.counts ?? [], [grey, "not in this scan"]),
  slice: ({ book, frame, grey }) => {
    const seen = seenInSlice(book.size, frame);
    const names = ["not in this slice", "in this slice", "added by ε"];
    return swatches((code) => seen[code], [grey, TEAL, MARK], names);
  },
  stage: ({ book, grey }) => {
    const steps = book.steps ?? [];
    const first = Float64Array.from(book.stage ?? [], (moment) => (moment < 0 ? NaN : moment));
    return ramp(first, 0, Math.max(1, steps.length - 1), {
      title: "first in use at step",
      tell: (moment) => number(steps[moment] ?? 0),
      unknown: [grey, "not yet in use"],
    });
  },
  ablation: ({ book, grey }) => {
    const drops = new Float64Array(book.size).fill(NaN);
    for (const [code, dice] of book.ablated) drops[code] = -dice;
    const known = drops.filter(Number.isFinite);
    return ramp(drops, Math.min(...known), Math.max(...known), {
      title: "Dice lost if removed",
      tell: (v) => ratio(v),
      unknown: [grey, "not measured"],
    });
  },
};

/**
 * @param {string} name of a colouring: class, usage, purity ...
 * @param {Known} known
 * @returns {Colouring}
 */
export const colouringOf = (name, known) => COLOURINGS[name](known);

/**
 * Names of the colourings that this codebook has no numbers for.
 * @param {Book} book
 * @returns {string[]}
 */
export const lacking = (book) => [...(book.stage ? [] : ["stage"]), ...(book.ablated.size ? [] : ["ablation"])];

/**
 * The codes of the present slice: 1 if the encoder chose the code, 2 if only the perturbation did.
 * @param {number} size of the codebook
 * @param {Pick<Frame, "codes" | "clean_codes"> | null} frame
 */
export function seenInSlice(size, frame) {
  const seen = new Uint8Array(size);
  for (const code of frame?.codes ?? []) seen[code] = 2;
  for (const code of frame?.clean_codes ?? []) seen[code] = 1;
  return seen;
}

/**
 * @param {(code: number) => number} of the index of a code's colour
 * @param {string[]} colours
 * @param {string[]} names
 * @returns {Colouring}
 */
function swatches(of, colours, names) {
  return { colour: (code) => colours[of(code)], legend: { swatches: names.map((name, i) => [colours[i], name]) } };
}

/**
 * @param {ArrayLike<number>} values of every code, NaN where unknown
 * @param {number} low
 * @param {number} high
 * @param {{title: string, tell: (value: number) => string, unknown: import("./types").Swatch, log?: boolean}} legend
 * @returns {Colouring}
 */
function ramp(values, low, high, { title, tell, unknown, log = false }) {
  return {
    colour: (code) => (Number.isFinite(values[code]) ? stepColour(shareOf(values[code], low, high, log)) : unknown[0]),
    legend: { title, low: tell(low), high: tell(high), unknown },
  };
}

/**
 * A logarithmic ramp, because numbers of tokens differ by orders of magnitude.
 * @param {string} title
 * @param {Float64Array | Int32Array | number[]} counts
 * @param {import("./types").Swatch} unknown
 */
function tokens(title, counts, unknown) {
  const positive = Float64Array.from(counts, (count) => (count > 0 ? count : NaN));
  let most = 1;
  for (const count of counts) most = Math.max(most, count);
  return ramp(positive, 1, most, { title, tell: number, unknown, log: true });
}
