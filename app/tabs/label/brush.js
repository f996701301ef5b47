/* Painting on the slice, by mouse, pen, finger or keyboard. What happens between pressing and letting go is one step. */

import { setSlider } from "../../web/keys.js";
import { pixelAt } from "../../web/pictures.js";
import { zoom } from "../../web/zoom.js";
import { fill, stroke } from "./mask.js";

/** @typedef {import("../../web/types").Pixel} Pixel */
/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Pointed} Pointed */
/** @typedef {import("./types").Scene} Scene */

/** @type {Record<string, [number, number]>} right, down */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const FAR = 8; // pixels that an arrow moves the brush with Shift

/**
 * @typedef {object} Painting under way
 * @property {Scene} scene
 * @property {Uint8Array} labels as they become
 * @property {Pixel} last
 * @property {number | null} pointer its id; null for the keyboard
 */

/** @param {Context} context */
export function createBrush(context) {
  const { tools, corrections, schedule } = context;
  const stage = context.find(".stage");
  const canvas = /** @type {HTMLCanvasElement} */ (context.find(".stage canvas"));
  /** @type {Painting | null} */
  let painting = null;
  /** @type {Pointed | null} */
  let pointed = null;

  /**
   * @param {Scene} scene
   * @param {{clientX: number, clientY: number}} event
   */
  const pixelUnder = ({ view, mirrored }, event) => pixelAt(canvas, event, view, mirrored);

  /**
   * @param {Scene} scene
   * @param {Pixel} pixel
   * @param {number | null} pointer
   */
  function begin(scene, pixel, pointer) {
    painting = { scene, labels: context.labels(scene).slice(), last: pixel, pointer };
    if (tools.tool === "fill") {
      fill(painting.labels, scene.view.shape, pixel, tools.label);
      end();
    } else goOn(pixel);
  }

  /** @param {Pixel} pixel */
  function goOn(pixel) {
    if (!painting) return;
    stroke(painting.labels, painting.scene.view.shape, painting.last, pixel, painting.scene.brush, tools.label);
    painting.last = pixel;
    schedule();
  }

  function end() {
    if (!painting) return;
    const { scene, labels } = painting;
    painting = null;
    corrections.change(scene.key, scene.index, scene.shown.clean_labels, { labels });
    schedule();
  }

  /** What was painted since it was begun goes. */
  function callOff() {
    painting = null;
    schedule();
  }

  /** Whether a press paints: not the right button, which moves the picture. @param {PointerEvent} event */
  const paints = ({ button }) => button === 0 && tools.tool !== "move";

  stage.addEventListener("pointerdown", (event) => {
    const scene = context.scene();
    // A second finger zooms: the first one did not mean to paint.
    if (painting && painting.pointer !== null) return callOff();
    if (!scene || !paints(event) || !event.isPrimary) return;
    const pixel = pixelUnder(scene, event);
    if (pixel) begin(scene, pixel, event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const scene = context.scene();
    if (!scene || (painting && painting.pointer !== event.pointerId)) return;
    // The events in between follow a curve; without them the stroke is straight.
    const passed = painting ? [...(event.getCoalescedEvents?.() ?? []), event] : [event];
    const pixels = passed.map((one) => pixelUnder(scene, one)).filter((pixel) => pixel !== null);
    for (const pixel of pixels) goOn(pixel);
    point(pixels.at(-1) ?? null);
  });
  stage.addEventListener("pointerup", (event) => painting?.pointer === event.pointerId && end());
  stage.addEventListener("pointercancel", callOff);
  stage.addEventListener("pointerleave", () => point(null));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  // The keyboard stays where it is: with the mouse, arrow keys go on changing the slice.
  stage.addEventListener("mousedown", (event) => event.preventDefault());

  /**
   * @param {Pixel | null} pixel
   * @param {boolean} [byKeyboard]
   */
  function point(pixel, byKeyboard = false) {
    pointed = pixel && { pixel, byKeyboard };
    schedule();
  }

  /**
   * @param {Scene} scene
   * @param {[number, number]} way as displayed
   * @param {boolean} far
   */
  function moveBy(scene, [right, down], far) {
    const [rows, columns] = scene.view.shape;
    const steps = far ? FAR : 1;
    const from = pointed?.pixel ?? { row: rows >> 1, column: columns >> 1 };
    const within = (/** @type {number} */ value, /** @type {number} */ count) =>
      Math.max(0, Math.min(count - 1, value));
    const row = within(from.row + down * steps, rows);
    const column = within(from.column + (scene.mirrored ? -right : right) * steps, columns);
    const pixel = { row, column, at: row * columns + column };
    goOn(pixel);
    point(pixel, true);
    reveal(scene, pixel);
  }

  /** A zoomed picture may not show the place. @param {Scene} scene @param {Pixel} pixel */
  function reveal({ view, mirrored }, { row, column }) {
    const [rows, columns] = view.shape;
    const [wide, high] = [canvas.clientWidth / stage.clientWidth, canvas.clientHeight / stage.clientHeight];
    const across = ((column + 0.5) / columns - 0.5) * (mirrored ? -1 : 1);
    zoom.reveal([across * wide, ((row + 0.5) / rows - 0.5) * high], [wide / 8, high / 8]);
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key means something here
   */
  function press({ key, shiftKey, repeat }) {
    const scene = context.scene();
    if (!scene) return false;
    if (ARROWS[key]) moveBy(scene, ARROWS[key], shiftKey);
    else if (key === " ") {
      if (!pointed) moveBy(scene, [0, 0], false);
      if (!repeat && pointed && tools.tool !== "move") begin(scene, pointed.pixel, null);
    } else if (key === "PageUp" || key === "PageDown")
      setSlider("slice", scene.state.index + (key === "PageUp" ? 1 : -1));
    else if (key === "Escape") {
      callOff();
      canvas.blur();
    } else return false;
    return true;
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("keyup", ({ key }) => key === " " && painting?.pointer === null && end());
  canvas.addEventListener("focus", () => {
    const scene = context.scene();
    if (scene && canvas.matches(":focus-visible")) moveBy(scene, [0, 0], false);
  });
  canvas.addEventListener("blur", () => {
    if (painting?.pointer === null) end();
    if (pointed?.byKeyboard) point(null);
  });

  return {
    paints,
    /** the labels that are being painted, where they belong to this slice @param {Scene} scene */
    labels: (scene) =>
      painting && painting.scene.key === scene.key && painting.scene.index === scene.index ? painting.labels : null,
    get pointed() {
      return pointed;
    },
  };
}
