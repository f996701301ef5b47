/* Histograms of the codebook, and which codes lie within their brushes. Arithmetic only. */

import { number, percent } from "../../web/numbers.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Brush} Brush */
/** @typedef {import("./types").Brushes} Brushes */
/** @typedef {import("./types").Histogram} Histogram */
/** @typedef {import("./types").Measure} Measure */
/** @typedef {import("./types").Spacing} Spacing */

/** Bars of a histogram. An edge of purity lies every 5 %, so that "impure" ends at one. */
export const BARS = 20;
/** Stands for the bar of a code without a value. */
export const NO_BAR = 255;

/** @type {Measure[]} */
export const MEASURES = ["usage", "purity", "nearest"];

/**
 * The bar that every code stands in. Usage has a bar of its own for codes that were never chosen.
 * @param {Book} book
 * @param {Spacing | null} spacing null while it is not known
 * @returns {Partial<Record<Measure, Histogram>>}
 */
export function histogramsOf(book, spacing) {
  const most = Math.max(2, book.counts[book.order[0]] + 1);
  const used = geometric(1, most, BARS - 1);
  const usage = histogram([0, ...used], (code) => book.counts[code], book.size, { tell: number });
  const even = Array.from({ length: BARS + 1 }, (_, i) => i / BARS);
  const purity = histogram(even, (code) => book.purity[code], book.size, { tell: (share) => percent(share, 0) });
  if (!spacing) return { usage, purity };
  const { distances } = spacing;
  const positive = distances.filter((distance) => distance > 0);
  const [low, high] = [least(positive), largest(positive)];
  const edges = geometric(low, Math.max(high, 1.01 * low), BARS);
  const nearest = histogram(edges, (code) => distances[code], book.size, {
    tell: (distance) => distance.toPrecision(2),
  });
  return { usage, purity, nearest };
}

/** @param {Float32Array} values */
const least = (values) => values.reduce((low, value) => Math.min(low, value), Infinity);
/** @param {Float32Array} values */
const largest = (values) => values.reduce((high, value) => Math.max(high, value), 0);

/**
 * @param {number} low
 * @param {number} high
 * @param {number} bars
 */
const geometric = (low, high, bars) => Array.from({ length: bars + 1 }, (_, i) => low * (high / low) ** (i / bars));

/**
 * @param {number[]} edges rising
 * @param {(code: number) => number} value NaN where unknown
 * @param {number} size
 * @param {{tell: (value: number) => string}} words
 * @returns {Histogram}
 */
function histogram(edges, value, size, { tell }) {
  const bars = Uint8Array.from({ length: size }, (_, code) => barOf(edges, value(code)));
  return { edges, bars, tell };
}

/**
 * The bar of a value: the last one whose lower edge it has reached. Values beyond the edges belong to the outer bars.
 * @param {number[]} edges rising
 * @param {number} value
 */
export function barOf(edges, value) {
  if (!Number.isFinite(value)) return NO_BAR;
  // Single precision may have rounded a value down that lies on an edge.
  const reached = edges.findLastIndex((edge) => value * (1 + 1e-6) >= edge);
  return Math.min(edges.length - 2, Math.max(0, reached));
}

/**
 * Which codes pass all brushes and the isolation.
 * @param {number} size
 * @param {Partial<Record<Measure, Histogram>>} histograms a brush without its histogram holds nothing back
 * @param {Brushes} brushes
 * @param {number[] | null} isolated the only codes that pass; null for all
 * @returns {Uint8Array | null} 1 where a code passes; null if nothing is held back
 */
export function passingCodes(size, histograms, brushes, isolated) {
  const active = MEASURES.filter((measure) => brushes[measure] && histograms[measure]);
  if (!active.length && !isolated) return null;
  const passing = new Uint8Array(size).fill(isolated ? 0 : 1);
  for (const code of isolated ?? []) passing[code] = 1;
  for (const measure of active) {
    const [from, to] = /** @type {Brush} */ (brushes[measure]);
    const { bars } = /** @type {Histogram} */ (histograms[measure]);
    for (let code = 0; code < size; code++) if (bars[code] < from || bars[code] >= to) passing[code] = 0;
  }
  return passing;
}

/**
 * The selection: what was chosen, as far as it passes. If nothing was chosen, all that passes.
 * @param {number[] | null} chosen
 * @param {Uint8Array | null} passing
 * @returns {number[]} rising
 */
export function selectionOf(chosen, passing) {
  if (!passing) return chosen ?? [];
  if (chosen) return chosen.filter((code) => passing[code]);
  const codes = [];
  for (let code = 0; code < passing.length; code++) if (passing[code]) codes.push(code);
  return codes;
}

/**
 * How many of some codes stand in each bar.
 * @param {Histogram} histogram
 * @param {Iterable<number>} codes
 */
export function countedBars({ bars, edges }, codes) {
  const counts = new Uint32Array(edges.length - 1);
  for (const code of codes) if (bars[code] !== NO_BAR) counts[bars[code]]++;
  return counts;
}

/**
 * A brush with its ends in order, at least one bar wide; null if it holds nothing back.
 * @param {number} from the first bar
 * @param {number} to the bar behind the last one
 * @param {number} bars how many there are
 * @returns {Brush | null}
 */
export function brushBetween(from, to, bars = BARS) {
  const low = Math.min(bars - 1, Math.max(0, Math.min(from, to)));
  const high = Math.min(bars, Math.max(low + 1, Math.max(from, to)));
  return low === 0 && high === bars ? null : [low, high];
}
