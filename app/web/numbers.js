/* Numbers as text. vqseg/shares.py writes the same. */

/** Decimals at most. A number nearer to an end is written as a bound. */
const MOST = 6;

/**
 * A number between 0 and an end, with fixed decimals. Rounding never makes it an end that it is not: it gets more decimals
 * instead. The ends themselves have no decimals.
 * @param {number} value
 * @param {number} end
 * @param {number} digits
 */
function between(value, end, digits) {
  if (value === 0 || value === end) return String(value);
  const near = Math.min(value, end - value);
  if (near < 0 || near * 10 ** digits > 0.5) return value.toFixed(digits);
  const isSmall = value === near;
  if (near * 10 ** MOST < 0.5) return isSmall ? "< " + (0.000001).toFixed(MOST) : "> " + (end - 0.000001).toFixed(MOST);
  // A small number needs two digits to be compared with others; near the end one of what is missing is enough.
  const told = isSmall ? 10 : 1;
  let decimals = digits;
  while (decimals < MOST && near * 10 ** decimals < told) decimals++;
  return value.toFixed(decimals);
}

/**
 * A share in percent. Only 0 and 1 are "0 %" and "100 %".
 * @param {number} share
 * @param {number} [digits]
 */
export const percent = (share, digits = 1) => between(100 * share, 100, digits) + " %";

/**
 * A Dice or a probability. Only 0 and 1 are "0" and "1".
 * @param {number} value
 * @param {number} [digits]
 */
export const ratio = (value, digits = 3) => between(value, 1, digits);

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");
