/* Input | segmentation | reconstruction | difference of one slice, drawn pixel by pixel on canvases. */

import { ownersOf } from "../../web/cells.js";
import { caseOf } from "../../web/cine_frames.js";
import { grey, overlay, paint, shapeStages } from "../../web/pictures.js";
import { zoom } from "../../web/zoom.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").PlaneView} PlaneView */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */
/** @typedef {Uint8Array | Uint8ClampedArray} Bytes */

const LIT = [255, 92, 200];
const WIDE = 1.6; // width / height; wider pictures stand two in a row

/**
 * |one - other|
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export const difference = (one, other) => one.map((value, i) => Math.abs(value - other[i]));

/**
 * Light the pixels whose token has a lit code in any level.
 * @param {Uint8ClampedArray} out RGBA
 * @param {Int32Array} owners the token of every pixel in the deepest grid
 * @param {Int32Array} codes of all levels
 * @param {Pick<Scan, "grid_of_tokens" | "levels">} scan
 * @param {Iterable<number>} lit
 */
export function lightCells(out, owners, codes, { grid_of_tokens: [h, w], levels }, lit) {
  const wanted = new Set(lit);
  const isLit = Uint8Array.from({ length: h * w }, (_, at) => {
    for (let level = 0; level < levels; level++) if (wanted.has(codes[level * h * w + at])) return 1;
    return 0;
  });
  for (let i = 0; i < owners.length; i++) {
    if (owners[i] < 0 || !isLit[owners[i] % (h * w)]) continue;
    for (let c = 0; c < 3; c++) out[4 * i + c] = (out[4 * i + c] + LIT[c]) >> 1;
  }
}

/** @param {HTMLElement} root */
export function createPanels(root) {
  const canvasOf = (/** @type {string} */ name) =>
    /** @type {HTMLCanvasElement} */ (root.querySelector("[data-panel=" + name + "] canvas"));
  const canvases = {
    image: canvasOf("image"),
    labels: canvasOf("labels"),
    reconstruction: canvasOf("reconstruction"),
    difference: canvasOf("difference"),
  };
  let laidOut = ""; // scan, plane and convention that the stages are shaped for
  let mirrored = false;

  /**
   * @param {Shown} shown
   * @param {Bytes} input grey values in the chosen window
   * @param {PageState} state
   */
  function draw(shown, input, state) {
    const { request, frame, image } = shown;
    const view = state.scan.planes[request.plane];
    layOut(request.token, request.plane, view, state);
    paint(canvases.image, view, (out) => grey(out, input));
    paint(canvases.labels, view, (out) => {
      overlay(out, input, frame.labels, view, state);
      if (!state.lit.length || !frame.clean_codes) return;
      lightCells(out, ownersOf(state.scan, request.plane), frame.clean_codes, state.scan, state.lit);
    });
    paint(canvases.reconstruction, view, (out) => grey(out, frame.reconstruction));
    paint(canvases.difference, view, (out) => grey(out, difference(image, frame.reconstruction)));
    root.toggleAttribute("data-painted", true);
  }

  /**
   * @param {string} token
   * @param {string} plane
   * @param {PlaneView} view
   * @param {PageState} state
   */
  function layOut(token, plane, view, state) {
    const layout = caseOf(token) + plane + state.convention;
    if (layout === laidOut) return;
    laidOut = layout;
    mirrored = shapeStages(root, view, plane, state);
    const isWide = view.ratio > WIDE;
    root.toggleAttribute("data-wide", isWide);
    if (isWide) root.style.setProperty("--stage", String(Math.min(3, view.ratio)));
    const [top, right, bottom, left] = view.letters;
    const letters = mirrored ? [top, left, bottom, right] : view.letters;
    for (const stage of root.querySelectorAll(".stage")) {
      stage.querySelectorAll("i").forEach((edge, i) => void (edge.textContent = letters[i]));
    }
    zoom.reset();
  }

  return { draw, isMirrored: () => mirrored };
}
