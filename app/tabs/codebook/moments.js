/* The codebook at moments (snapshots) of the training. Arithmetic only. */

/** @typedef {import("./types").Story} Story */

/** Margin around the points, as a share of their range. */
const RIM = 0.04;

/** @param {Story} story */
export const codewordsOf = (story) => story.counts.length / story.steps.length;

/**
 * The points of a moment that are in use, or not. A code that did not exist yet has the count -1 and is in neither.
 * @param {Story} story
 * @param {number} moment
 * @param {boolean} inUse
 */
export function pointsAt(story, moment, inUse) {
  const n = codewordsOf(story);
  const first = moment * n;
  const codes = Array.from({ length: n }, (_, code) => code).filter((code) => {
    const count = story.counts[first + code];
    return count >= 0 && count > 0 === inUse;
  });
  /** @param {number} axis */
  const along = (axis) => codes.map((code) => story.places[2 * (first + code) + axis]);
  return { x: along(0), y: along(1), customdata: codes };
}

/**
 * How many tokens were counted at a moment.
 * @param {Pick<Story, "counts" | "steps">} story
 * @param {number} moment
 */
export function countedAt({ counts, steps }, moment) {
  const n = counts.length / steps.length;
  return counts.subarray(moment * n, (moment + 1) * n).reduce((sum, count) => sum + Math.max(0, count), 0);
}

/**
 * A range of an axis that fits all moments.
 * @param {Float32Array} places (moments, codes, 2)
 * @param {number} axis 0 or 1
 * @returns {[number, number]}
 */
export function boundsOf(places, axis) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = axis; i < places.length; i += 2) {
    low = Math.min(low, places[i]);
    high = Math.max(high, places[i]);
  }
  const rim = RIM * (high - low);
  return [low - rim, high + rim];
}

/**
 * The moment that the film shows next. After the last one it starts again.
 * @param {number} moment
 * @param {number} last
 */
export const nextMoment = (moment, last) => (moment === last ? 0 : moment + 1);
