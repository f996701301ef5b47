/* The colour ramp for ordered values: viridis. */

/** Nine stops of the ramp. */
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"].map(
  (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)),
);

/**
 * @param {number} share 0 to 1; values beyond get the colours of the ends
 * @returns {number[]} red, green, blue
 */
export function viridis(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return VIRIDIS[low].map((value, i) => Math.round(value + (place - low) * (VIRIDIS[low + 1][i] - value)));
}

/** @param {number[]} colour */
const css = (colour) => "rgb(" + colour + ")";

// Only few different colours, because plotly parses each different one.
const STEPS = Array.from({ length: 64 }, (_, i) => css(viridis(i / 63)));

/** @param {number} share 0 to 1 */
export const stepColour = (share) => STEPS[Math.round((STEPS.length - 1) * Math.min(1, Math.max(0, share)))];

export const GRADIENT = "linear-gradient(90deg," + VIRIDIS.map(css) + ")";

/**
 * The position of a value between low and high.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 * @returns {number} 0 at low, 1 at high
 */
export function shareOf(value, low, high, log) {
  const to = log ? Math.log10 : (/** @type {number} */ v) => v;
  return (to(value) - to(low)) / Math.max(1e-9, to(high) - to(low));
}

/** The same for plotly. */
export const COLOURSCALE = VIRIDIS.map((value, i) => [i / (VIRIDIS.length - 1), css(value)]);
