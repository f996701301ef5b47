/* The search for codes: numbers, ranges and conditions as a visitor writes them. Arithmetic only.

   Numbers and ranges add up; every condition narrows them down. "40-60 here purity<.6" are those of the codes 40 to 60 that
   fire in the scan and are impure. */

import { keeps } from "./listing.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {{book: Book, presence: import("./types").Presence | null, spacing: import("./types").Spacing | null}} Known */
/** @typedef {(code: number) => boolean} Condition */
/** @typedef {{codes: number[], unread: string[]}} Found */

/** Words that are conditions; listing.js knows what they mean. */
export const WORDS = ["dead", "impure", "rare", "here", "new"];
const COMPARED = /^(.+?)(<=|>=|<|>|=)(.+)$/;

/** @type {Record<string, (a: number, b: number) => boolean>} */
const COMPARISONS = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
};

/**
 * The codes that a text asks for.
 * @param {string} text
 * @param {Known} known
 * @returns {Found | null} codes: rising; unread: the parts that were not understood. null for an empty text
 */
export function search(text, known) {
  const terms = termsOf(text);
  if (!terms.length) return null;
  const { size } = known.book;
  const named = new Set();
  let names = false;
  /** @type {Condition[]} */
  const conditions = [];
  const unread = [];
  for (const term of terms) {
    const range = rangeOf(term, size);
    const condition = range ? null : conditionOf(term, known);
    if (range) {
      names = true;
      for (let code = range[0]; code <= range[1]; code++) named.add(code);
    } else if (condition) conditions.push(condition);
    else unread.push(term);
  }
  if (!names && !conditions.length) return { codes: [], unread };
  const codes = Array.from({ length: size }, (_, code) => code).filter(
    (code) => (!names || named.has(code)) && conditions.every((holds) => holds(code)),
  );
  return { codes, unread };
}

/** @param {string} text */
function termsOf(text) {
  const plain = text.toLowerCase().replace(/[–—−]/g, "-").replace(/≤/g, "<=").replace(/≥/g, ">=");
  const joined = plain.replace(/\s*(<=|>=|<|>|=)\s*/g, "$1").replace(/(\d)\s*-\s*(\d)/g, "$1-$2");
  return joined.split(/[\s,;]+/).filter(Boolean);
}

/**
 * The first and the last code of "12" or "40-60"; null if the term is neither, or names no code of the codebook.
 * @param {string} term
 * @param {number} size
 */
function rangeOf(term, size) {
  const found = /^(\d+)(?:-(\d+))?$/.exec(term);
  if (!found) return null;
  const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
  return first <= last && last < size ? [first, last] : null;
}

/**
 * @param {string} term
 * @param {Known} known
 * @returns {Condition | null}
 */
function conditionOf(term, known) {
  if (WORDS.includes(term)) return keeps(known, term);
  const compared = COMPARED.exec(term);
  if (!compared) return null;
  const [, name, sign, written] = compared;
  const { book } = known;
  if (name === "class" && sign === "=") {
    const label = labelOf(book, written);
    return label < 0 ? null : (code) => book.majority[code] === label;
  }
  const [value, bound] = [valueOf(name, known), boundOf(written)];
  return value && bound !== null ? (code) => COMPARISONS[sign](value(code), bound) : null;
}

/**
 * What a name stands for; the name of a class for its share of a code's tokens.
 * @param {string} name
 * @param {Known} known
 * @returns {((code: number) => number) | null}
 */
function valueOf(name, { book, presence, spacing }) {
  if (name === "usage") return (code) => book.counts[code];
  if (name === "rank") return (code) => (book.counts[code] ? book.rank[code] : NaN);
  if (name === "purity") return (code) => book.purity[code];
  if (name === "nearest" && spacing) return (code) => spacing.distances[code];
  if (name === "here" && presence) return (code) => presence.counts[code];
  const label = labelOf(book, name);
  return label < 0 ? null : (code) => book.classCounts[code * book.classes.length + label] / book.counts[code];
}

/**
 * @param {Book} book
 * @param {string} name in lower case; _ stands for a space
 */
const labelOf = ({ classes }, name) => classes.findIndex((one) => one.toLowerCase().replace(/\s+/g, "_") === name);

/** @param {string} text such as .6, 60% or 120 */
function boundOf(text) {
  const found = /^(\d+\.?\d*|\.\d+)(%?)$/.exec(text);
  return found ? Number(found[1]) / (found[2] ? 100 : 1) : null;
}
