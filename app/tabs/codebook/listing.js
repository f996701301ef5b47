/* The list of codes: which codes it has, their order, the text of a row, and the list as CSV.
   Knows nothing of the page. */

import { number, percent } from "../../web/numbers.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Column} Column */
/** @typedef {import("./types").Sort} Sort */
/** @typedef {{book: Book, presence: import("./types").Presence | null}} Known */

/** Purity below which a code is called impure. */
const IMPURE = 0.6;

/**
 * A column's title, the value that it is sorted by (NaN if unknown), and its text.
 * @typedef {{
 *   title: string,
 *   value: (known: Known, code: number) => number,
 *   tell: (known: Known, code: number) => string,
 * }} ColumnOf
 */

/** @type {Record<Column, ColumnOf>} */
export const COLUMNS = {
  code: { title: "code", value: (_, code) => code, tell: (_, code) => String(code) },
  class: {
    title: "class",
    value: ({ book }, code) => book.majority[code],
    tell: ({ book }, code) => book.classes[book.majority[code]] ?? "–",
  },
  tokens: {
    title: "tokens",
    value: ({ book }, code) => book.counts[code],
    tell: ({ book }, code) => number(book.counts[code]),
  },
  rank: {
    title: "rank",
    value: ({ book }, code) => book.rank[code],
    tell: ({ book }, code) => (book.counts[code] ? number(book.rank[code]) : "–"),
  },
  purity: {
    title: "purity",
    value: ({ book }, code) => book.purity[code],
    tell: ({ book }, code) => (book.counts[code] ? percent(book.purity[code], 0) : "–"),
  },
  here: {
    title: "scan",
    value: ({ presence }, code) => presence?.counts[code] ?? 0,
    tell: ({ presence }, code) => (presence ? number(presence.counts[code]) : "–"),
  },
};

export const NAMES = /** @type {Column[]} */ (Object.keys(COLUMNS));

/** These columns begin with the smallest value, the others with the largest. */
const RISING = ["code", "class", "rank", "purity"];

/**
 * The order after a click on a column's head.
 * @param {Sort} sort
 * @param {Column} column
 * @returns {Sort}
 */
export const sortBy = (sort, column) => ({
  column,
  rising: sort.column === column ? !sort.rising : RISING.includes(column),
});

/**
 * The codes that a filter keeps, sorted.
 * @param {Known & {selected: number[]}} known
 * @param {string} filter
 * @param {Sort} sort
 * @returns {number[]}
 */
export function listedCodes(known, filter, { column, rising }) {
  const from = filter === "marked" ? [...known.selected] : [...known.book.order].filter(keeps(known, filter));
  /** @param {number} code */
  const value = (code) => COLUMNS[column].value(known, code);
  const sign = rising ? 1 : -1;
  // Unknown values come last in both directions.
  return from.sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || sign * (left - right) || a - b;
  });
}

/**
 * Whether a filter keeps a code.
 * @param {Known} known
 * @param {string} filter
 * @returns {(code: number) => boolean}
 */
export function keeps({ book: { counts, order, purity }, presence }, filter) {
  const used = [...order].filter((code) => counts[code]);
  const median = used.length ? counts[used[used.length >> 1]] : 0;
  /** @param {number} code */
  const here = (code) => (presence?.counts[code] ?? 0) > 0;
  /** @type {Record<string, (code: number) => boolean>} */
  const filters = {
    all: () => true,
    dead: (code) => !counts[code],
    impure: (code) => counts[code] > 0 && purity[code] < IMPURE,
    rare: (code) => counts[code] > 0 && counts[code] < median / 10,
    here,
    new: (code) => here(code) && !counts[code],
  };
  return filters[filter];
}

/**
 * One row a code. The shares are those of the code's tokens.
 * @param {Known & {spacing?: import("./types").Spacing | null}} known
 * @param {number[]} codes
 */
export function asCsv({ book, presence, spacing }, codes) {
  const n = book.classes.length;
  const [tokens, shares] = ["tokens_", "share_"].map((head) => book.classes.map((name) => head + name));
  const ends = ["tokens", "rank", "purity", "tokens_in_scan", "nearest_code", "distance_to_nearest"];
  const rows = codes.map((code) => {
    const counts = [...book.classCounts.subarray(code * n, (code + 1) * n)];
    return [
      ...[code, book.classes[book.majority[code]] ?? "", ...counts],
      ...counts.map((count) => fixed(count / book.counts[code])),
      ...[book.counts[code], book.rank[code], fixed(book.purity[code]), presence?.counts[code] ?? ""],
      ...(spacing ? [spacing.nearest[code], fixed(spacing.distances[code])] : ["", ""]),
    ];
  });
  return [["code", "class", ...tokens, ...shares, ...ends], ...rows]
    .map((row) => row.map(quoted).join(",") + "\n")
    .join("");
}

/** @param {number} value NaN if unknown */
const fixed = (value) => (Number.isNaN(value) ? "" : value.toFixed(4));

/** @param {string | number} value */
const quoted = (value) => (/[",\n]/.test(String(value)) ? '"' + String(value).replaceAll('"', '""') + '"' : value);
