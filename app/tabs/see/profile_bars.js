/* The profile of a scan over its slices: how bad each is, which is the worst, and the bars. No DOM. */

import { percent, ratio } from "../../web/numbers.js";

/**
 * As app/scan/profile.py gives it.
 * @typedef {{clean: number | null, changed: number | null, truth: number | null}} SliceScore
 */
/** @typedef {keyof SliceScore} Figure */

/** @type {Figure[]} */
export const FIGURES = ["truth", "clean", "changed"];
const LEAST = 0.05; // the scale's upper end is never below: what hardly changes shall not look as if it did
const GAP = 0.1; // on either side of a bar, of the width of a slice

/**
 * How bad a slice is, from 0: what it lacks to a Dice of 1, or the share that changed. null where there is no structure.
 * @param {SliceScore | undefined} score
 * @param {Figure} figure
 */
export function badness(score, figure) {
  const value = score?.[figure] ?? null;
  if (value === null) return null;
  return figure === "changed" ? value : 1 - value;
}

/**
 * The worst slice, the first of several; null if none is bad at all.
 * @param {SliceScore[]} scores
 * @param {Figure} figure
 * @returns {number | null}
 */
export function worstOf(scores, figure) {
  const bad = scores.map((score) => badness(score, figure) ?? 0);
  const most = Math.max(0, ...bad);
  return most > 0 ? bad.indexOf(most) : null;
}

/**
 * The upper end of the scale.
 * @param {SliceScore[]} scores
 * @param {Figure} figure
 */
export function topOf(scores, figure) {
  const worst = worstOf(scores, figure);
  return Math.max(LEAST, worst === null ? 0 : (badness(scores[worst], figure) ?? 0));
}

/**
 * Bars in a box as wide as there are slices and 1 high, as the d of two paths: the worst slice, and the others.
 * @param {SliceScore[]} scores
 * @param {Figure} figure
 */
export function barsOf(scores, figure) {
  const [worst, top] = [worstOf(scores, figure), topOf(scores, figure)];
  const bar = (/** @type {SliceScore} */ score, /** @type {number} */ index) => {
    const height = Number(((badness(score, figure) ?? 0) / top).toFixed(4));
    return height ? `M${index + GAP} 1v${-height}h${1 - 2 * GAP}v${height}z` : "";
  };
  const every = scores.map(bar);
  return { worst: worst === null ? "" : every[worst], others: every.filter((_, index) => index !== worst).join("") };
}

/**
 * A slice in words.
 * @param {SliceScore | undefined} score undefined while it is not known
 * @param {number} index
 * @param {Figure} figure
 */
export function sliceInWords(score, index, figure) {
  if (!score) return `Slice ${index}: not decoded yet`;
  const value = score[figure];
  if (value === null) return `Slice ${index}: no structure`;
  return figure === "changed" ? `Slice ${index}: ${percent(value)} changed` : `Slice ${index}: Dice ${ratio(value)}`;
}

/**
 * What the profile shows, in words.
 * @param {SliceScore[]} scores
 * @param {number} of slices of the plane
 * @param {Figure} figure
 */
export function profileInWords(scores, of, figure) {
  if (scores.length < of) return `${scores.length} of ${of} slices`;
  const worst = worstOf(scores, figure);
  const value = worst === null ? null : scores[worst][figure];
  if (value !== null)
    return `Worst: slice ${worst}, ` + (figure === "changed" ? percent(value) : `Dice ${ratio(value)}`);
  if (scores.every((score) => score[figure] === null)) return "No slice has a structure";
  return figure === "truth" ? "Every slice is as in the truth" : "No slice changes";
}
