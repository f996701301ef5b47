/* Input on the slice: a click picks a cell's code, a brush marks the codes of a region, arrow keys move a cursor over the
   cells. */

import { cellAt, cellBeside } from "../../web/cells.js";
import { pixelAt } from "../../web/pictures.js";
import { codesOf } from "./marks.js";
import { strokeBetween } from "./stroke.js";

/** @typedef {import("./types").OnShow} OnShow */
/** @typedef {OnShow & {codes: Int32Array}} WithCodes */
/** @typedef {import("../../web/types").Cell} Cell */

/**
 * @param {import("./types").Context} context
 * @param {HTMLCanvasElement} canvas
 * @param {{mirrored: () => boolean, repaint: () => void}} picture
 */
export function createSliceInput({ codebook }, canvas, { mirrored, repaint }) {
  /** @type {Set<number> | null} Cells under the brush while it is held. */
  let brushed = null;
  /** @type {import("./stroke.js").Point | null} Where the brush was last. */
  let last = null;
  /** @type {Cell | null} */
  let cursor = null;

  /** @returns {WithCodes | null} */
  const withCodes = () => {
    const on = codebook.onShow();
    return on?.codes ? /** @type {WithCodes} */ (on) : null;
  };

  /**
   * @param {OnShow} on
   * @param {import("./stroke.js").Point} point
   */
  function under(on, point) {
    const pixel = pixelAt(canvas, point, on.view, mirrored());
    return pixel && cellAt(on.scan, on.request.plane, pixel.row, pixel.column);
  }

  /** @param {PointerEvent} event */
  function brush(event) {
    const on = withCodes();
    if (!on || !brushed) return;
    const before = brushed.size;
    // A fast brush crosses several cells between two events.
    for (const point of strokeBetween(last, event)) {
      const cell = under(on, point);
      if (cell) brushed.add(cell.row * on.scan.grid_of_tokens[1] + cell.column);
    }
    last = event;
    if (brushed.size > 1 && brushed.size > before) codebook.select(codesOf(brushed, on.codes, on.scan));
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !withCodes()) return;
    [brushed, last] = [new Set(), null];
    canvas.setPointerCapture(event.pointerId);
    brush(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    // The events in between follow a curve; without them the stroke is straight.
    if (brushed) for (const one of [...(event.getCoalescedEvents?.() ?? []), event]) brush(one);
  });
  canvas.addEventListener("pointerup", (event) => {
    const on = withCodes();
    const cell = on && under(on, event);
    if (brushed?.size === 1 && cell) codebook.pick(on.codes[cell.at]);
    brushed = null;
    repaint();
  });
  canvas.addEventListener("pointercancel", () => (brushed = null));

  /**
   * @param {string} key
   * @param {WithCodes} on
   * @returns {boolean} whether the key means something here
   */
  function press(key, on) {
    if (key.startsWith("Arrow")) cursor = cellBeside(on.scan, on.request.plane, cursor, key, mirrored()) ?? cursor;
    else if (key === "Enter" && cursor) codebook.pick(on.codes[cursor.at]);
    else if (key === " " && cursor) {
      const here = codesOf([cursor.row * on.scan.grid_of_tokens[1] + cursor.column], on.codes, on.scan);
      codebook.select([...new Set([...codebook.state.selected, ...here])].sort((a, b) => a - b));
    } else if (key === "Escape") {
      codebook.pick(null);
      codebook.clear();
    } else return false;
    return true;
  }

  canvas.addEventListener("keydown", (event) => {
    const on = withCodes();
    if (event.ctrlKey || event.metaKey || event.altKey || !on || !press(event.key, on)) return;
    event.preventDefault();
    repaint();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, repaint);

  return {
    get brushed() {
      return brushed;
    },
    /** Shown only while the slice has the focus. */
    get cursor() {
      return document.activeElement === canvas ? cursor : null;
    },
  };
}
