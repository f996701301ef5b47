/* Axes that fit the data, as app/scan/axes.py fits those of the figure for print. */

/** @typedef {import("./types").Fit} Fit */

/**
 * Both ends of an axis. The lower one is never below 0; it is 0 if there is no value.
 * @param {(number | null)[]} values what is drawn, not below 0; null is nothing
 * @param {Fit} fit
 * @returns {[number, number]}
 */
export function fitted(values, { step, least, top }) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return [0, top ?? least];
  // A multiple of the step stays what it is although 0.15 / 0.05 is 2.9999999999999996.
  const low = Math.floor(Math.min(...known) / step + 1e-9) * step;
  const high = top ?? Math.ceil(Math.max(...known) / step - 1e-9) * step;
  return [rounded(Math.max(0, Math.min(low, high - least))), rounded(Math.max(high, least))];
}

/** @param {number} value */
const rounded = (value) => Number(value.toFixed(6));

/**
 * A title that does not hide where the axis begins, if that is not at 0.
 * @param {string} title
 * @param {number} low
 */
export const axisTitle = (title, low) => (low === 0 ? title : `${title} (axis from ${low})`);
