/* The legend below the map. */

import { make } from "../../web/dom.js";
import { GRADIENT } from "../../web/ramp.js";

/** @param {import("./types").Swatch} swatch */
export function swatchOf([colour, name]) {
  const dot = make("i");
  dot.style.background = colour;
  return make("span", {}, dot, name);
}

/**
 * @param {HTMLElement} place
 * @param {import("./types").Legend} legend
 */
export function drawLegend(place, legend) {
  if ("swatches" in legend) return place.replaceChildren(...legend.swatches.map(swatchOf));
  const bar = make("i", { className: "ramp" });
  bar.style.background = GRADIENT;
  const unknown = legend.unknown ? [swatchOf(legend.unknown)] : [];
  place.replaceChildren(
    make("b", {}, legend.title),
    make("b", {}, legend.low),
    bar,
    make("b", {}, legend.high),
    ...unknown,
  );
}
