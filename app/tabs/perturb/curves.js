/* The curves over epsilon and over the rate of feature dropout. The first come from the page's frames, the second are
   requested point by point. */
import { facts } from "../../web/facts.js";
import { frames } from "../../web/frames.js";
import { drawPlot, ink, plotly } from "../../web/plotly.js";
import { axesOf, bandTraces, nextRate, tracesOf } from "./curve_points.js";

/**
 * @typedef {import("../../web/types").SliceRequest} SliceRequest
 * @typedef {import("./types").DropoutPoint} DropoutPoint
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Tab} Tab
 */

const NARROW = 520; // pixels
const REST = 200; // milliseconds without a move of epsilon before the curves are drawn again
// On a narrow screen PSNR stands below the other curves.
const BESIDE = {
  "xaxis.domain": [0, 0.58],
  "yaxis.domain": [0, 1],
  "xaxis2.domain": [0.7, 1],
  "yaxis2.domain": [0, 1],
};
const STACKED = {
  "xaxis.domain": [0, 1],
  "yaxis.domain": [0.56, 1],
  "xaxis2.domain": [0, 1],
  "yaxis2.domain": [0, 0.32],
};

/** Epsilon and mode do not affect dropout: its curve depends on the slice, the seed and the forced tokens. @param {SliceRequest} request */
const dropoutKey = ({ token, plane, index, seed, edits, truth }) =>
  JSON.stringify([token, plane, index, seed, edits, truth]);

/**
 * @param {Tab} tab
 * @param {{follow: () => void, present: () => import("./types").Bands | null}} bands over seeds
 */
export function createCurves(tab, bands) {
  const steps = facts.curve_steps - 1;
  /** @type {any} */
  let plot = null; // once plotly.js has drawn it
  let isDrawing = false;
  let look = ""; // the page's that the plot has
  let drawn = ""; // the lines that the plot has
  let marked = NaN; // the epsilon that it marks
  let lined = NaN; // and the one that its lines were drawn at, before they were moved
  let moved = -Infinity; // when that changed last
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  /** @type {{key: string, points: DropoutPoint[]}} */
  let dropout = { key: "", points: [] }; // in the order of the requests
  let isFetching = false;

  /** Draws the empty plot, then has the tab painted again. */
  async function begin() {
    /** @type {HTMLElement | null} */
    const place = document.querySelector("#curves .graph");
    if (isDrawing || !place) return;
    isDrawing = true;
    try {
      const { data, layout } = structuredClone(tab.constants.curves);
      plot = await drawPlot(place, data, layout, { displayModeBar: "hover", displaylogo: false });
      tab.schedule();
    } finally {
      isDrawing = false;
    }
  }

  /** @param {Scene} scene */
  function draw({ shown, state }) {
    bands.follow();
    if (!plot) return void begin();
    fetchDropout();
    const dropped = dropout.key === dropoutKey(shown.request) ? dropout.points : [];
    const swapped = frames.curve;
    const settings = { ...shown.request, strength: 0, sequence: 0 };
    const key = JSON.stringify([
      swapped.map((point) => point.strength),
      dropped.length,
      settings,
      bands.present()?.seeds,
    ]);
    if (dress() && drawn) {
      if (state.strength !== marked) move(state.strength);
      if ((key === drawn && marked === lined) || waits()) return;
    }
    drawn = key;
    marked = lined = state.strength;
    const traces = tracesOf(tab.constants.figures, swapped, dropped, Boolean(shown.request.truth));
    const areas = bandTraces(tab.constants.names, bands.present());
    const layout = { shapes: linesAt(state.strength), ...axesOf(tab.constants, traces, areas.y) };
    plotly().update(plot, ...withBands(traces, areas, layout, tab.constants.figures.length));
    for (const line of plot.querySelectorAll(".shapelayer path")) line.removeAttribute("transform");
  }

  /**
   * Moves the lines of the present epsilon where they are: to draw the plot again takes too long for a slider that moves.
   * @param {number} strength
   */
  function move(strength) {
    [marked, moved] = [strength, performance.now()];
    for (const [shape, axis] of [plot._fullLayout.xaxis, plot._fullLayout.xaxis2].entries()) {
      const way = axis.l2p(strength) - axis.l2p(lined);
      plot.querySelector(`.shapelayer path[data-index="${shape}"]`)?.setAttribute("transform", `translate(${way})`);
    }
  }

  /** Whether the lines have to wait until epsilon rests. Then they are drawn. */
  function waits() {
    const rest = moved + REST - performance.now();
    clearTimeout(resting);
    if (rest > 0) resting = setTimeout(tab.schedule, rest);
    return rest > 0;
  }

  /** The present epsilon, a dotted line in both plots. @param {number} strength */
  function linesAt(strength) {
    const line = { color: ink(tab.root), width: 2, dash: "dot" };
    return ["", "2"].map((axis) => {
      const place = { xref: "x" + axis, yref: "y" + axis + " domain" };
      return { type: "line", ...place, x0: strength, x1: strength, y0: 0, y1: 1, line };
    });
  }

  /** Gives the plot the page's text colour and, on a narrow screen, its layout. Returns whether it had them. */
  function dress() {
    const [colour, isNarrow] = [ink(tab.root), plot.clientWidth < NARROW];
    const wanted = colour + isNarrow;
    if (look === wanted) return true;
    look = wanted;
    plotly().relayout(plot, { "font.color": colour, "modebar.color": colour, ...(isNarrow ? STACKED : BESIDE) });
    return false;
  }

  /** Requests one point after the other while the tab is open. The frames of epsilon are more urgent and come first. */
  async function fetchDropout() {
    if (isFetching) return;
    isFetching = true;
    try {
      while (await fetchPoint()) tab.schedule();
    } finally {
      isFetching = false;
    }
  }

  /** Requests the next point of the present slice; false if none is missing or the server did not answer. */
  async function fetchPoint() {
    const scene = tab.scene();
    if (!scene?.view.acquired || !tab.isVisible() || frames.readyAhead <= steps) return false;
    const { request } = scene.shown;
    const key = dropoutKey(request);
    if (dropout.key !== key) dropout = { key, points: [] };
    const { points } = dropout;
    const rate = nextRate(
      points.map((point) => point.rate),
      steps,
    );
    if (rate === null) return false;
    const answer = await tab.server.dropout({ ...request, rate });
    if (!answer || answer.error) return false;
    if (dropout.points === points) points.push(answer);
    return true;
  }

  return { draw };
}

/**
 * What plotly.js takes: the curves, then, behind the legend's own trace, the bands. Beside bands a curve of one seed is thin.
 * @param {ReturnType<typeof tracesOf>} traces
 * @param {ReturnType<typeof bandTraces>} areas
 * @param {object} layout
 * @param {number} figures how many there are
 */
function withBands(traces, areas, layout, figures) {
  const [curves, hasBands] = [traces.x.length, areas.x.some((x) => x.length > 0)];
  const places = [...traces.x.keys(), ...[...areas.x.keys()].map((place) => curves + 1 + place)];
  const visible = [...traces.visible, ...areas.x.map((_, place) => traces.visible[place % figures])];
  const width = [
    ...traces.x.map((_, place) => (place >= figures ? 2 : hasBands ? 1 : 3)),
    ...areas.x.map((_, place) => (place < figures ? 0 : 3)),
  ];
  const customdata = [...traces.x.map(() => []), ...areas.customdata];
  const drawn = {
    x: [...traces.x, ...areas.x],
    y: [...traces.y, ...areas.y],
    visible,
    customdata,
    "line.width": width,
  };
  return /** @type {const} */ ([drawn, layout, places]);
}
