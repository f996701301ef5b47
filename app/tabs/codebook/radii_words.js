/* The texts about the two radii. */

import { ratio } from "../../web/numbers.js";

/** @typedef {import("./types").Theory} Theory */
/** @typedef {import("./types").KindsAnswer} KindsAnswer */
/** @typedef {import("./types").CostOf} CostOf */
/** @typedef {{title: string, swaps: boolean, radius: number | null, effect: number, dice: number}} Told */

/** The strength at which kinds are compared. */
const COMPARED = 0.9;
/** A smaller difference of Dice says nothing. */
const ALIKE = 0.01;

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
 * What a decoder feels beside what the radius says, at one strength; which sentence it is depends on the numbers.
 * @param {KindsAnswer} answer
 * @param {CostOf[]} costs in the order of the kinds
 * @returns {string} empty until Dice of all kinds is there
 */
export function comparedInWords({ strengths, kinds }, costs) {
  const at = strengths.findIndex((one) => Math.abs(one - COMPARED) < 1e-6);
  const told = kinds.flatMap(({ title, swaps, radius, effect }, i) => {
    const dice = costs[i].dice[costs[i].strengths.findIndex((one) => Math.abs(one - COMPARED) < 1e-6)];
    const moved = effect[at];
    return dice === undefined || moved === null
      ? []
      : [{ title, swaps, radius: radius && radius[at], effect: moved, dice }];
  });
  return told.length < kinds.length || told.length < 2 ? "" : " " + verdict(told);
}

/** @param {Told[]} told */
function verdict(told) {
  const [byRadius, byEffect] = [against(told, "radius"), against(told, "effect")];
  const radius = byRadius
    ? `At ${COMPARED}, ${numbers(byRadius, "radius")}: the radius does not say what a decoder feels.`
    : `At ${COMPARED} the kinds with the larger radius also cost more.`;
  if (!byEffect) return radius + " The effect orders them as Dice does.";
  const reason = byEffect.more.swaps ? "." : ": a decoder averages noise that is drawn for every feature on its own.";
  return `${radius} Nor does the effect alone: ${numbers(byEffect, "effect")}${reason}`;
}

/**
 * @param {{less: Told, more: Told}} pair
 * @param {"radius" | "effect"} measure
 */
function numbers({ less, more }, measure) {
  const [small, large] = [less, more].map((one) => short(one[measure] ?? 0));
  const dice = `Dice ${ratio(less.dice)} against ${ratio(more.dice)}`;
  return `“${less.title}” has less ${measure} than “${more.title}” (${small} against ${large}) and costs more (${dice})`;
}

/**
 * The two kinds that contradict a measure most: the one with less of it has the lower Dice.
 * @param {Told[]} told
 * @param {"radius" | "effect"} measure
 * @returns {{less: Told, more: Told} | null}
 */
function against(told, measure) {
  let [found, most] = [/** @type {{less: Told, more: Told} | null} */ (null), ALIKE];
  for (const less of told) {
    for (const more of told) {
      const [a, b] = [less[measure], more[measure]];
      if (a === null || b === null || a >= b || more.dice - less.dice <= most) continue;
      [found, most] = [{ less, more }, more.dice - less.dice];
    }
  }
  return found;
}

/** @param {number} value */
const short = (value) => Number(value.toPrecision(2)).toString();

/**
 * The notes on the present slice.
 * @param {number} high the bound at epsilon 1, in nats
 * @param {boolean} acquired whether the slice is one that was acquired
 * @param {string} mode of the perturbation
 */
export function boundInWords(high, acquired, mode) {
  if (!acquired) return "The curves of Dice exist only for acquired slices. Choose another plane.";
  const bound = Number(high.toPrecision(2));
  const words =
    `The bounds of Appendix B reach ${bound} nats at ε = 1. ` +
    "They are finite because the codewords lie at finite distances.";
  if (mode === "resample") return words;
  const chosen = mode === "shuffle" ? "Under shuffling all codes come from the slice. " : "";
  return chosen + "The band is that of resampling. " + words;
}

/**
 * Kinds that a logarithmic axis of radii cannot show.
 * @param {KindsAnswer} answer
 */
export function belowInWords({ kinds }) {
  const none = kinds.filter(({ radius }) => radius?.every((value) => value === 0)).map(({ title }) => `“${title}”`);
  return none.length ? ` The radius of ${none.join(" and ")} is 0 at every strength, below the axis.` : "";
}

/**
 * @param {KindsAnswer} answer
 */
export const usageInWords = ({ usage }) => ` The effect is taken under the use of the codewords in ${usage}.`;

/**
 * On which slice Dice is measured, and how far that is: each kind takes a while.
 * @param {{plane: string, index: number}} page
 * @param {CostOf[]} costs by kind, as far as they are there; none where nothing is measured
 */
export function costInWords({ plane, index }, costs) {
  const there = costs.filter(({ dice }) => dice.length).length;
  const left = there < costs.length ? ` · measuring, ${there} of ${costs.length} are there …` : "";
  return `against the labels at ε = 0, ${plane} slice ${index}${left}`;
}
