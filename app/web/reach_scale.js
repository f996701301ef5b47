/* The scale of the slider "Reach": positions on a logarithmic track, and a reach in words. Pure functions.
   null stands for the checkpoint's own reach, here as everywhere. */

/** @typedef {Pick<import("./types").Reaches, "own" | "last">} Ends */

const A_DECADE = 20; // positions from 1 to 10, from 10 to 100 ...

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
 * The number of codewords that a replaced token may effectively become, rounded for reading.
 * @param {number} reach
 */
export const roundedReach = (reach) => String(reach < 9.95 ? Number(reach.toFixed(1)) : Math.round(reach));

/**
 * A reach among other settings.
 * @param {number | null} reach
 */
export const reachAsSetting = (reach) => (reach === null ? "own reach" : "reach " + roundedReach(reach));
