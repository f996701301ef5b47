/* The pixels and figures of the maps: where only one decoder's output changes, and how much a label depends on the seed.
   No DOM. */

import { DIMMED } from "../../web/heat.js";

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
