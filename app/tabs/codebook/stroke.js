/* The path of a brush between two events. Arithmetic only. */

/** @typedef {{clientX: number, clientY: number}} Point */

/**
 * The places that a stroke runs over, one for each pixel of the screen: a fast one leaves no cell out.
 * @param {Point | null} from where the brush was; null where it is set down
 * @param {Point} to where it is now
 * @returns {Point[]} without `from`, and with `to` as the last one
 */
export function strokeBetween(from, to) {
  if (!from) return [to];
  const [across, down] = [to.clientX - from.clientX, to.clientY - from.clientY];
  const steps = Math.max(1, Math.ceil(Math.hypot(across, down)));
  return Array.from({ length: steps }, (_, i) => {
    const share = (i + 1) / steps;
    return { clientX: from.clientX + share * across, clientY: from.clientY + share * down };
  });
}
