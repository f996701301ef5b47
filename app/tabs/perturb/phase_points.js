/* The arithmetic of the phase diagram: which cell stands for one that is not decoded, colours, lines of equal effect, and
   what it says in words. No DOM. */

import { ratio } from "../../web/numbers.js";
import { roundedReach } from "../../web/reach_scale.js";

/** @typedef {import("./types").Phase} Phase */
/** @typedef {import("./types").PhaseLine} PhaseLine */
/** @typedef {import("./types").Against} Against */
/** @typedef {(number | null)[][]} Matrix */

// A smaller loss of Dice has the brightest colour.
const LEAST_LOSS = 0.003;
/** Values of Dice that the legend of the colours names, and as it names them. */
export const SHADES = [1, 0.99, 0.97, 0.9, 0.7, 0];
// Points of a line of equal effect between two rows: there it bends.
const BETWEEN = 2;
const [KEPT, LOST] = [0.95, 0.5];

/**
 * The place of a reach on the axis: its logarithm, 0 for the nearest codeword only, 1 for any codeword.
 * @param {number} reach
 * @param {number} last K - 1
 */
export const placeOf = (reach, last) => (last > 1 ? Math.log(reach) / Math.log(last) : 0);

/**
 * The colour of Dice, as a place on the ramp: the logarithm of what is lost. So .99 and .97 differ as .9 and .7 do.
 * @param {number} dice
 * @returns {number} 1 where nothing is lost, 0 where all is
 */
export function shadeOf(dice) {
  const loss = Math.min(1, Math.max(LEAST_LOSS, 1 - dice));
  // Not -0.
  return Math.abs(Math.log(loss) / Math.log(LEAST_LOSS));
}

/**
 * Every cell with the nearest one that is known. The matrix is as high as it is wide, whatever its numbers of rows and columns.
 * @param {Matrix} values
 * @returns {Matrix} null only if nothing is known
 */
export function filled(values) {
  const known = values.flatMap((line, row) =>
    line.flatMap((value, column) => (value === null ? [] : [{ row, column, value }])),
  );
  const [down, across] = [values.length - 1 || 1, values[0].length - 1 || 1];
  return values.map((line, row) =>
    line.map((value, column) => {
      if (value !== null) return value;
      let [nearest, least] = [/** @type {number | null} */ (null), Infinity];
      for (const one of known) {
        const distance = Math.hypot((one.row - row) / down, (one.column - column) / across);
        if (distance < least) [nearest, least] = [one.value, distance];
      }
      return nearest;
    }),
  );
}

/**
 * @param {PhaseLine} line
 * @param {Against} against
 */
export const diceOf = (line, against) => (against === "truth" ? line.truth : line.dice);

/**
 * The effect at a reach where every token is replaced. Between the rows its logarithm is interpolated, over that of the reach.
 * @param {PhaseLine[]} rows
 * @param {number} place of the reach
 * @returns {number | null} null while the rows around it are not known
 */
export function fullEffect(rows, place) {
  const last = rows.length - 1;
  const known = rows.flatMap((row, i) => (row.effects[row.effects.length - 1] ? [i] : []));
  const below = known.findLast((row) => row / last <= place + 1e-9);
  const above = known.find((row) => row / last >= place - 1e-9);
  if (below === undefined || above === undefined) return null;
  const [low, high] = [below, above].map((row) => Math.log(Number(rows[row].effects.at(-1))));
  const share = above === below ? 0 : (place * last - below) / (above - below);
  return Math.exp(low + share * (high - low));
}

/**
 * A line of equal effect over the map.
 * @param {PhaseLine[]} rows
 * @param {number} effect
 * @returns {{x: number[], y: number[]}} epsilon and place of the reach; none if the map has no such effect
 */
export function equalEffect(rows, effect) {
  const count = (rows.length - 1) * BETWEEN;
  /** @type {{x: number[], y: number[]}} */
  const line = { x: [], y: [] };
  let [before, former] = [/** @type {number | null} */ (null), 0];
  for (let i = 0; i <= count; i++) {
    const place = i / count;
    const full = fullEffect(rows, place);
    if (!full) continue;
    const strength = effect / full;
    if (strength <= 1) {
      // Where the line leaves the map, at epsilon 1.
      if (before !== null && before > 1) {
        const share = Math.log(before) / (Math.log(before) - Math.log(strength));
        line.x.push(1);
        line.y.push(former + share * (place - former));
      }
      line.x.push(strength);
      line.y.push(place);
    }
    [before, former] = [strength, place];
  }
  return line;
}

/**
 * The strength at which a strip first has an effect. The effect rises with the strength, except that it may fall at 1: dropout
 * enlarges what it keeps, and there it keeps nothing.
 * @param {number[]} strengths
 * @param {PhaseLine} strip
 * @param {number} effect
 * @returns {number | null} null if it is not known, or beyond what the strip has
 */
export function strengthOf(strengths, { effects }, effect) {
  const after = effects.findIndex((value) => value !== null && value >= effect);
  if (after < 0) return null;
  if (after === 0) return strengths[0];
  const [low, high] = [Number(effects[after - 1]), Number(effects[after])];
  return strengths[after - 1] + ((effect - low) / (high - low)) * (strengths[after] - strengths[after - 1]);
}

/**
 * The cell nearest to a setting.
 * @param {Phase} phase
 * @param {number} strength
 * @param {number} place of the reach
 */
export function cellAt({ rows, strengths }, strength, place) {
  const column = strengths.reduce(
    (best, one, i) => (Math.abs(one - strength) < Math.abs(strengths[best] - strength) ? i : best),
    0,
  );
  return { row: Math.round(place * (rows.length - 1)), column };
}

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * The cell that an arrow key leads to; null for another key.
 * @param {Phase} phase
 * @param {{row: number, column: number}} cell
 * @param {string} key
 */
export function cellBeside({ rows, strengths }, { row, column }, key) {
  if (!Object.hasOwn(ARROWS, key)) return null;
  const [up, right] = ARROWS[key];
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, value));
  return { row: within(row + up, rows.length), column: within(column + right, strengths.length) };
}

/**
 * A reach as text.
 * @param {number} reach
 * @param {number} last
 */
export function reachInWords(reach, last) {
  if (reach <= 1) return "nearest only";
  return reach >= last ? "any" : roundedReach(reach);
}

/** @param {number | null} value */
export const decimals = (value) => (value === null ? "–" : ratio(value));

/** @param {number | null} value */
export const effectInWords = (value) => (value === null ? "–" : Number(value.toPrecision(2)).toString());

/**
 * A cell of the map or of a strip.
 * @param {Phase} phase
 * @param {PhaseLine} line
 * @param {number} column
 */
export function cellInWords({ strengths, rows, has_truth }, line, column) {
  const strength = (line.reach === null ? "p " : "ε ") + strengths[column].toFixed(2);
  const last = Number(rows[rows.length - 1].reach);
  const where = line.reach === null ? line.title : "reach " + reachInWords(line.reach, last);
  if (line.dice[column] === null) return `${where}, ${strength}: not decoded yet`;
  const truth = has_truth ? `, against the truth ${decimals(line.truth[column])}` : "";
  return `${where}, ${strength}: Dice against ε = 0 ${decimals(line.dice[column])}${truth}, effect ${effectInWords(line.effects[column])}`;
}

/**
 * What the right edge of the map says: where every token is replaced, up to which reach Dice is kept and from which it is lost.
 * @param {Phase} phase
 */
export function phaseInWords({ rows }) {
  const last = Number(rows[rows.length - 1].reach);
  const edge = rows.flatMap(({ reach, dice }) => {
    const value = dice[dice.length - 1];
    return value === null || reach === null ? [] : [{ reach, value }];
  });
  if (edge.length < 2) return "";
  const first = edge.find(({ value }) => value < KEPT);
  if (!first) return `Even with every token replaced, Dice against ε = 0 stays at ${KEPT} or above at every reach.`;
  const kept = edge[edge.indexOf(first) - 1];
  const lost = edge.find(({ value }) => value < LOST);
  const until = kept
    ? `With every token replaced, Dice against ε = 0 stays at ${KEPT} or above up to reach ${reachInWords(kept.reach, last)}`
    : `With every token replaced, Dice against ε = 0 is below ${KEPT} at every reach`;
  if (!lost) return `${until}, and never falls below ${LOST}.`;
  const from = lost.reach >= last ? "where any codeword may come" : `from reach ${reachInWords(lost.reach, last)} on`;
  return `${until}; it is below ${LOST} ${from}.`;
}

/**
 * What as large an effect as the present one does as each of the strips.
 * @param {Phase} phase
 * @param {number | null} effect
 */
export function effectsInWords({ strengths, strips }, effect) {
  if (effect === null) return "";
  const others = strips.flatMap((strip) => {
    const strength = strengthOf(strengths, strip, effect);
    if (strength === null) return [];
    const column = strengths.reduce(
      (best, one, i) => (Math.abs(one - strength) < Math.abs(strengths[best] - strength) ? i : best),
      0,
    );
    const dice = strip.dice[column];
    return dice === null ? [] : [`${strip.title} at p = ${strength.toFixed(2)}: Dice ${decimals(dice)}`];
  });
  return `Effect at the sliders: ${effectInWords(effect)}.` + (others.length ? ` As much: ${others.join("; ")}.` : "");
}
