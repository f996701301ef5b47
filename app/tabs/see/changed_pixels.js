/* Which pixels and tokens of a slice a perturbation has changed, as paths of an SVG whose unit is a pixel. No DOM. */

import { boxOf } from "../../web/cells.js";

/** @typedef {import("../../web/cells.js").Tokens} Tokens */
/** @typedef {(at: number) => boolean} Chosen whether a pixel, or a token, is one of them */

/** Instead of a label: the pixel has none any more, or none that is drawn. */
export const GONE = 0;
/** Instead of a label: nothing has changed that is drawn. */
export const SAME = -1;

/**
 * What every pixel became: the label that it is drawn by now, GONE for none, SAME where nothing changed that is drawn.
 * @param {ArrayLike<number>} labels
 * @param {ArrayLike<number>} clean labels at epsilon 0
 * @param {boolean[]} drawn by label
 * @returns {Int16Array}
 */
export function becomings(labels, clean, drawn) {
  const became = new Int16Array(labels.length).fill(SAME);
  for (let i = 0; i < became.length; i++) {
    const now = labels[i];
    if (now === clean[i] || !(drawn[now] || drawn[clean[i]])) continue;
    became[i] = drawn[now] ? now : GONE;
  }
  return became;
}

/**
 * The chosen pixels, one box for each run of a row.
 * @param {Chosen} chosen
 * @param {readonly [number, number]} shape rows and columns
 */
export function boxes(chosen, [rows, columns]) {
  return runsOf(chosen, rows, columns)
    .map(({ line, from, to }) => `M${from} ${line}H${to}V${line + 1}H${from}Z`)
    .join("");
}

/**
 * The lines between the chosen pixels and all others, also along the picture's edge.
 * @param {Chosen} chosen
 * @param {readonly [number, number]} shape rows and columns
 */
export function rim(chosen, [rows, columns]) {
  const has = (/** @type {number} */ row, /** @type {number} */ column) =>
    row >= 0 && row < rows && column >= 0 && column < columns && chosen(row * columns + column);
  // Line number n lies before row, or column, n.
  const level = runsOf((at) => isEdge(has, Math.floor(at / columns), at % columns, 1, 0), rows + 1, columns);
  const upright = runsOf((at) => isEdge(has, at % rows, Math.floor(at / rows), 0, 1), columns + 1, rows);
  const paths = level.map(({ line, from, to }) => `M${from} ${line}H${to}`);
  return paths.concat(upright.map(({ line, from, to }) => `M${line} ${from}V${to}`)).join("");
}

/**
 * Whether exactly one of a pixel and its neighbour above, or to the left, is chosen.
 * @param {(row: number, column: number) => boolean} has
 * @param {number} row
 * @param {number} column
 * @param {number} up
 * @param {number} left
 */
const isEdge = (has, row, column, up, left) => has(row, column) !== has(row - up, column - left);

/**
 * The replaced tokens, one box for each run of a row in the array's order. Empty in planes without tokens.
 * @param {Tokens} scan
 * @param {string} plane
 * @param {ArrayLike<number> | null} clean codes of all levels
 * @param {ArrayLike<number> | null} codes
 */
export function replacedCells(scan, plane, clean, codes) {
  if (!clean || !codes) return "";
  const [h, w] = scan.grid_of_tokens;
  const isReplaced = (/** @type {number} */ at) => {
    for (let level = 0; level < scan.levels; level++)
      if (clean[level * h * w + at] !== codes[level * h * w + at]) return true;
    return false;
  };
  return runsOf(isReplaced, h, w)
    .map(({ line, from, to }) => joined(boxOf(scan, plane, line, from), boxOf(scan, plane, line, to - 1)))
    .join("");
}

/**
 * The box around two boxes.
 * @param {readonly number[]} one left, top, width, height
 * @param {readonly number[]} other of the same size
 */
function joined([left, top, width, height], [otherLeft, otherTop]) {
  const [x, y] = [Math.min(left, otherLeft), Math.min(top, otherTop)].map(rounded);
  const right = rounded(Math.max(left, otherLeft) + width);
  return `M${x} ${y}H${right}V${rounded(Math.max(top, otherTop) + height)}H${x}Z`;
}

const rounded = (/** @type {number} */ place) => Math.round(100 * place) / 100;

/**
 * Runs of what is chosen in lines of a length.
 * @param {Chosen} chosen
 * @param {number} lines
 * @param {number} length
 */
function runsOf(chosen, lines, length) {
  const runs = [];
  for (let line = 0; line < lines; line++) {
    for (let from = 0; from < length; from++) {
      if (!chosen(line * length + from)) continue;
      let to = from + 1;
      while (to < length && chosen(line * length + to)) to++;
      runs.push({ line, from, to });
      from = to;
    }
  }
  return runs;
}
