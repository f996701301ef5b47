/* The texts about the two radii. */

/** @typedef {import("./types").Theory} Theory */

/**
 * The next larger number with two significant digits.
 * @param {number} value
 */
export function above(value) {
  const unit = 10 ** (Math.floor(Math.log10(Math.max(value, 1e-9))) - 1);
  return Number(((Math.floor(value / unit) + 1) * unit).toPrecision(2));
}

/**
 * The main observation, with this codebook's own numbers.
 * @param {Pick<Theory, "strengths" | "quantized" | "dropout">} theory
 */
export function radiiInWords({ strengths, quantized, dropout }) {
  /** @param {number} rate */
  const at = (rate) => dropout[strengths.findIndex((one) => Math.abs(one - rate) < 1e-6)]?.toFixed(2);
  return (
    `Dropout's radius grows without bound: from ${at(0.5)} nats at p = 0.5 to ${at(0.9)} at p = 0.9. ` +
    `The QPM's radius stays below ${above(Math.max(...quantized))} nats up to ε = 1, because a replaced token is still a codeword.`
  );
}

/**
 * The notes on the present slice.
 * @param {number} high the bound at epsilon 1, in nats
 * @param {boolean} acquired whether the slice is one that was acquired
 * @param {string} mode of the perturbation
 */
export function boundInWords(high, acquired, mode) {
  if (!acquired) return "The curves on the right exist only for acquired slices. Choose another plane.";
  const bound = Number(high.toPrecision(2));
  const words =
    `The bounds of Appendix B reach ${bound} nats at ε = 1. ` +
    "They are finite because the codewords lie at finite distances.";
  if (mode === "resample") return words;
  const chosen = mode === "shuffle" ? "Under shuffling all codes come from the slice. " : "";
  return chosen + "The radius on the left is the one of resampling. " + words;
}
