/* The scale of the slider "Reach": positions on a logarithmic track, and a reach in words. Pure functions.
   null stands for the checkpoint's own reach, here as everywhere. */

import { number } from "./numbers.js";

/** @typedef {Pick<import("./types").Reaches, "own" | "last">} Ends */

const A_DECADE = 25; // positions from 1 to 10, from 10 to 100 ...
const ALIKE = 0.01; // of the codebook: codewords farther down the list do not look alike any more

/** @param {number} reach */
const place = (reach) => A_DECADE * Math.log10(reach);

/**
 * The last position of the track; the first is 0.
 * @param {Ends} ends
 */
export const lastPosition = ({ last }) => Math.round(place(last));

/**
 * The position that is nearest to a reach.
 * @param {number | null} reach
 * @param {Ends} ends
 */
export function positionOf(reach, ends) {
  return Math.min(lastPosition(ends), Math.max(0, Math.round(place(reach ?? ends.own))));
}

/**
 * The reach at a position. Where the checkpoint's own lies, it is exactly that.
 * @param {number} position
 * @param {Ends} ends
 * @returns {number | null}
 */
export function reachAt(position, ends) {
  if (position === positionOf(null, ends)) return null;
  if (position >= lastPosition(ends)) return ends.last;
  const reach = 10 ** (position / A_DECADE);
  return reach < 10 ? Number(reach.toFixed(1)) : Math.round(reach);
}

/**
 * The reaches beside one, the nearest first, each once.
 * @param {number | null} reach
 * @param {Ends} ends
 * @param {number} most
 * @returns {(number | null)[]}
 */
export function reachesBeside(reach, ends, most) {
  const [middle, end] = [positionOf(reach, ends), lastPosition(ends)];
  const steps = Array.from({ length: end + 1 }, (_, i) => [middle + i, middle - i]).flat();
  const found = new Set(steps.filter((step) => step >= 0 && step <= end).map((step) => reachAt(step, ends)));
  found.delete(reach);
  return [...found].slice(0, most);
}

/**
 * The number of codewords that a replaced token may effectively become, rounded for reading.
 * @param {number} reach
 */
export const roundReach = (reach) => (reach < 9.95 ? Number(reach.toFixed(1)) : Math.round(reach));

/** The same as text. @param {number} reach */
export const roundedReach = (reach) => number(roundReach(reach));

/**
 * What this many nearest codewords are.
 * @param {number} many
 * @param {number} last
 */
export const kindOf = (many, last) => (many <= ALIKE * last ? "lookalikes" : "codewords");

/**
 * A reach among other settings.
 * @param {number | null} reach
 */
export const reachAsSetting = (reach) => (reach === null ? "own reach" : "reach " + roundedReach(reach));

/**
 * What a reach means.
 * @param {number | null} reach
 * @param {Ends} ends
 */
export function reachInWords(reach, ends) {
  const value = reach ?? ends.own;
  const many = roundedReach(value);
  if (many === "1") return "nearest only";
  return value >= ends.last ? "any codeword" : "about " + many + " " + kindOf(value, ends.last);
}

/**
 * Why the reach cannot be moved; an empty text if it can.
 * @param {Pick<import("./types").PageState, "mode" | "scan">} state
 */
export function whyFixed({ mode, scan }) {
  if (!scan.reach.modes.includes(mode)) return "The " + mode + " replacement has no reach.";
  return lastPosition(scan.reach) < 1 ? "With two codewords there is only one replacement." : "";
}
