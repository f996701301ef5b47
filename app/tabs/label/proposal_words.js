/* Which slice is worth labelling next, and what is said of it. No DOM. */

/**
 * The slice on which the network contradicts itself most, of those that are not corrected.
 * @param {(number | null)[]} scores in pixels, by slice; null where it is not measured
 * @param {Set<number>} corrected
 * @returns {number | null} null if no slice is left on which it does
 */
export function proposed(scores, corrected) {
  /** @type {number | null} */
  let best = null;
  scores.forEach((score, index) => {
    if (score && !corrected.has(index) && score > (best === null ? 0 : (scores[best] ?? 0))) best = index;
  });
  return best;
}

/**
 * @param {number | null} index as `proposed` gives it
 * @param {(number | null)[]} scores
 */
export function proposalText(index, scores) {
  if (index === null) return "No slice is left on which the network contradicts itself.";
  const pixels = Math.round(scores[index] ?? 0);
  const what = pixels === 1 ? "1 pixel changes its label" : pixels + " pixels change their label";
  return `Slice ${index}: over seeds and views, about ${what}.`;
}
