/* The plots of radius, effect and Dice in plotly's form. Knows nothing of the page. */

import { axisTitle, fitted } from "../../web/axes.js";
import { axisLook } from "../../web/plotly.js";
import { TEAL } from "./colour.js";

/** @typedef {import("./types").Theory} Theory */
/** @typedef {import("./types").KindsAnswer} KindsAnswer */
/** @typedef {import("./types").KindOf} KindOf */
/** @typedef {import("./types").CostOf} CostOf */

// Told apart by those who see fewer colours. Kinds beyond them begin anew.
const COLOURS = [TEAL, "#e69f00", "#d55e00", "#cc79a7", "#0072b2", "#7a8b96"];
// Kinds of features whose lines coincide show through each other.
const DASHES = ["dash", "dot", "dashdot"];
// What is smaller is nothing on a logarithmic axis.
const LEAST = 1e-4;

/**
 * How the kinds are drawn: those of features broken.
 * @param {KindOf[]} kinds
 */
export function legendOf(kinds) {
  let dashed = 0;
  return kinds.map(({ title, swaps }, i) => {
    const dash = swaps ? "solid" : DASHES[dashed++ % DASHES.length];
    return { title, colour: COLOURS[i % COLOURS.length], dash };
  });
}

/**
 * @param {KindsAnswer} answer
 * @param {(kind: KindOf, i: number) => {x: number[], y: (number | null)[] | null}} pointsOf
 */
function lines({ kinds }, pointsOf) {
  const looks = legendOf(kinds);
  return kinds.map((kind, i) => {
    const { title, colour, dash } = looks[i];
    const { x, y } = pointsOf(kind, i);
    const hovertemplate = `${title}, ${kind.swaps ? "ε" : "p"} = %{x:.2f}: %{y:.4~g}<extra></extra>`;
    return {
      type: "scatter",
      mode: "lines",
      name: title,
      x,
      y: y ?? [],
      line: { width: 3, color: colour, dash },
      hovertemplate,
    };
  });
}

/**
 * The QPM's bounds, then the radius of every kind.
 * @param {Theory} theory
 * @param {KindsAnswer} answer
 */
export function radiusTraces({ strengths, low, high }, answer) {
  const edge = {
    type: "scatter",
    mode: "lines",
    x: strengths,
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
  };
  // On a logarithmic axis the lower bound, 0, is the bottom.
  const band = [
    { ...edge, y: low.map((value) => Math.max(value ?? 0, LEAST / 10)) },
    {
      ...edge,
      y: high.map((value) => Math.max(value ?? 0, LEAST / 10)),
      fill: "tonexty",
      fillcolor: "rgba(35,144,137,.16)",
    },
  ];
  return [...band, ...lines(answer, (kind) => ({ x: answer.strengths, y: positive(kind.radius) }))];
}

/** @param {KindsAnswer} answer */
export const effectTraces = (answer) => lines(answer, (kind) => ({ x: answer.strengths, y: positive(kind.effect) }));

/**
 * @param {KindsAnswer} answer
 * @param {CostOf[]} costs in the order of the kinds
 */
export const costTraces = (answer, costs) => lines(answer, (_, i) => ({ x: costs[i].strengths, y: costs[i].dice }));

/** What a logarithmic axis can have. @param {(number | null)[] | null} values */
const positive = (values) => values && values.map((value) => (value !== null && value > 0 ? value : null));

/**
 * The upper end of the axis of radii. Dropout's grows without bound: the axis ends above its value at 0.9, or above what the
 * QPM has up to there.
 * @param {Pick<Theory, "strengths" | "quantized" | "dropout">} theory
 */
export function topOf({ strengths, quantized, dropout }) {
  const shown = [...dropout, ...quantized].filter(
    (value, i) => value !== null && strengths[i % strengths.length] <= 0.9,
  );
  return 1.15 * Math.max(...shown.map(Number));
}

/** @param {Theory} theory */
export const radiusLayout = (theory) => layout("KL in nats", logarithmic(LEAST, topOf(theory)));

/** @param {KindsAnswer} answer */
export function effectLayout({ kinds }) {
  const known = kinds.flatMap(({ effect }) => positive(effect) ?? []).filter((value) => value !== null);
  return layout("effect", logarithmic(Math.min(0.01, ...known), Math.max(1, ...known)));
}

/**
 * @param {CostOf[]} costs
 * @param {import("./types").Constants} constants
 */
export function costLayout(costs, { shares, fitted_rate }) {
  const [low, high] = fitted(
    costs.flatMap(({ strengths, dice }) => dice.filter((_, i) => strengths[i] <= fitted_rate)),
    shares,
  );
  return layout(axisTitle("Dice", low), { range: [low, high + 0.02 * (high - low)] });
}

/**
 * @param {number} low
 * @param {number} high
 */
const logarithmic = (low, high) => ({
  type: "log",
  range: [Math.log10(low), Math.log10(high) + 0.1],
  dtick: 1,
  tickformat: "~g",
});

/**
 * @param {string} title of the upright axis
 * @param {object} upright
 */
const layout = (title, upright) => ({
  margin: { l: 8, r: 12, t: 8, b: 8 },
  xaxis: axisLook("strength: ε, or rate p", { range: [0, 1] }),
  yaxis: axisLook(title, upright),
});
