/* Plots in the page's language. plotly.js measures its texts as it draws them, so they are translated before it sees them. */

import { language, translated } from "./language.js";

const TEXTS = /(^|\.)(text|title|name|hovertemplate|ticktext)$/;
const DRAWING = ["react", "update", "relayout", "restyle"];
/** @type {Map<string, string>} */
const english = new Map(); // by what is shown for it

/** @param {string} text */
function shownFor(text) {
  const source = english.get(text) ?? text;
  const shown = translated(source);
  if (shown !== source) english.set(shown, source);
  return shown;
}

/** @param {unknown} value @returns {unknown} the same with all texts within it translated */
function allTexts(value) {
  if (typeof value === "string") return shownFor(value);
  if (Array.isArray(value)) return value.map(allTexts);
  return inLanguage(value);
}

/**
 * Traces or a layout in the page's language. Arrays of numbers stay the arrays that they are.
 * @param {any} value
 * @returns {any}
 */
export function inLanguage(value) {
  if (Array.isArray(value)) return value.some((one) => isRecord(one)) ? value.map(inLanguage) : value;
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, TEXTS.test(name) ? allTexts(one) : inLanguage(one)]),
  );
}

/** @param {unknown} value */
const isRecord = (value) =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * plotly.js with its drawing functions in the page's language. Plots that are there follow a change of the language.
 * @param {any} plotly
 * @returns {any}
 */
export function speaking(plotly) {
  const drawing = DRAWING.map((name) => [
    name,
    (/** @type {HTMLElement} */ graph, /** @type {unknown[]} */ ...what) =>
      plotly[name](graph, ...what.map(inLanguage)),
  ]);
  const spoken = { ...plotly, ...Object.fromEntries(drawing) };
  spoken.react = (
    /** @type {HTMLElement} */ graph,
    /** @type {any} */ traces,
    /** @type {any} */ layout,
    /** @type {any} */ config,
  ) => plotly.react(graph, inLanguage(traces), { ...inLanguage(layout), separators: language.signs }, config);
  language.subscribe(() => {
    for (const graph of document.querySelectorAll(".js-plotly-plot")) {
      const { data, layout } = /** @type {any} */ (graph);
      spoken.react(graph, data, layout);
    }
  });
  return spoken;
}
