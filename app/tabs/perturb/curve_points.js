/* The points of the curves: which one is requested next, the plot's traces and its axes. No DOM. */
import { axisTitle, fitted } from "../../web/axes.js";

/**
 * @typedef {import("./types").CurvePoint} CurvePoint
 * @typedef {import("./types").FigureName} FigureName
 */

// From coarse to fine, so that the curve's shape shows early. It bends most where dropout is strong.
const FIRST = [0, 1, 0.5, 0.7, 0.9, 0.25, 0.8, 0.6, 0.95, 0.1, 0.4];

/**
 * The rate of dropout that is requested next.
 * @param {number[]} rates that are there already
 * @param {number} steps the curve's points lie at 0, 1 / steps ... 1
 * @returns {number | null} null if all are there
 */
export function nextRate(rates, steps) {
  const there = new Set(rates.map((rate) => Math.round(rate * steps)));
  const order = [...FIRST.map((rate) => Math.round(rate * steps)), ...Array.from({ length: steps + 1 }, (_, i) => i)];
  const step = order.find((i) => !there.has(i));
  return step === undefined ? null : step / steps;
}

/**
 * One figure of a point. Against the ground truth it is the mean over the structures.
 * @param {CurvePoint} point
 * @param {FigureName} name
 * @returns {number | null} null where there is none
 */
export function figureOf(point, name) {
  return name === "truth" ? meanOf(point.truth) : point[name];
}

/** @param {(number | null)[] | null | undefined} scores */
function meanOf(scores) {
  const known = (scores ?? []).filter((score) => score !== null);
  return known.length ? known.reduce((sum, score) => sum + score, 0) / known.length : null;
}

/**
 * The plot's traces: every figure over epsilon, then every figure over the rate of dropout.
 * @param {readonly FigureName[]} figures in the order of the traces
 * @param {(CurvePoint & {strength: number})[]} swapped by epsilon
 * @param {(CurvePoint & {rate: number})[]} dropped in any order
 * @param {boolean} hasTruth whether to show the curves against the ground truth
 */
export function tracesOf(figures, swapped, dropped, hasTruth) {
  const byRate = dropped.toSorted((a, b) => a.rate - b.rate);
  const x = [
    ...figures.map(() => swapped.map((point) => point.strength)),
    ...figures.map(() => byRate.map((point) => point.rate)),
  ];
  const y = [swapped, byRate].flatMap((points) => figures.map((name) => points.map((point) => figureOf(point, name))));
  const visible = [...figures, ...figures].map((name) => name !== "truth" || hasTruth);
  return { x, y, visible };
}

/**
 * The traces of the bands, and then of the means; empty without bands.
 * @param {readonly string[]} names of the figures in the order of the traces, as the server calls them
 * @param {import("./types").Bands | null} bands
 * @returns {{x: number[][], y: (number | null)[][], customdata: (number | null)[][]}}
 */
export function bandTraces(names, bands) {
  const found = names.map((name) => pointsOf(bands, name));
  const areas = found.map((points) => [...points.map(upper), ...points.toReversed().map(lower)]);
  return {
    x: [
      ...found.map((points) => [...points, ...points.toReversed()].map(({ x }) => x)),
      ...found.map((points) => points.map(({ x }) => x)),
    ],
    y: [...areas, ...found.map((points) => points.map(({ mean }) => mean))],
    customdata: [...names.map(() => []), ...found.map((points) => points.map(({ spread }) => spread))],
  };
}

/** @typedef {{x: number, mean: number, spread: number}} BandPoint */
/** @param {BandPoint} point */
const upper = ({ mean, spread }) => mean + spread;
/** @param {BandPoint} point */
const lower = ({ mean, spread }) => Math.max(0, mean - spread);

/**
 * Where a figure has a mean.
 * @param {import("./types").Bands | null} bands
 * @param {string} name
 * @returns {BandPoint[]}
 */
function pointsOf(bands, name) {
  const band = bands?.figures[name];
  if (!bands || !band) return [];
  return bands.strengths.flatMap((x, i) => {
    const mean = band.mean[i];
    return mean === null ? [] : [{ x, mean, spread: band.spread[i] ?? 0 }];
  });
}

/**
 * Axes that fit what is drawn. Points of strong dropout do not widen them.
 * @param {Pick<import("./types").Constants, "figures" | "titles" | "shares" | "decibels" | "fitted_rate">} constants
 * @param {ReturnType<typeof tracesOf>} traces
 * @param {(number | null)[][]} areas of the bands, in the order of the figures
 */
export function axesOf({ figures, titles, shares, decibels, fitted_rate }, { x, y, visible }, areas = []) {
  const isDecibels = (/** @type {number} */ trace) => figures[trace % figures.length] === "psnr";
  /** @param {boolean} wanted */
  const valuesOf = (wanted) =>
    y.flatMap((values, trace) => {
      if (isDecibels(trace) !== wanted || !visible[trace]) return [];
      if (trace < figures.length) return [...values, ...(areas[trace] ?? [])];
      return values.filter((_, i) => x[trace][i] <= fitted_rate);
    });
  const [left, right] = [fitted(valuesOf(false), shares), fitted(valuesOf(true), decibels)];
  return {
    "yaxis.range": padded(left),
    "yaxis.title.text": inTwoLines(axisTitle(titles.shares, left[0])),
    "yaxis2.range": padded(right),
    "yaxis2.title.text": inTwoLines(axisTitle(titles.decibels, right[0])),
  };
}

/** Short plots have no room for one long line. @param {string} title */
const inTwoLines = (title) => title.replace(" (", "<br>(");

/**
 * A little room above, so that a line at the end of the axis is drawn in full.
 * @param {[number, number]} ends
 */
const padded = ([low, high]) => [low, high + 0.02 * (high - low)];
