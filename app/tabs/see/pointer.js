/* The crosshair, in the same place of all four pictures. A drag with Shift or the right button sets the window. */

import { pixelAt } from "../../web/pictures.js";
import { zoom } from "../../web/zoom.js";

/** @typedef {import("../../web/types").Pixel} Pixel */
/** @typedef {import("../../web/types").PlaneView} PlaneView */

/**
 * @typedef {object} Pointed
 * @property {() => boolean} isPainted
 * @property {() => PlaneView | undefined} view of the present pictures, undefined while they still show the previous scan
 * @property {() => boolean} isMirrored
 * @property {() => (x: number, y: number) => void} grabWindow
 * @property {(pixel: Pixel) => void} tellPixel
 * @property {(stage: HTMLElement) => void} enlarge
 * @property {() => void} moved follows every change of the zoom
 */

/**
 * @param {HTMLElement} root
 * @param {Pointed} pointed
 */
export function followPointer(root, { isPainted, view, isMirrored, grabWindow, tellPixel, enlarge, moved }) {
  /**
   * @param {HTMLElement} stage
   * @param {MouseEvent} event
   */
  function point(stage, event) {
    const shape = isPainted() ? view() : undefined;
    const canvas = /** @type {HTMLCanvasElement} */ (stage.querySelector("canvas"));
    const pixel = shape && pixelAt(canvas, event, shape, isMirrored());
    root.toggleAttribute("data-pointed", Boolean(pixel));
    if (!pixel) return;
    const box = stage.getBoundingClientRect();
    // Shares, since the four stages need not be of one size.
    root.style.setProperty("--cx", (100 * (event.clientX - box.left)) / box.width + "%");
    root.style.setProperty("--cy", (100 * (event.clientY - box.top)) / box.height + "%");
    tellPixel(pixel);
  }

  const grab = (/** @type {PointerEvent} */ event) => (event.shiftKey || event.button === 2 ? grabWindow() : null);

  zoom.attach({ root, ready: isPainted, grab, twice: enlarge, moved });
  /** @type {NodeListOf<HTMLElement>} */
  const stages = root.querySelectorAll(".stage");
  for (const stage of stages) {
    for (const name of /** @type {const} */ (["pointerdown", "pointermove", "wheel"])) {
      stage.addEventListener(name, (event) => point(stage, event), { passive: true });
    }
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
  }
}
