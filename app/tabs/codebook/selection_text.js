/* Selections as text for the page's address. Arithmetic only. tab.py of this folder says what of it can be read. */

import { MEASURES, brushBetween } from "./measures.js";

/** @typedef {import("./types").Brushes} Brushes */
/** @typedef {import("./types").Saved} Saved */

// A number is written in digits of base 32, the lowest first. Each but the last is taken from the second half.
const LAST = "0123456789abcdefghijklmnopqrstuv";
const MORE = "ABCDEFGHIJKLMNOPQRSTUVWXYZwxyz-_";
const BASE = LAST.length;

/** @param {number} value a whole number from 0 */
function written(value) {
  let text = "";
  for (; value >= BASE; value = Math.floor(value / BASE)) text += MORE[value % BASE];
  return text + LAST[value];
}

/**
 * @param {string} text
 * @returns {number[] | null} null if it is no row of numbers
 */
function read(text) {
  const numbers = [];
  let [value, factor] = [0, 1];
  for (const sign of text) {
    const last = LAST.indexOf(sign);
    const digit = last < 0 ? MORE.indexOf(sign) : last;
    if (digit < 0) return null;
    value += digit * factor;
    factor *= BASE;
    if (last < 0) continue;
    numbers.push(value);
    [value, factor] = [0, 1];
  }
  return factor === 1 ? numbers : null;
}

/**
 * Codes as short text: the gap before each run of codes, doubled, and one more if the run's length follows.
 * @param {number[]} codes rising, each once
 */
export function codesAsText(codes) {
  let text = "";
  let next = 0; // the smallest code that may come
  for (let i = 0; i < codes.length;) {
    let end = i + 1;
    while (end < codes.length && codes[end] === codes[end - 1] + 1) end++;
    const [gap, length] = [codes[i] - next, end - i];
    text += written(2 * gap + Number(length > 1)) + (length > 1 ? written(length - 2) : "");
    next = codes[end - 1] + 1;
    i = end;
  }
  return text;
}

/**
 * The codes of a text as `codesAsText` writes it.
 * @param {string} text
 * @param {number} size of the codebook: larger codes are left out
 * @returns {number[] | null} rising; null if the text cannot be read
 */
export function codesFromText(text, size) {
  const numbers = read(text);
  if (!numbers) return null;
  const codes = [];
  let next = 0;
  for (let i = 0; i < numbers.length; i++) {
    const isRun = numbers[i] % 2 === 1;
    if (isRun && i + 1 === numbers.length) return null;
    const first = next + Math.floor(numbers[i] / 2);
    next = first + (isRun ? numbers[++i] + 2 : 1);
    for (let code = first; code < Math.min(next, size); code++) codes.push(code);
  }
  return codes;
}

/**
 * Brushes as text, such as purity.0.12_usage.3.20; "" for none.
 * @param {Brushes} brushes
 */
export const brushesAsText = (brushes) =>
  MEASURES.filter((name) => brushes[name])
    .map((name) => [name, ...(brushes[name] ?? [])].join("."))
    .join("_");

/**
 * @param {string} text
 * @returns {Brushes} what cannot be read is left out
 */
export function brushesFromText(text) {
  /** @type {Brushes} */
  const brushes = {};
  for (const [name, from, to] of text.split("_").map((part) => part.split("."))) {
    const measure = MEASURES.find((one) => one === name);
    const brush = brushBetween(Number(from), Number(to));
    if (measure && brush?.every(Number.isInteger)) brushes[measure] = brush;
  }
  return brushes;
}

/**
 * Saved selections as text, such as impure.4a~dead.1c; "" for none.
 * @param {Saved[]} list
 */
export const savedAsText = (list) => list.map(({ name, codes }) => name + "." + codesAsText(codes)).join("~");

/**
 * A name as a selection may have it: without the signs that divide saved selections.
 * @param {string} name
 */
export const plainName = (name) =>
  name
    .replace(/[.~\s]+/g, " ")
    .trim()
    .slice(0, 40);

/**
 * @param {string} text
 * @param {number} size of the codebook
 * @returns {Saved[]} what cannot be read is left out
 */
export function savedFromText(text, size) {
  return text.split("~").flatMap((part) => {
    const [name, codes = "", ...rest] = part.split(".");
    const found = rest.length ? null : codesFromText(codes, size);
    return plainName(name) && found?.length ? [{ name: plainName(name), codes: found }] : [];
  });
}
