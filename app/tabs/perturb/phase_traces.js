/* The phase diagram in plotly's form: the map, the strips below it, lines of equal effect, and where the sliders are. */
import { axisLook } from "../../web/plotly.js";
import { COLOURSCALE } from "../../web/ramp.js";
import {
  cellInWords,
  diceOf,
  effectInWords,
  equalEffect,
  filled,
  placeOf,
  reachInWords,
  shadeOf,
  SHADES,
  strengthOf,
} from "./phase_points.js";

/** @typedef {import("./types").Phase} Phase */
/** @typedef {import("./types").PhaseLine} PhaseLine */
/** @typedef {import("./types").PhaseView} PhaseView */

const EFFECTS = [0.03, 0.1, 0.3, 1];
const HALO = "rgba(0,0,0,.55)";
// Of the plot's height: a strip, one whose title has two lines, and the room between the strips and the map.
const [STRIP, TALL, GAP] = [0.055, 0.09, 0.04];

/**
 * @param {Phase} phase
 * @param {PhaseView} view
 */
export function phaseTraces(phase, view) {
  const { rows, strips } = phase;
  const places = rows.map((_, row) => row / (rows.length - 1));
  const shades = filledShades([...rows, ...strips], view, rows.length);
  return [
    { ...heat(phase, rows, shades.slice(0, rows.length)), y: places, colorbar: bar(view) },
    { ...heat(phase, strips, shades.slice(rows.length)), y: strips.map((_, i) => i), yaxis: "y2", showscale: false },
    ...EFFECTS.flatMap((effect) => lineTraces(equalEffect(rows, effect), "dot", 1.2)),
    ...(view.effect === null ? [] : lineTraces(equalEffect(rows, view.effect), "solid", 2)),
    sliders(view),
    equals(phase, view),
    cursor(phase, view),
  ];
}

/**
 * Strips have their own neighbours: the map's cells do not stand for theirs.
 * @param {PhaseLine[]} lines
 * @param {PhaseView} view
 * @param {number} count of rows of the map
 */
function filledShades(lines, { against }, count) {
  const dice = lines.map((line) => diceOf(line, against));
  const all = [...filled(dice.slice(0, count)), ...dice.slice(count).flatMap((strip) => filled([strip]))];
  return all.map((line) => line.map((value) => (value === null ? null : shadeOf(value))));
}

/**
 * @param {Phase} phase
 * @param {PhaseLine[]} lines
 * @param {(number | null)[][]} z
 */
function heat(phase, lines, z) {
  const text = lines.map((line) => phase.strengths.map((_, column) => cellInWords(phase, line, column)));
  const look = { zmin: 0, zmax: 1, colorscale: COLOURSCALE, hovertemplate: "%{text}<extra></extra>" };
  return { type: "heatmap", x: phase.strengths, z, text, ...look };
}

/** @param {PhaseView} view */
function bar({ against, narrow }) {
  const title = { text: against === "truth" ? "Dice, truth" : "Dice", side: "top", font: { size: 13 } };
  const ticks = { tickvals: SHADES.map(shadeOf), ticktext: SHADES.map(String), ticklabelposition: "outside" };
  return {
    title,
    ...ticks,
    thickness: narrow ? 10 : 14,
    len: 1,
    y: 0.5,
    x: 1.01,
    xpad: 4,
    outlinewidth: 0,
    tickfont: { size: 12 },
  };
}

/**
 * White on a dark halo: to be seen on every colour of the ramp.
 * @param {{x: number[], y: number[]}} line
 * @param {string} dash
 * @param {number} width
 */
function lineTraces(line, dash, width) {
  const look = { type: "scatter", mode: "lines", ...line, hoverinfo: "skip" };
  return [
    { ...look, line: { color: HALO, width: width + 2 } },
    { ...look, line: { color: "#fff", width, dash } },
  ];
}

/** Where the sliders are. @param {PhaseView} view */
function sliders({ strength, place, isThere }) {
  const marker = { symbol: "circle", size: 13, color: "#fff", line: { width: 3, color: "#111" } };
  return {
    type: "scatter",
    mode: "markers",
    x: isThere ? [strength] : [],
    y: isThere ? [place] : [],
    marker,
    cliponaxis: false,
    hoverinfo: "skip",
  };
}

/**
 * Where the strips have the effect that the sliders have.
 * @param {Phase} phase
 * @param {PhaseView} view
 */
function equals({ strips, strengths }, { effect }) {
  const at = strips.map((strip) => (effect === null ? null : strengthOf(strengths, strip, effect)));
  const marker = { symbol: "diamond", size: 9, color: "#fff", line: { width: 2, color: "#111" } };
  const place = { x: at, y: strips.map((_, i) => i), yaxis: "y2" };
  return { type: "scatter", mode: "markers", ...place, marker, cliponaxis: false, hoverinfo: "skip" };
}

/**
 * The cell that the keyboard is at.
 * @param {Phase} phase
 * @param {PhaseView} view
 */
function cursor({ rows, strengths }, { cell }) {
  const at = cell ? { x: [strengths[cell.column]], y: [cell.row / (rows.length - 1)] } : { x: [], y: [] };
  const marker = { symbol: "square-open", size: 17, color: "#fff", line: { width: 3 } };
  return { type: "scatter", mode: "markers", ...at, marker, cliponaxis: false, hoverinfo: "skip" };
}

/**
 * @param {Phase} phase
 * @param {PhaseView} view
 */
export function phaseLayout({ rows, strips, strengths }, { own, effect, narrow }) {
  const last = Number(rows[rows.length - 1].reach);
  const [halfColumn, halfRow] = [0.5 / (strengths.length - 1), 0.5 / (rows.length - 1)];
  const bottom = strips.length * (narrow ? TALL : STRIP);
  const ticks = [1, 4, 16, 64, 256, 1024, 4096].filter((reach) => reach < 0.6 * last);
  const reaches = [...ticks, last];
  return {
    margin: { l: 8, r: 8, t: 10, b: 8 },
    xaxis: axisLook("ε (share of tokens replaced), or rate p", {
      range: [-halfColumn, 1 + halfColumn],
      anchor: "y2",
      showgrid: false,
      fixedrange: true,
    }),
    yaxis: axisLook("reach", {
      domain: [strips.length ? bottom + GAP : 0, 1],
      range: [-halfRow, 1 + halfRow],
      tickvals: reaches.map((reach) => placeOf(reach, last)),
      ticktext: reaches.map((reach) => reachInWords(reach, last)),
      showgrid: false,
      fixedrange: true,
    }),
    yaxis2: axisLook("", {
      domain: [0, bottom],
      range: [strips.length - 0.5, -0.5],
      tickvals: strips.map((_, i) => i),
      ticktext: strips.map((strip) => (narrow ? strip.title.replace(" ", "<br>") : strip.title)),
      showgrid: false,
      fixedrange: true,
    }),
    shapes: [ownLine(placeOf(own, last))],
    annotations: [
      note(0, placeOf(own, last), `checkpoint's own reach, ${reachInWords(own, last)}`, "left"),
      ...EFFECTS.flatMap((one) => effectNote(rows, one)),
      ...(effect === null || narrow ? [] : presentNote(rows, effect)),
    ],
  };
}

/** @param {number} place */
const ownLine = (place) => ({
  type: "line",
  xref: "x domain",
  x0: 0,
  x1: 1,
  y0: place,
  y1: place,
  line: { color: "rgba(0,0,0,.6)", width: 1.5, dash: "dash" },
});

/**
 * @param {PhaseLine[]} rows
 * @param {number} effect
 */
function effectNote(rows, effect) {
  const { x, y } = equalEffect(rows, effect);
  return x.length ? [note(x[0], y[0], `effect ${effect}`, "right")] : [];
}

/**
 * @param {PhaseLine[]} rows
 * @param {number} effect
 */
function presentNote(rows, effect) {
  const { x, y } = equalEffect(rows, effect);
  const middle = Math.floor(x.length / 2);
  return x.length > 2 ? [note(x[middle], y[middle], `as now, ${effectInWords(effect)}`, "left")] : [];
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {"left" | "right"} xanchor
 */
function note(x, y, text, xanchor) {
  const look = { showarrow: false, font: { size: 12, color: "#fff" }, bgcolor: "rgba(0,0,0,.6)", borderpad: 2 };
  return { x, y, text, xanchor, yanchor: "bottom", xshift: xanchor === "left" ? 4 : -4, yshift: 2, ...look };
}
