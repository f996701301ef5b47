/* Numbers as text. */

/**
 * @param {number} share
 * @param {number} [digits]
 */
export const percent = (share, digits = 1) => (100 * share).toFixed(digits) + " %";

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");
