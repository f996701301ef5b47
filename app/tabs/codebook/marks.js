/* Which tokens of the slice carry the codes that are marked. Arithmetic only. */

/** @typedef {Pick<import("../../web/types").Scan, "grid_of_tokens" | "levels">} Grids */

/** The cell carries a marked code. */
export const LIT = 1;
/** The cell carries the card's code. */
export const PICKED = 2;

/**
 * The codes that are lit: the marked ones and the card's.
 * @param {Pick<import("./types").CodebookState, "selected" | "picked">} state
 */
export const litCodes = ({ selected, picked }) => new Set(picked === null ? selected : [...selected, picked]);

/**
 * The mark of every cell of the slice, over all levels: 0, LIT or PICKED.
 * @param {Int32Array} codes (levels, rows, columns)
 * @param {Grids} grids
 * @param {Set<number>} lit
 * @param {number | null} picked
 */
export function cellMarks(codes, { grid_of_tokens: [h, w], levels }, lit, picked) {
  const marks = new Uint8Array(h * w);
  for (let level = 0, at = 0; level < levels; level++) {
    for (let cell = 0; cell < h * w; cell++, at++) {
      if (codes[at] === picked) marks[cell] = PICKED;
      else if (!marks[cell] && lit.has(codes[at])) marks[cell] = LIT;
    }
  }
  return marks;
}

/**
 * The codes of some cells in all levels, in ascending order.
 * @param {Iterable<number>} cells
 * @param {Int32Array} codes (levels, rows, columns)
 * @param {Grids} grids
 * @returns {number[]}
 */
export function codesOf(cells, codes, { grid_of_tokens: [h, w], levels }) {
  const found = new Set();
  for (const cell of cells) for (let level = 0; level < levels; level++) found.add(codes[level * h * w + cell]);
  return [...found].sort((a, b) => a - b);
}
