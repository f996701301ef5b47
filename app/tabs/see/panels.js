/* Input | segmentation | reconstruction | difference of one slice, drawn pixel by pixel on canvases. */

import { ownersOf } from "../../web/cells.js";
import { caseOf } from "../../web/cine_frames.js";
import { lightPixels, litTokens } from "../../web/lit.js";
import { coloured, grey, overlay, paint, shapeStages } from "../../web/pictures.js";
import { zoom } from "../../web/zoom.js";
import { createRoom } from "./room.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").PlaneView} PlaneView */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */
/** @typedef {Uint8Array | Uint8ClampedArray} Bytes */

const WIDE = 1.6; // width / height; wider pictures stand two in a row

/**
 * |one - other|, some times as bright
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @param {number} [gain]
 */
export const difference = (one, other, gain = 1) =>
  Uint8ClampedArray.from(one, (value, i) => gain * Math.abs(value - other[i]));

/**
 * The difference of two pictures of three bytes a pixel: the mean over the colours, in grey.
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @param {number} [gain]
 */
export function differenceOfColours(one, other, gain = 1) {
  const far = (/** @type {number} */ i) => Math.abs(one[i] - other[i]);
  return Uint8ClampedArray.from({ length: one.length / 3 }, (_, i) => {
    return (gain * (far(3 * i) + far(3 * i + 1) + far(3 * i + 2))) / 3;
  });
}

/**
 * Lights the cells of the marked codes in a picture of the slice.
 * @param {Shown} shown
 * @param {PageState} state
 * @returns {(out: Uint8ClampedArray) => void}
 */
function lighting({ request, frame }, { scan, lit }) {
  if (!lit.length || !frame.clean_codes) return () => {};
  const [owners, tokens] = [ownersOf(scan, request.plane), litTokens(frame.clean_codes, scan, lit)];
  return (out) => lightPixels(out, owners, tokens);
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
  const room = createRoom(root);
  let laidOut = ""; // scan, plane and convention that the stages are shaped for
  let mirrored = false;

  /**
   * @param {Shown} shown
   * @param {Bytes} input grey values in the chosen window, or colours
   * @param {PageState} state
   * @param {number} gain of the difference
   */
  function draw(shown, input, state, gain) {
    const { request, frame, image, colours } = shown;
    const view = state.scan.planes[request.plane];
    layOut(request.token, request.plane, view, state);
    const light = lighting(shown, state);
    /** @type {(canvas: HTMLCanvasElement, fill: (out: Uint8ClampedArray) => void) => void} */
    const show = (canvas, fill) =>
      paint(canvas, view, (out) => {
        fill(out);
        light(out);
      });
    const apart =
      colours && frame.colours
        ? differenceOfColours(colours, frame.colours, gain)
        : difference(image, frame.reconstruction, gain);
    show(canvases.image, (out) => coloured(out, input));
    show(canvases.labels, (out) => overlay(out, input, frame.labels, view, state));
    show(canvases.reconstruction, (out) => coloured(out, frame.colours ?? frame.reconstruction));
    show(canvases.difference, (out) => grey(out, apart));
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
      stage.querySelectorAll(":scope > i").forEach((edge, i) => void (edge.textContent = letters[i]));
    }
    zoom.reset();
    room.fit();
  }

  return { draw, isMirrored: () => mirrored };
}
