/* The map in plotly's form: traces, their points and the layout. Knows nothing of the page. */

import { MARK } from "./colour.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Placed} Placed */
/** @typedef {Record<string, (number | null)[]>} Points */

/* The traces from the lowest to the highest: all codewords, lines to the neighbours of the card's code, the marked codes,
   and a ring around the card's code. */
export const BASE = 0;
export const LINKS = 1;
export const SELECTED = 2;
export const PICKED = 3;

/** Codes that a brush holds back. */
export const FAINT = "rgba(128,140,150,.13)";

/** From this many codes on, points are smaller. */
const MANY = 6000;

/**
 * The codes in the order of drawing: first those never chosen, then from the most to the least used. Small points thus
 * lie on top of large ones.
 * @param {Pick<Book, "order" | "counts">} book
 * @returns {number[]}
 */
export function drawnOrder({ order, counts }) {
  const codes = [...order];
  return [...codes.filter((code) => !counts[code]).reverse(), ...codes.filter((code) => counts[code])];
}

/**
 * Diameters in pixels.
 * @param {Pick<Book, "order" | "counts" | "size">} book
 * @param {number[]} drawn
 * @param {number} dimensions
 * @param {boolean} byUsage
 * @returns {number[]}
 */
export function pointSizes({ order, counts, size }, drawn, dimensions, byUsage) {
  const highest = Math.log10(Math.max(10, counts[order[0]]));
  const scale = (dimensions === 3 ? 0.6 : 1) * (size > MANY ? 0.75 : 1);
  /** @param {number} count */
  const ofUsed = (count) => (byUsage ? 2.5 + 7 * (Math.log10(count) / highest) ** 1.5 : 5);
  return drawn.map((code) => scale * (counts[code] ? ofUsed(counts[code]) : 3));
}

/**
 * Coordinates of codes by axis; null is a gap in a line.
 * @param {Placed} placed
 * @param {(number | null)[]} codes
 * @returns {Points}
 */
export function pointsOf({ points, dimensions }, codes) {
  const axes = ["x", "y", "z"].slice(0, dimensions);
  return Object.fromEntries(
    axes.map((name, axis) => [name, codes.map((code) => (code === null ? null : points[code * dimensions + axis]))]),
  );
}

/**
 * A line from the code of the card to each of its neighbours.
 * @param {number | null} picked
 * @param {number[]} near
 * @returns {(number | null)[]}
 */
export const linksOf = (picked, near) => (picked === null ? [] : near.flatMap((code) => [picked, code, null]));

/**
 * The four traces, without points.
 * @param {number} dimensions
 * @param {{text: string, grey: string, background: string}} ink
 * @returns {Record<string, any>[]}
 */
export function emptyTraces(dimensions, { text, grey, background }) {
  const spatial = dimensions === 3;
  const quiet = { hoverinfo: "skip", showlegend: false };
  const mark = { color: MARK, size: spatial ? 5 : 8, line: { width: 1, color: background } };
  const ring = { symbol: "circle-open", color: text, size: spatial ? 12 : 20, line: { width: 3, color: text } };
  const list = [
    { mode: "markers", marker: { color: grey, size: 5, line: { width: 0 } }, hoverinfo: "none" },
    { mode: "lines", line: { color: text, width: 1.5 }, ...quiet },
    { mode: "markers", marker: mark, hoverinfo: "none" },
    { mode: "markers", marker: ring, ...quiet },
  ];
  const still = { selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 1 } } };
  const shared = spatial ? { type: "scatter3d", z: [] } : { type: "scattergl", ...still };
  return list.map((trace) => ({ x: [], y: [], ...shared, ...trace }));
}

/**
 * @param {Placed} placed
 * @param {string} tool what dragging does in the flat map
 */
export function mapLayout({ dimensions, key }, tool) {
  // One object for each axis, because plotly writes the axis's range into it.
  const axis = () => ({ visible: false, showgrid: false, zeroline: false });
  const axes = { xaxis: axis(), yaxis: axis() };
  const camera = { eye: { x: 0.95, y: 0.95, z: 0.7 } };
  const scene = { ...axes, zaxis: axis(), dragmode: "orbit", aspectmode: "cube", camera };
  return {
    autosize: true,
    margin: { l: 0, r: 0, t: 0, b: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    // Another projection starts with its own zoom.
    uirevision: key,
    hovermode: "closest",
    hoverdistance: 12,
    ...(dimensions === 3 ? { scene } : { ...axes, dragmode: tool }),
  };
}

/**
 * The code of the point in a plotly event, null if the event has none.
 * @param {{points?: {curveNumber: number, pointNumber: number}[]} | undefined} event
 * @param {number[]} drawn
 * @param {number[]} selected
 */
export function codeOf(event, drawn, selected) {
  const point = event?.points?.find((one) => one.curveNumber === BASE || one.curveNumber === SELECTED);
  if (!point) return null;
  return point.curveNumber === BASE ? drawn[point.pointNumber] : selected[point.pointNumber];
}
