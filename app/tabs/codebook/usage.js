/* Usage: how evenly the codewords are used, and the classes of all codes in use. */

import { axisLook, drawPlot, ink, marker, plotLook, plotly } from "../../web/plotly.js";
import { showCard } from "./list.js";
import { grey } from "./look.js";
import { byClass, classTraces, frequencyTraces, plain } from "./usage_traces.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Graph} Graph */

/** @param {import("./types").Context} context */
export function createUsage(context) {
  const { root, codebook, part, visible } = context;
  const { state } = codebook;
  let drawn = "";
  /** @type {number[]} Codes in use, in the heatmap's order. */
  let columns = [];
  /** @type {{frequency: Graph, classes: Graph} | null} */
  let graphs = null;

  async function draw() {
    const { book } = state;
    if (state.view !== "usage" || !book || !visible()) return;
    const key = book.key + ink(root);
    if (key === drawn) return;
    drawn = key;
    columns = byClass(book);
    const frequency = await drawFrequency(book);
    const classes = await drawClasses(book);
    if (!graphs) {
      openCards(frequency, (clicked) => clicked.customdata);
      openCards(classes, (clicked) => columns[Math.round(clicked.x)]);
    }
    graphs = { frequency, classes };
    point();
  }

  /** @param {Book} book */
  function drawFrequency(book) {
    const decades = { type: "log", dtick: 1, exponentformat: "none", separatethousands: true };
    const layout = { xaxis: axisLook("rank of the codeword", decades), yaxis: axisLook("tokens", decades) };
    return drawPlot(part("#frequency"), frequencyTraces(book), look(book, layout));
  }

  /** @param {Book} book */
  function drawClasses(book) {
    const n = book.classes.length;
    const ticks = { tickvals: book.classes.map((_, i) => i), ticktext: book.classes.map(plain) };
    const layout = {
      xaxis: axisLook("codes in use", { showgrid: false, showticklabels: false, ticks: "" }),
      yaxis: axisLook("", { range: [n - 0.5, -0.5], showgrid: false, fixedrange: true, ...ticks }),
      margin: { l: 90, r: 14, t: 8, b: 30 },
    };
    return drawPlot(part("#classes"), classTraces(book, columns, grey(root)), look(book, layout));
  }

  /**
   * @param {Book} book
   * @param {object} layout
   */
  const look = (book, layout) => plotLook(root, { uirevision: book.key, ...layout });

  /**
   * @param {Graph} graph
   * @param {(point: {x: number, customdata: number}) => number} codeOf
   */
  function openCards(graph, codeOf) {
    graph.on("plotly_click", (event) => {
      codebook.pick(Number(codeOf(event.points[0])));
      showCard(context);
    });
  }

  /* Marks the card's code on both plots. */
  function point() {
    const { book, picked } = state;
    if (!graphs || !book || state.view !== "usage") return;
    const known = picked !== null && book.counts[picked] > 0 ? [picked] : [];
    const place = { x: [known.map((code) => book.rank[code])], y: [known.map((code) => book.counts[code])] };
    plotly().restyle(graphs.frequency, place, [1]);
    plotly().relayout(graphs.classes, { shapes: known.map((code) => marker(root, columns.indexOf(code))) });
  }

  codebook.subscribe(draw, "view", "book");
  codebook.subscribe(point, "view", "book", "picked");
}
