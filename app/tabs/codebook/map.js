/* The map of the codewords: what its controls and its marks change of the plot. */

import { lacking } from "./colour.js";
import { createMapPlot } from "./map_plot.js";

/** Milliseconds between frames of a drag before the colours of the slice follow. */
const REST = 80;

/**
 * @param {import("./types").Context} context
 * @param {ReturnType<typeof import("./hover.js").createHover>} hover
 */
export function createMap(context, hover) {
  const { codebook, part, parts } = context;
  const { state } = codebook;
  const plot = createMapPlot(context, hover);
  /** @type {HTMLSelectElement} */
  const colour = part("[data-set=colour]");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /* Only colours that this codebook has numbers for. */
  function offerColours() {
    const missing = state.book ? lacking(state.book) : [];
    for (const option of colour.options) option.disabled = missing.includes(option.value);
    if (colour.selectedOptions[0].disabled) colour.value = "class";
  }

  codebook.subscribe(offerColours, "book");
  codebook.subscribe(plot.mark, "selection");
  codebook.subscribe(() => plot.link([]), "picked");
  // Only these two colours mean something that changes with the page.
  codebook.subscribe(() => {
    if (colour.value === "scan") plot.recolour();
  }, "presence");
  codebook.subscribe(() => {
    if (colour.value !== "slice" || state.view !== "map") return;
    clearTimeout(waiting);
    waiting = setTimeout(plot.recolour, REST);
  }, "frame");
  colour.addEventListener("change", plot.recolour);
  part("[data-set=size]").addEventListener("change", plot.resize);
  for (const radio of parts("[name=codes-tool]")) radio.addEventListener("change", plot.useTool);
  // The page has become light or dark.
  const theme = { attributes: true, attributeFilter: ["class"] };
  new MutationObserver(plot.redraw).observe(document.body, theme);

  return plot;
}
