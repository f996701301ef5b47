/* The slice beside the map as a picture: its lit cells, the brush and the cursor. */

import { boxOf } from "../../web/cells.js";
import { grey, paint } from "../../web/pictures.js";
import { PICKED } from "./marks.js";

/** @typedef {import("./types").OnShow} OnShow */

/** Approximate pixels of the picture's longer side. Small slices are enlarged by a whole number. */
const SIDE = 512;

/**
 * What is drawn over the slice. marks: of all cells, null if the plane has none. brushed: cells under the brush.
 * @typedef {{
 *   marks: Uint8Array | null,
 *   brushed: Set<number> | null,
 *   cursor: import("../../web/types").Place | null,
 * }} Overlay
 */

const small = globalThis.document?.createElement("canvas");

/**
 * @param {HTMLCanvasElement} canvas
 * @param {OnShow} on
 * @param {Overlay} overlay
 * @param {boolean} dim half as bright, so that lit cells stand out
 */
export function paintSlice(canvas, on, { marks, brushed, cursor }, dim) {
  const [rows, columns] = on.view.shape;
  const scale = Math.max(1, Math.round(SIDE / Math.max(rows, columns)));
  Object.assign(canvas, { width: columns * scale, height: rows * scale });
  const pen = canvas.getContext("2d");
  if (!pen) return;
  paint(small, on.view, (out) => grey(out, dim ? on.image.map((value) => value * 0.55) : on.image));
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  const columnsOfCells = on.scan.grid_of_tokens[1];
  /** @param {number} cell */
  const box = (cell) => boxAt(on, Math.floor(cell / columnsOfCells), cell % columnsOfCells, scale);
  marks?.forEach((mark, cell) => mark && fill(pen, box(cell), mark));
  for (const cell of brushed ?? []) frame(pen, box(cell), 1);
  if (cursor) frame(pen, box(cursor.row * columnsOfCells + cursor.column), 3);
}

/**
 * @param {OnShow} on
 * @param {number} row
 * @param {number} column
 * @param {number} scale
 * @returns {[number, number, number, number]}
 */
function boxAt({ scan, request }, row, column, scale) {
  const [x, y, width, height] = boxOf(scan, request.plane, row, column);
  return [Math.round(x * scale), Math.round(y * scale), Math.round(width * scale), Math.round(height * scale)];
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {[number, number, number, number]} box
 * @param {number} mark
 */
function fill(pen, box, mark) {
  pen.fillStyle = mark === PICKED ? "rgb(255 226 89 / .75)" : "rgb(255 92 200 / .6)";
  pen.fillRect(...box);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {[number, number, number, number]} box
 * @param {number} thickness
 */
function frame(pen, [x, y, width, height], thickness) {
  Object.assign(pen, { strokeStyle: "#ffffff", lineWidth: thickness });
  pen.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, height - thickness);
}
