/* What is said of a selection: its classes, its tokens, where it fires, and what the scan loses without it. Arithmetic only. */

import { number, percent, ratio } from "../../web/numbers.js";

/** @typedef {import("./types").Book} Book */

/**
 * Tokens of some codes by class, the largest class first.
 * @param {Book} book
 * @param {number[]} codes
 * @returns {[label: number, share: number][]} only classes that they have
 */
export function classMix({ classes, classCounts }, codes) {
  const counts = classes.map((_, label) =>
    codes.reduce((sum, code) => sum + classCounts[code * classes.length + label], 0),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts
    .map((count, label) => /** @type {[number, number]} */ ([label, count / total]))
    .filter(([, share]) => share > 0)
    .sort((a, b) => b[1] - a[1]);
}

/**
 * @param {Book} book
 * @param {[label: number, share: number][]} mix
 */
export const mixInWords = ({ classes }, mix) =>
  mix.map(([label, share]) => classes[label] + " " + percent(share, 0)).join(", ") || "never chosen";

/**
 * Where the codes fire.
 * @param {number[]} slices tokens of every slice
 */
export function firesInWords(slices) {
  const fired = slices.filter((count) => count > 0).length;
  if (!fired) return "They do not fire in this scan.";
  const busiest = slices.indexOf(Math.max(...slices));
  return `In ${fired} of ${slices.length} slices, most in slice ${busiest}: ${number(slices[busiest])} tokens.`;
}

/**
 * What a complete measurement found.
 * @param {import("./types").WithoutAnswer} answer
 * @param {string[]} classes
 * @param {number} slices of the scan
 */
export function withoutInWords(
  { of, tokens = 0, dice = 1, truth_before: before, truth_after: after },
  classes,
  slices,
) {
  if (!tokens) return "No token of this scan has one of these codes.";
  const said =
    `Dice ${ratio(dice)} against the labels with all codes: the mean over the structures of the whole scan at ε = 0. ` +
    `${number(tokens)} tokens in ${of} of ${slices} slices took the nearest code outside the selection.`;
  const truths = (before ?? []).flatMap((score, i) => {
    const then = after?.[i] ?? null;
    return score === null || then === null ? [] : [`${classes[i + 1]} ${ratio(score)} → ${ratio(then)}`];
  });
  return truths.length ? `${said} Against the ground truth: ${truths.join(", ")}.` : said;
}

/**
 * Forced tokens by slice, as the page's store keeps them.
 * @param {Int32Array} tokens (n, 4) slice, row, column, code
 * @returns {Map<number, import("../../web/types").Edit[]>}
 */
export function editsBySlice(tokens) {
  /** @type {Map<number, import("../../web/types").Edit[]>} */
  const lists = new Map();
  for (let i = 0; i < tokens.length; i += 4) {
    const [index, row, column, code] = tokens.subarray(i, i + 4);
    const list = lists.get(index) ?? [];
    list.push([row, column, code]);
    lists.set(index, list);
  }
  return lists;
}
