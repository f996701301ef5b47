/* A code in words. */

import { number, percent } from "../../web/numbers.js";
import { classShares } from "./book.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Presence} Presence */

/**
 * The three largest classes of the code.
 * @param {Book} book
 * @param {number} code
 */
export function mixInWords(book, code) {
  const largest = classShares(book, code)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3);
  return largest.map(([label, share]) => book.classes[label] + " " + percent(share, 0)).join(", ") || "never chosen";
}

/**
 * How often the code is used.
 * @param {Book} book
 * @param {Presence | null} presence
 * @param {number} code
 * @returns {string[]}
 */
export function usageInWords(book, presence, code) {
  const count = book.counts[code];
  const usage = count ? ["rank " + number(book.rank[code]), number(count) + " tokens"] : ["never chosen"];
  return presence ? [...usage, number(presence.counts[code]) + " in this scan"] : usage;
}

/**
 * Everything about the code, for a screen reader.
 * @param {Book} book
 * @param {Presence | null} presence
 * @param {number} code
 */
export function codeInWords(book, presence, code) {
  return ["code " + code, ...usageInWords(book, presence, code), mixInWords(book, code)].join(", ");
}
