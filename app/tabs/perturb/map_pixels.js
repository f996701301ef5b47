/* The pixels and figures of the maps: where only one decoder's output changes, and how much a label depends on the seed.
   No DOM. */

import { DIMMED } from "../../web/heat.js";
import { shareOf, viridis } from "../../web/ramp.js";

/** @typedef {[number, number, number]} Colour */

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
