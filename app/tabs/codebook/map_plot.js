/* The map as a plot with one point a codeword. After the first drawing only Plotly.restyle changes it: drawing anew is slow. */

import { make } from "../../web/dom.js";
import { PLOT, ink, keepFitting, plotly, whenPlotly } from "../../web/plotly.js";
import { colouringOf } from "./colour.js";
import { drawLegend } from "./legend.js";
import { grey, pageColour } from "./look.js";
import { createLandscape } from "./map_landscape.js";
import { listenToMap } from "./map_events.js";
import * as traces from "./map_traces.js";
import { onScreen, product } from "./projection.js";

/** @typedef {import("./types").Graph} Graph */
/** @typedef {import("./types").Placed} Placed */

/**
 * @param {import("./types").Context} context
 * @param {ReturnType<typeof import("./hover.js").createHover>} hover
 */
export function createMapPlot(context, hover) {
  const { root, codebook, part } = context;
  const { state } = codebook;
  /** @type {HTMLSelectElement} */
  const colour = part("[data-set=colour]");
  /** @type {HTMLInputElement} */
  const byUsage = part("[data-set=size]");
  /** @type {Map<number, Graph>} By dimensions. */
  const graphs = new Map();
  /** @type {Placed | null} */
  let placed = null;
  /** @type {number[]} Code of every point. */
  let drawn = [];
  let drawnBook = "";
  /** @type {number[]} Codes that the card lists as neighbours. */
  let near = [];
  // What is drawn. Colours and marks follow a moment after the request.
  let stands = { points: 0, dimensions: 0, colour: "", marked: 0 };

  const graph = () => graphs.get(placed?.dimensions ?? 0);
  /** @type {() => HTMLInputElement} */
  const tool = () => part("[name=codes-tool]:checked");
  const ring = () => (state.picked === null ? [] : [state.picked]);
  // Marked codes have a colour of their own, unless all that pass are marked: those keep theirs, and the others fade.
  const marked = () => (state.chosen ? state.selected : []);
  const opacity = () => (marked().length ? 0.3 : 0.95);
  const landscape = createLandscape(context);
  /** @type {Uint8Array | null} */
  let drawnPassing = null;

  /**
   * Moves the points: another codebook or another projection.
   * @param {Placed} next
   */
  async function place(next) {
    const { book } = state;
    if (!book) return;
    placed = next;
    if (drawnBook !== book.key || drawn.length !== book.size) drawn = traces.drawnOrder(book);
    drawnBook = book.key;
    await draw();
  }

  async function draw() {
    await whenPlotly(placed?.dimensions === 3 ? "scatter3d" : "scattergl");
    const { book } = state;
    if (!book || !placed) return;
    const { dimensions } = placed;
    const isNew = !graphs.has(dimensions);
    const plot = plotFor(dimensions);
    for (const [size, one] of graphs) one.hidden = size !== dimensions;
    const name = colour.value;
    const look = { ...traces.mapLayout(placed, tool().value), ...landscape.layout(placed, book) };
    await plotly().react(plot, filled(book, placed), look, { ...PLOT, scrollZoom: true, doubleClick: "reset" });
    if (isNew) listenToMap(plot, context, hover, () => drawn);
    keepFitting(plot);
    stands = { points: drawn.length, dimensions, colour: name, marked: state.selected.length };
    if (await landscape.compute(placed, book)) changeLandscape();
  }

  function changeLandscape() {
    const flat = graphs.get(2);
    if (flat && state.book && placed?.dimensions === 2) plotly().relayout(flat, landscape.layout(placed, state.book));
  }

  /** @param {number} dimensions */
  function plotFor(dimensions) {
    const known = graphs.get(dimensions);
    if (known) return known;
    // The first drawing turns the element into a plot.
    const made = /** @type {Graph} */ (/** @type {unknown} */ (make("div", { className: "graph" })));
    part("#codewords .plot").append(made);
    graphs.set(dimensions, made);
    return made;
  }

  /**
   * @param {import("./types").Book} book
   * @param {Placed} at
   */
  function filled(book, at) {
    const inks = { text: ink(root), grey: grey(root), background: pageColour(root, "--background-fill-primary") };
    const list = traces.emptyTraces(at.dimensions, inks);
    const size = traces.pointSizes(book, drawn, at.dimensions, byUsage.checked);
    Object.assign(list[traces.BASE].marker, { color: colours(book), size, opacity: opacity() });
    const codes = [drawn, traces.linksOf(state.picked, near), marked(), ring()];
    return list.map((trace, i) => ({ ...trace, ...traces.pointsOf(at, codes[i]) }));
  }

  /** @param {import("./types").Book} book */
  function colours(book) {
    const known = { book, presence: state.presence, frame: state.shown?.frame ?? null, grey: grey(root) };
    const colouring = colouringOf(colour.value, known);
    drawLegend(part("[data-part=legend]"), colouring.legend);
    const { passing } = state;
    drawnPassing = passing;
    return drawn.map((code) => (passing && !passing[code] ? traces.FAINT : colouring.colour(code)));
  }

  /* Gives the points the colours of the present choice. */
  async function recolour() {
    const plot = graph();
    if (!plot || !state.book) return;
    const name = colour.value;
    await plotly().restyle(plot, { "marker.color": [colours(state.book)] }, [traces.BASE]);
    requestAnimationFrame(() => (stands = { ...stands, colour: name }));
  }

  function resize() {
    const plot = graph();
    if (!plot || !state.book || !placed) return;
    const size = traces.pointSizes(state.book, drawn, placed.dimensions, byUsage.checked);
    plotly().restyle(plot, { "marker.size": [size] }, [traces.BASE]);
  }

  /**
   * Moves some traces in one redrawing. plotly does not change what is undefined.
   * @param {Record<number, (number | null)[]>} moved codes by trace
   * @param {number} [faded] opacity of all codewords
   */
  async function move(moved, faded) {
    const plot = graph();
    if (!plot || !placed) return;
    const at = placed;
    const numbers = [...Object.keys(moved).map(Number), traces.BASE];
    /** @type {traces.Points[]} */
    const lists = [...Object.values(moved).map((codes) => traces.pointsOf(at, codes)), {}];
    const change = Object.fromEntries(Object.keys(lists[0]).map((axis) => [axis, lists.map((list) => list[axis])]));
    const opacities = numbers.map((number) => (number === traces.BASE ? faded : undefined));
    const count = state.selected.length;
    await plotly().restyle(plot, { ...change, "marker.opacity": opacities }, numbers);
    stands = { ...stands, marked: count };
  }

  /* Redraws what the marks and the brushes have changed. Of a dragged brush only the last state is drawn. */
  let isMarking = false;
  let isStale = false;
  async function mark() {
    isStale = true;
    if (isMarking) return;
    isMarking = true;
    while (isStale) {
      isStale = false;
      if (state.passing !== drawnPassing) await recolour();
      await move({ [traces.SELECTED]: marked() }, opacity());
      await new Promise(requestAnimationFrame);
    }
    isMarking = false;
  }

  // The ring around the card's code, and the lines to its nearest neighbours in the codebook's own space.
  const pointOut = () => move({ [traces.LINKS]: traces.linksOf(state.picked, near), [traces.PICKED]: ring() });

  return {
    place,
    recolour,
    resize,
    /** The page has changed between light and dark. */
    redraw() {
      if (graph()) draw();
    },
    mark,
    /** The visitor has chosen whether density and names are shown. */
    async showLandscape() {
      if (state.book && placed) await landscape.compute(placed, state.book);
      changeLandscape();
    },
    /**
     * Where all codewords lie on the screen; null if the map is flat.
     * @param {number} width of the map in pixels
     * @param {number} height
     */
    placesInSpace(width, height) {
      const scene = graphs.get(3)?._fullLayout?.scene?._scene;
      if (placed?.dimensions !== 3 || !scene) return null;
      const { projection, view, model } = scene.glplot.cameraParams;
      return onScreen(placed.points, product(projection, view, model), scene.dataScale, { width, height });
    },
    /** @param {number[]} codes that the card lists as neighbours */
    link(codes) {
      near = codes;
      pointOut();
    },
    /** The visitor has chosen another effect of dragging. */
    useTool() {
      const flat = graphs.get(2);
      if (flat) plotly().relayout(flat, { dragmode: tool().value });
    },
    state: () => stands,
  };
}
