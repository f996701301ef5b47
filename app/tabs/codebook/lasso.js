/* Lasso and box in the map of three dimensions, where plotly.js has none: what lies inside the line on the screen is marked,
   however far it lies behind. */

import { make } from "../../web/dom.js";
import { boxBetween, inside } from "./projection.js";

/** @typedef {import("./projection.js").Point} Point */

/**
 * @param {import("./types").Context} context
 * @param {Pick<ReturnType<typeof import("./map.js").createMap>, "placesInSpace">} map
 */
export function createLasso({ codebook, part, parts }, map) {
  const sheet = make("canvas", { className: "lasso", hidden: true });
  part("#codewords").append(sheet);
  /** @type {Point[]} */
  let line = [];

  const tool = () => /** @type {HTMLInputElement} */ (part("[name=codes-tool]:checked")).value;
  const isSpatial = () => /** @type {HTMLInputElement} */ (part("[name=codes-dimensions]:checked")).value === "3";

  /* The sheet takes the pointer only while something can be drawn on it. */
  function follow() {
    sheet.hidden = !isSpatial() || tool() === "pan";
  }

  const outline = () => (tool() === "select" && line.length > 1 ? boxBetween(line[0], line[line.length - 1]) : line);

  function paint() {
    Object.assign(sheet, { width: sheet.clientWidth, height: sheet.clientHeight });
    const pen = sheet.getContext("2d");
    if (!pen || line.length < 2) return;
    Object.assign(pen, { strokeStyle: getComputedStyle(sheet).color, lineWidth: 1.5 });
    pen.setLineDash([5, 4]);
    pen.beginPath();
    for (const [x, y] of outline()) pen.lineTo(x, y);
    pen.closePath();
    pen.stroke();
  }

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    line = [[event.offsetX, event.offsetY]];
    sheet.setPointerCapture(event.pointerId);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!line.length) return;
    line.push([event.offsetX, event.offsetY]);
    paint();
  });
  sheet.addEventListener("pointerup", () => {
    const places = line.length > 2 ? map.placesInSpace(sheet.clientWidth, sheet.clientHeight) : null;
    if (places) codebook.select(inside(places, outline()));
    line = [];
    paint();
  });
  sheet.addEventListener("pointercancel", () => {
    line = [];
    paint();
  });
  for (const radio of [...parts("[name=codes-tool]"), ...parts("[name=codes-dimensions]")]) {
    radio.addEventListener("change", follow);
  }
}
