/* The plots of the evolution in plotly's form. Knows nothing of the page. */

import { axisLook } from "../../web/plotly.js";
import { TEAL } from "./colour.js";
import { boundsOf, codewordsOf } from "./moments.js";

/** @typedef {import("./types").Story} Story */

/** From this many codes on, points are smaller. */
const MANY = 6000;

/**
 * Two traces without points: codes not in use, codes in use.
 * @param {Story} story
 * @param {string} grey
 */
export function mapTraces(story, grey) {
  const size = codewordsOf(story) > MANY ? 3 : 4.5;
  return [
    points("not in use", { size: size - 1, color: grey, opacity: 0.9 }),
    points("in use", { size, color: TEAL, opacity: 0.85 }),
  ];
}

/**
 * @param {string} name
 * @param {object} marker
 */
function points(name, marker) {
  const hovertemplate = "code %{customdata}<extra>" + name + "</extra>";
  return { type: "scattergl", mode: "markers", x: [], y: [], marker, hovertemplate };
}

/** @param {Story} story */
export function mapLayout({ places }) {
  const blank = { visible: false, showgrid: false, zeroline: false };
  const [xaxis, yaxis] = [0, 1].map((axis) => ({ ...blank, range: boundsOf(places, axis) }));
  return { xaxis, yaxis, margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: "pan" };
}

const FORMATS = {
  utilisation: { value: "%{y:.2~%}", axis: { range: [0, 1.03], tickformat: ".0%" } },
  perplexity: { value: "%{y:,.0f}", axis: { rangemode: "tozero", separatethousands: true } },
};

/**
 * @param {Story} story
 * @param {keyof typeof FORMATS} name
 */
export const curveTrace = (story, name) => ({
  type: "scatter",
  mode: "lines+markers",
  x: story.steps,
  y: story[name],
  line: { width: 3, color: TEAL },
  marker: { size: 7 },
  hovertemplate: "step %{x:,}: " + FORMATS[name].value + "<extra></extra>",
});

/** @param {keyof typeof FORMATS} name */
export const curveLayout = (name) => ({
  xaxis: axisLook("training step", { rangemode: "tozero" }),
  yaxis: axisLook("", FORMATS[name].axis),
  margin: { l: 56, r: 14, t: 8, b: 40 },
});
