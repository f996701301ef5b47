/* The keys of frames, and which frame is fetched next. Pure functions. */

/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").SliceRequest} SliceRequest */

/** @param {Pick<SliceRequest, "token" | "plane" | "index" | "channel">} request */
export const sliceKey = ({ token, plane, index, channel }) => [token, plane, index, channel].join(" ");

/** @param {Omit<SliceRequest, "sequence">} request */
export const frameKey = (request) =>
  [sliceKey(request), request.truth, request.strength, request.mode, request.seed, request.edits, request.reach].join(
    " ",
  );

/**
 * @param {PageState} state
 * @returns {Omit<SliceRequest, "sequence">}
 */
export function requestOf({ scan, plane, index, strength, mode, seed, edits, reach, channel }) {
  const { token, truth } = scan;
  return { token, truth, plane, index, strength, mode, seed, edits, reach, channel: channelOf(scan, channel) };
}

/**
 * The channel on show: the chosen one if this scan has it, else the one that it opens with; null if it has a single one.
 * @param {Pick<import("./types").Scan, "channels">} scan
 * @param {string | null} chosen
 */
export const channelOf = ({ channels }, chosen) =>
  channels.some(([, value]) => value === chosen) ? chosen : (channels[0]?.[1] ?? null);

/**
 * Epsilon 0, 1 / steps .. 1.
 * @param {number} steps
 */
export const gridOf = (steps) => Array.from({ length: steps + 1 }, (_, i) => i / steps);

/**
 * The nearest epsilon of the grid.
 * @param {number} strength
 * @param {number} steps
 */
export const nearest = (strength, steps) => Math.round(strength * steps) / steps;

/**
 * The epsilon that is fetched next: the nearest one of the grid that is missing, undefined if none is missing.
 * @param {number} strength
 * @param {number[]} grid
 * @param {(strength: number) => boolean} isThere
 */
export function nextAhead(strength, grid, isThere) {
  return grid.toSorted((a, b) => Math.abs(a - strength) - Math.abs(b - strength)).find((step) => !isThere(step));
}

/** Frames of other reaches that are fetched ahead, at most. */
export const REACHES = 24;

/**
 * How many frames of other reaches fit into memory beside those of the grid of epsilon and the present one.
 * @param {number} pixels of a slice
 * @param {number[]} grid
 */
export const reachesAhead = (pixels, grid) => Math.max(0, Math.min(REACHES, mostKept(pixels) - grid.length - 1));

/**
 * How many slices of this size are kept.
 * @param {number} pixels
 */
export function mostKept(pixels) {
  return Math.max(24, Math.min(256, Math.floor(2 ** 25 / pixels)));
}
