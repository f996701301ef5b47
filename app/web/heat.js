/* A share of every pixel as a map over a slice. No DOM. */

/** @typedef {[number, number, number]} Colour */

/** From a share of almost nothing to the largest. All of them are seen on black and on grey. @type {Colour[]} */
const HEAT = [
  [158, 62, 10],
  [255, 153, 26],
  [255, 246, 190],
];
// The picture is dimmed so that the marks stand out.
export const DIMMED = 0.6;

/**
 * The colour of a share, from the darkest that is still seen on black to the brightest at the top.
 * @param {number} share above 0
 * @param {number} top the largest share of the map
 * @returns {Colour}
 */
export function heatOf(share, top) {
  const place = Math.min(1, share / top) * (HEAT.length - 1);
  const low = Math.min(HEAT.length - 2, Math.floor(place));
  const between = (/** @type {number} */ value, /** @type {number} */ c) =>
    Math.round(value + (place - low) * (HEAT[low + 1][c] - value));
  return /** @type {Colour} */ (HEAT[low].map(between));
}

/** The colours of a bar, as CSS. */
export const HEAT_BAR = `linear-gradient(90deg, ${HEAT.map((colour) => `rgb(${colour.join(" ")})`).join(", ")})`;

/**
 * Mark the pixels that change; the more often, the brighter the mark. The others step back.
 * @param {Uint8ClampedArray} out RGBA, as pictures.grey left it
 * @param {Uint8Array | Uint8ClampedArray} image grey values
 * @param {Float32Array} shares 0 to 1
 */
export function markShares(out, image, shares) {
  const top = largest(shares);
  for (let i = 0; i < shares.length; i++) {
    const colour = shares[i] > 0 ? heatOf(shares[i], top) : null;
    for (let c = 0; c < 3; c++) out[4 * i + c] = colour ? colour[c] : image[i] * DIMMED;
  }
}

/** The largest share, 0 for none. @param {Float32Array} shares */
export const largest = (shares) => shares.reduce((most, share) => Math.max(most, share), 0);
