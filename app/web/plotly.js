/* What all plots of the page share: plotly.js itself, plain axes, the page's colours and a size that follows the page.
   plotly.js comes in parts, when a plot first needs them: in one piece it would keep the page from answering for a second. */

import { facts } from "./facts.js";
import { speaking } from "./plot_texts.js";

const GRID = "rgba(128,140,150,.25)";
const PARTS = ["heatmap", "scattergl", "scatter3d"]; // types of traces that its core does not know
/* Gradio's page has a <base>, so plotly would clip its lines by the full address. The next change of the link would break
   that reference. */
export const PLOT = { displayModeBar: false, _baseUrl: "" };

/** @type {any} */
let core;
/** @type {Map<string, Promise<any>>} */
const coming = new Map(); // by part

/** @returns {any} plotly.js, undefined until it is there */
export const plotly = () => core;

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
function part(name) {
  const known = coming.get(name);
  if (known) return known;
  const asked = import(new URL(facts.plotly + "/" + name + ".js", document.baseURI).href).then(
    (module) => module.default,
  );
  coming.set(name, asked);
  // The next plot tries again.
  asked.catch(() => coming.delete(name));
  return asked;
}

/**
 * @param {...string} types of the traces that are to be drawn
 * @returns {Promise<any>} plotly.js, when it is there
 */
export async function whenPlotly(...types) {
  core ??= speaking(await part("core"));
  // plotly.js takes a part twice without harm.
  for (const type of new Set(types)) if (PARTS.includes(type)) core.register([await part(type)]);
  return core;
}

/** @type {ResizeObserver | undefined} */
let fitting;

/**
 * From now on a plot fills the space it has, also after a change of the window, the sidebar or a line of text above it.
 * @param {HTMLElement} place
 */
export function keepFitting(place) {
  fitting ??= new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const graph = /** @type {any} */ (target);
      if (graph.offsetParent !== null && graph._fullLayout) plotly().Plots.resize(graph);
    }
  });
  fitting.observe(place);
}

/**
 * Wait for plotly.js, then draw into an element.
 * @param {HTMLElement} place
 * @param {{type?: string}[]} traces
 * @param {object} layout
 * @param {object} [config]
 * @returns {Promise<any>} the graph
 */
export async function drawPlot(place, traces, layout, config = {}) {
  const { react } = await whenPlotly(...traces.map(({ type }) => type ?? "scatter"));
  await react(place, traces, layout, { ...PLOT, ...config });
  keepFitting(place);
  return place;
}

/**
 * The page's text colour, which differs between light and dark.
 * @param {Element} root
 */
export const ink = (root) => getComputedStyle(root).color;

/**
 * @param {Element} root that gives the colours and the font
 * @param {object} [more]
 */
export function plotLook(root, more = {}) {
  return {
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: "closest",
    font: { size: 13, color: ink(root), family: getComputedStyle(root).fontFamily },
    margin: { l: 56, r: 14, t: 8, b: 44 },
    hoverlabel: { font: { size: 13 } },
    ...more,
  };
}

/**
 * @param {string} title
 * @param {object} [more]
 */
export function axisLook(title, more = {}) {
  const text = { text: title, font: { size: 13 }, standoff: 8 };
  return { title: text, gridcolor: GRID, zeroline: false, automargin: true, ...more };
}

/**
 * A dotted line at a value of the x axis.
 * @param {Element} root
 * @param {number} x
 */
export function marker(root, x) {
  const line = { color: ink(root), width: 2, dash: "dot" };
  return { type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line };
}
