/* The slice as a picture: its labels over it, or how uncertain they are, the brush and the token under it. */

import { boxOf, cellAt } from "../../web/cells.js";
import { markShares } from "../../web/heat.js";
import { grey, outlineOf as edgesOf, overlay, paint } from "../../web/pictures.js";
import { level } from "../../web/window.js";
import { zoom } from "../../web/zoom.js";
import { outlineOf } from "./mask.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Pointed} Pointed */
/** @typedef {import("./types").Scene} Scene */

/** @param {Context} context */
export function createPicture(context) {
  const { find, tools } = context;
  const canvas = /** @type {HTMLCanvasElement} */ (find(".stage canvas"));
  const over = find(".over");
  const edges = [...context.root.querySelectorAll(".stage > i")];
  let laidOut = ""; // scan, plane and convention that the zoom belongs to
  let brushed = ""; // what the outline of the brush is of
  let outline = "";

  /** @param {string} name */
  const mark = (name) => /** @type {SVGPathElement} */ (over.querySelector(`[data-mark=${name}]`));

  /** @param {Scene} scene @param {Pointed | null} pointed */
  function drawBrush({ brush, scan, view, shown }, pointed) {
    const key = JSON.stringify(brush);
    if (key !== brushed) [brushed, outline] = [key, outlineOf(brush)];
    const isPainting = pointed && tools.tool !== "move";
    const { row, column } = pointed?.pixel ?? { row: 0, column: 0 };
    for (const name of ["casing", "brush"]) {
      mark(name).setAttribute("d", isPainting ? (tools.tool === "fill" ? "M0 0h1v1h-1z" : outline) : "");
      mark(name).setAttribute("transform", `translate(${column} ${row})`);
    }
    const cell = pointed && cellAt(scan, shown.request.plane, row, column);
    const [x, y, width, height] = cell ? boxOf(scan, shown.request.plane, cell.row, cell.column) : [0, 0, 0, 0];
    mark("token").setAttribute("d", cell ? `M${x} ${y}h${width}v${height}h${-width}z` : "");
    over.setAttribute("viewBox", `0 0 ${view.shape[1]} ${view.shape[0]}`);
  }

  /** @param {Scene} scene */
  function layOut({ key, shown, view, state, mirrored }) {
    const layout = key + shown.request.plane + state.convention;
    if (layout === laidOut) return;
    if (laidOut) zoom.reset();
    laidOut = layout;
    const [top, right, bottom, left] = view.letters;
    const letters = mirrored ? [top, left, bottom, right] : view.letters;
    edges.forEach((edge, at) => void (edge.textContent = letters[at]));
  }

  /**
   * @param {Scene} scene
   * @param {Uint8Array} labels
   * @param {Pointed | null} pointed
   * @param {Float32Array | null} map how uncertain every pixel is; null to see the labels as they are everywhere
   */
  function draw(scene, labels, pointed, map) {
    layOut(scene);
    const { state, scan, view, shown } = scene;
    // What is painted is seen, also a structure that is hidden elsewhere.
    const look = { ...state, visible: [...state.visible, scan.classes[tools.label]] };
    paint(canvas, view, (out) => {
      if (map) drawMap(out, scene, labels, map);
      else overlay(out, level.input(shown, state.range) ?? shown.colours ?? shown.image, labels, view, look);
    });
    drawBrush(scene, pointed);
  }

  return { draw };
}

/**
 * The map, and the outlines of the labels on it.
 * @param {Uint8ClampedArray} out RGBA
 * @param {Scene} scene
 * @param {Uint8Array} labels
 * @param {Float32Array} map
 */
function drawMap(out, { shown, scan, view, state }, labels, map) {
  const image = level.input(shown, state.range) ?? shown.image;
  grey(out, image);
  markShares(out, image, map);
  if (!state.shown) return;
  const isEdge = edgesOf(labels, view.shape);
  labels.forEach((label, at) => label && isEdge(at) && out.set(scan.colours[label], 4 * at));
}
