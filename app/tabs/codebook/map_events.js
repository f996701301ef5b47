/* The pointer on the map: pointing at a codeword, clicking it, drawing around several. */

import { plotly } from "../../web/plotly.js";
import { BASE, codeOf } from "./map_traces.js";

/**
 * @param {import("./types").Graph} plot
 * @param {import("./types").Context} context
 * @param {ReturnType<typeof import("./hover.js").createHover>} hover
 * @param {() => number[]} drawn code of every point
 */
export function listenToMap(plot, { codebook }, hover, drawn) {
  /** @param {Parameters<typeof codeOf>[0]} event */
  const code = (event) => codeOf(event, drawn(), codebook.state.selected);

  plot.on("plotly_click", (event) => {
    const clicked = code(event);
    if (clicked !== null) codebook.pick(clicked);
  });
  plot.on("plotly_hover", (event) => {
    const under = code(event);
    if (under !== null) hover.show(under, event.event);
  });
  plot.on("plotly_unhover", hover.hide);
  plot.on("plotly_selected", (event) => {
    if (!event) return;
    /** @type {{curveNumber: number, pointNumber: number}[]} */
    const points = event.points.filter((/** @type {{curveNumber: number}} */ one) => one.curveNumber === BASE);
    const inside = new Set(points.map((one) => drawn()[one.pointNumber]));
    plotly().relayout(plot, { selections: [] });
    codebook.select([...inside].sort((a, b) => a - b));
  });
}
