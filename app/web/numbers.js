/* Numbers as text. */

/**
 * @param {number} share
 * @param {number} [digits]
 */
export const percent = (share, digits = 1) => (100 * share).toFixed(digits) + " %";

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");

/**
 * A number as a language writes it: integers in full, others with three digits. A text stays as it is.
 * `number` of app/tabs/learn/texts.py gives the same.
 * @param {number | string} value
 * @param {string} language
 */
export function localised(value, language) {
  if (typeof value !== "number") return value;
  return value.toLocaleString(language, Number.isInteger(value) ? {} : { maximumSignificantDigits: 3 });
}
