/* The map of the codewords: its controls and the marks change the plot. */

import { lacking } from "./colour.js";
import { createMapPlot } from "./map_plot.js";

/** Milliseconds without a new frame before the colours of the slice follow. */
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

  /* Offers only colours that this codebook has numbers for. */
  function offerColours() {
    const missing = state.book ? lacking(state.book) : [];
    for (const option of colour.options) option.disabled = missing.includes(option.value);
    if (colour.selectedOptions[0].disabled) colour.value = "class";
  }

  codebook.subscribe(offerColours, "book");
  codebook.subscribe(plot.mark, "selection");
  codebook.subscribe(() => plot.link([]), "picked");
  // Only these two colours depend on the scan and the slice.
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
  part("[data-set=landscape]").addEventListener("change", plot.showLandscape);
  for (const radio of parts("[name=codes-tool]")) radio.addEventListener("change", plot.useTool);
  // The page has changed between light and dark.
  const theme = { attributes: true, attributeFilter: ["class"] };
  new MutationObserver(plot.redraw).observe(document.body, theme);

  return plot;
}
