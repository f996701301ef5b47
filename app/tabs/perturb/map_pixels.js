/* The pixels and figures of the maps: where only one decoder's output changes, and how much a label depends on the seed.
   No DOM. */

import { shareOf, viridis } from "../../web/ramp.js";

/** @typedef {[number, number, number]} Colour */

/** From a share of almost nothing to the largest. All of them are seen on black and on grey. @type {Colour[]} */
const HEAT = [
  [158, 62, 10],
  [255, 153, 26],
  [255, 246, 190],
];
// The picture is dimmed so that the marks stand out.
const DIMMED = 0.6;

/**
 * Perturbation sensitivity: the share of draws whose label differs from the pixel's most frequent one. It does not
 * measure uncertainty.
 * @param {Uint8Array[]} draws labels of one slice under several seeds
 * @param {number} classes how many labels there are
 */
export function sensitivityOf(draws, classes) {
  const votes = new Uint8Array(classes);
  return Float32Array.from(draws[0], (_, i) => {
    votes.fill(0);
    for (const labels of draws) votes[labels[i]]++;
    return 1 - Math.max(...votes) / draws.length;
  });
}

/** The share of the pixels that are above 0. @param {Float32Array} shares */
export function changingShare(shares) {
  return shares.reduce((count, share) => count + (share > 0 ? 1 : 0), 0) / shares.length;
}

/**
 * The share of the pixels for each kind of change.
 * @param {Uint8Array} changes kinds of change from app/scan/branches.py
 * @param {number} kinds how many there are
 */
export function sharesOf(changes, kinds) {
  const counts = new Array(kinds).fill(0);
  for (const change of changes) counts[change]++;
  return counts.map((count) => count / changes.length);
}

/**
 * Mark every pixel by its kind.
 * @param {Uint8ClampedArray} out RGBA, as pictures.grey left it
 * @param {Uint8Array} image grey values
 * @param {Uint8Array} changes kinds of change
 * @param {(Colour | null)[]} colours by kind; null marks nothing
 */
export function markBranches(out, image, changes, colours) {
  for (let i = 0; i < changes.length; i++) {
    const colour = colours[changes[i]];
    for (let c = 0; c < 3; c++) out[4 * i + c] = colour ? colour[c] : image[i] * DIMMED;
  }
}

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
 * @param {Uint8Array} image grey values
 * @param {Float32Array} shares 0 to 1
 */
export function markSensitivity(out, image, shares) {
  const top = largest(shares);
  for (let i = 0; i < shares.length; i++) {
    const colour = shares[i] > 0 ? heatOf(shares[i], top) : null;
    for (let c = 0; c < 3; c++) out[4 * i + c] = colour ? colour[c] : image[i] * DIMMED;
  }
}

/** The largest share, 0 for none. @param {Float32Array} shares */
export const largest = (shares) => shares.reduce((most, share) => Math.max(most, share), 0);

/**
 * Colour every pixel by a number of its token, on a scale of ratios from the least to the most.
 * @param {Uint8ClampedArray} out RGBA, as pictures.grey left it
 * @param {Int32Array} owners the token of every pixel, -1 for none
 * @param {Float32Array} values of the tokens, above 0
 */
export function markTokens(out, owners, values) {
  const [low, high] = rangeOf(values);
  const colours = Array.from(values, (value) => viridis(shareOf(value, low, high, true)));
  owners.forEach((token, i) => {
    if (token >= 0) for (let c = 0; c < 3; c++) out[4 * i + c] = colours[token][c];
  });
}

/** The least and the most. @param {Float32Array} values @returns {[number, number]} */
export const rangeOf = (values) => [
  values.reduce((least, value) => Math.min(least, value), Infinity),
  values.reduce((most, value) => Math.max(most, value), -Infinity),
];
