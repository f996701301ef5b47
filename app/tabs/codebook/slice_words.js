/* The texts around the slice. */

import { number } from "../../web/numbers.js";

/** @typedef {import("./types").OnShow} OnShow */

/** @param {OnShow} on */
export function titleInWords({ request: { plane, index }, codes }) {
  const different = codes ? " · " + number(new Set(codes).size) + " codes" : "";
  return plane[0].toUpperCase() + plane.slice(1) + " slice " + index + different;
}

/**
 * @param {OnShow} on
 * @param {number} lit codes that are lit
 * @param {number} cells of this slice that carry them
 */
export function hintInWords({ scan, codes }, lit, cells) {
  if (!codes) {
    const acquired = Object.keys(scan.planes).find((name) => scan.planes[name].acquired);
    return "Only acquired slices have tokens. Choose the " + acquired + " plane.";
  }
  if (!lit) return "Click a cell for its code, or drag over a region to mark its codes.";
  return number(cells) + (cells === 1 ? " cell" : " cells") + " of this slice lit";
}

/**
 * @param {number[]} selected
 * @param {import("./types").Presence | null} presence
 */
export function markedInWords(selected, presence) {
  const marked = number(selected.length) + (selected.length === 1 ? " code" : " codes") + " marked";
  if (!presence) return marked;
  const tokens = selected.reduce((sum, code) => sum + presence.counts[code], 0);
  return marked + " · " + number(tokens) + " tokens of this scan";
}
