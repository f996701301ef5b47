/* The plots of the two radii in plotly's form. Knows nothing of the page. */

import { axisLook } from "../../web/plotly.js";
import { TEAL } from "./colour.js";

/** @typedef {import("./types").Theory} Theory */

const DROPOUT = "#d55e00";

/**
 * @param {string} name
 * @param {number[]} x
 * @param {(number | null)[]} y
 * @param {string} color
 * @param {string} [dash]
 */
function line(name, x, y, color, dash = "solid") {
  const hovertemplate = name + " %{x:.2f}: %{y:.4~g}<extra></extra>";
  return { type: "scatter", mode: "lines", name, x, y, line: { width: 3, color, dash }, hovertemplate };
}

/**
 * @param {number[]} rates
 * @param {(number | null)[]} values
 */
const dropoutLine = (rates, values) => line("dropout, p", rates, values, DROPOUT, "dash");

/**
 * @param {number[]} strengths
 * @param {number[]} values
 */
const quantizedLine = (strengths, values) => line("QPM, ε", strengths, values, TEAL);

/** @param {Theory} theory */
export function radiusTraces({ strengths, quantized, dropout, low, high }) {
  const edge = {
    type: "scatter",
    mode: "lines",
    x: strengths,
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
  };
  const between = { fill: "tonexty", fillcolor: "rgba(35,144,137,.16)", name: "bounds (App. B)", showlegend: true };
  const band = [
    { ...edge, y: low },
    { ...edge, y: high, ...between },
  ];
  return [...band, dropoutLine(strengths, dropout), quantizedLine(strengths, quantized)];
}

/**
 * @param {import("./types").Cost} dropout
 * @param {Pick<import("../../web/types").CurvePoint, "strength" | "dice_vs_clean">[]} points
 */
export function costTraces(dropout, points) {
  const strengths = points.map((point) => point.strength);
  const dice = points.map((point) => point.dice_vs_clean);
  return [dropoutLine(dropout.rates, dropout.dice), quantizedLine(strengths, dice)];
}

/**
 * The upper end of the axis. Dropout's radius grows without bound and so, nearly, does the QPM's bound: the axis ends at
 * dropout's value at 0.9.
 * @param {Pick<Theory, "strengths" | "quantized" | "dropout">} theory
 */
export function topOf({ strengths, quantized, dropout }) {
  const shown = dropout.filter((value, i) => value !== null && strengths[i] <= 0.9);
  return 1.15 * Math.max(...quantized, ...shown.map(Number));
}

/**
 * @param {string} title of the upright axis
 * @param {[number, number]} range
 */
export const radiiLayout = (title, range) => ({
  showlegend: true,
  legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { size: 13 }, traceorder: "normal" },
  xaxis: axisLook("strength: rate p, or ε", { range: [0, 1] }),
  yaxis: axisLook(title, { range }),
});
