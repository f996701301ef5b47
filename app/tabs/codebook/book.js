/* The codebook that the server sent, and the figures that follow from its counts. Knows nothing of the page. */

import { typed } from "../../web/packed.js";

/** @typedef {import("./types").Book} Book */

/**
 * @param {import("./types").BookAnswer} answer
 * @returns {Promise<Book>}
 */
export async function bookOf(answer) {
  const { class_counts, ablation, ...figures } = answer;
  const counts = await typed(Float64Array, answer.counts);
  const classCounts = await typed(Float64Array, class_counts);
  const stage = answer.stage ? await typed(Int32Array, answer.stage) : null;
  const ablated = new Map(ablation ?? []);
  const derived = { ...ranks(counts), ...purities(counts, classCounts, answer.classes.length) };
  return { ...figures, ...derived, size: counts.length, counts, classCounts, stage, ablated };
}

/**
 * @param {Float64Array} counts tokens of every code
 * @returns {Pick<Book, "order" | "rank">} equally used codes by their number
 */
export function ranks(counts) {
  const order = Uint32Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b);
  const rank = new Uint32Array(counts.length);
  order.forEach((code, place) => (rank[code] = place + 1));
  return { order, rank };
}

/**
 * @param {Float64Array} counts tokens of every code
 * @param {Float64Array} classCounts (codes, classes)
 * @param {number} classes how many
 * @returns {Pick<Book, "majority" | "purity">}
 */
export function purities(counts, classCounts, classes) {
  const majority = new Int16Array(counts.length).fill(-1);
  const purity = new Float32Array(counts.length).fill(NaN);
  for (let code = 0; code < counts.length; code++) {
    if (!counts[code]) continue;
    const row = classCounts.subarray(code * classes, (code + 1) * classes);
    majority[code] = row.indexOf(Math.max(...row));
    purity[code] = row[majority[code]] / counts[code];
  }
  return { majority, purity };
}

/**
 * The classes of a code's tokens, in the order of the classes.
 * @param {Book} book
 * @param {number} code
 * @returns {[label: number, share: number][]}
 */
export function classShares(book, code) {
  const n = book.classes.length;
  const row = [...book.classCounts.subarray(code * n, (code + 1) * n)];
  const total = Math.max(1, book.counts[code]);
  return row
    .map((count, label) => /** @type {[number, number]} */ ([label, count / total]))
    .filter(([, share]) => share > 0);
}

/**
 * How many tokens the codebook's figures are counted over.
 * @param {Pick<Book, "counts">} book
 */
export const tokensOf = ({ counts }) => counts.reduce((sum, count) => sum + count, 0);
