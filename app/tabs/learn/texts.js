/* Puts numbers and facts into a language's texts. texts.py writes the same. */

/** @typedef {import("./types").Facts} Facts */
/** @typedef {import("./types").Signs} Signs */

const DIGITS = 3;

/**
 * A number as a language writes it, with at most three digits unless it is an integer. A text stays as it is.
 * @param {number | string} value
 * @param {Signs} signs
 */
export function number(value, signs) {
  if (typeof value !== "number") return value;
  const [integer, decimals] = plain(value).split(".");
  const grouped = integer.replace(/\B(?=(\d{3})+$)/g, signs.thousands);
  return decimals ? grouped + signs.decimal + decimals : grouped;
}

/**
 * A number as text, never with an exponent.
 * @param {number} value
 */
function plain(value) {
  if (Number.isInteger(value)) return String(value);
  const rounded = Number(value.toPrecision(DIGITS));
  const decimals = Math.max(0, DIGITS - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  const text = rounded.toFixed(Math.min(100, decimals));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * The text with each name replaced by its fact, or by an ellipsis while the fact is missing.
 * @param {string} text
 * @param {Facts} facts
 * @param {Signs} signs
 */
export function fill(text, facts, signs) {
  return text.replace(/\{(\w+)\}/g, (_, key) => (key in facts ? number(facts[key], signs) : "…"));
}
