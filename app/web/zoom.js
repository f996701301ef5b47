/* One zoom and one position for all views of the slice. Wheel, drag, two fingers and keys change them.
   A view's style sheet reads --zoom, --x and --y and the attribute data-zoomed. */

import { reached, revealed, zoomedAbout } from "./zoom_place.js";
import { store } from "./store.js";

/** @typedef {import("./types").ZoomedView} ZoomedView */

/** @type {Record<string, number>} */
const KEYED = { "+": 1.25, "=": 1.25, "-": 0.8 };
const STILL = 4; // a press that moves by at most so many pixels is a click
const TYPED = "input:not([type=range]), textarea, select, [contenteditable=true]";

let at = { zoom: 1, x: 0, y: 0 }; // x and y as shares of a stage, so that stages of any size show the same part
/** @type {ZoomedView[]} */
const views = [];
/** @type {Map<number, PointerEvent>} */
const fingers = new Map(); // the newest event of each pointer that is down, by id
/** @type {{x: number, y: number, from: typeof at, take?: ((x: number, y: number) => void) | null} | null} */
let pressed = null;
let dragged = false;

/** @param {typeof at} next */
function place(next) {
  at = reached(next);
  for (const { root, moved } of views) {
    root.style.setProperty("--zoom", String(at.zoom));
    root.style.setProperty("--x", 100 * at.x + "cqw");
    root.style.setProperty("--y", 100 * at.y + "cqh");
    root.toggleAttribute("data-zoomed", at.zoom > 1);
    moved?.();
  }
}

function reset() {
  const former = at;
  place({ zoom: 1, x: 0, y: 0 });
  return former.zoom > 1 ? () => place(former) : undefined;
}

/**
 * Zoom about a point of the page, or about the middle if none is given.
 * @param {Element} stage
 * @param {number} factor
 * @param {{clientX: number, clientY: number}} [point]
 */
function zoomBy(stage, factor, point) {
  const box = stage.getBoundingClientRect();
  const x = point ? (point.clientX - box.left) / box.width - 0.5 : 0;
  const y = point ? (point.clientY - box.top) / box.height - 0.5 : 0;
  place(zoomedAbout(at, factor, x, y));
}

/**
 * Move as little as needed to bring a box into sight. A box larger than the stage is centred.
 * @param {[number, number]} middle relative to the stage's middle, in shares of the stage without zoom
 * @param {[number, number]} size in the same shares
 */
function reveal(middle, size) {
  place(revealed(at, middle, size));
}

/**
 * @param {ZoomedView} view
 * @param {Element} stage
 * @param {PointerEvent} event
 */
function press(view, stage, event) {
  // The wipe handles its own drags.
  if (!view.ready() || event.button === 1 || /** @type {Element} */ (event.target).matches("input")) return;
  fingers.set(event.pointerId, event);
  dragged = false;
  pressed = fingers.size > 1 ? null : { x: event.clientX, y: event.clientY, from: at, take: view.grab?.(event) };
  stage.setPointerCapture(event.pointerId);
}

/**
 * @param {Element} stage
 * @param {PointerEvent} event
 */
function drag(stage, event) {
  if (!pressed) return;
  const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
  dragged ||= Math.hypot(x, y) > STILL;
  if (pressed.take) pressed.take(x, y);
  else if (at.zoom > 1 && dragged) {
    const box = stage.getBoundingClientRect();
    place({ zoom: at.zoom, x: pressed.from.x + x / box.width, y: pressed.from.y + y / box.height });
  }
}

/**
 * Two fingers zoom by the change of their distance. The point between them stays in place.
 * @param {Element} stage
 * @param {PointerEvent} event
 */
function pinch(stage, event) {
  const former = fingers.get(event.pointerId);
  const resting = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
  if (!former || !resting) return;
  /** @param {PointerEvent} finger */
  const apart = (finger) => Math.hypot(finger.clientX - resting.clientX, finger.clientY - resting.clientY);
  const between = { clientX: (event.clientX + resting.clientX) / 2, clientY: (event.clientY + resting.clientY) / 2 };
  zoomBy(stage, apart(event) / Math.max(1, apart(former)), between);
  fingers.set(event.pointerId, event);
  dragged = true;
}

/** @param {PointerEvent} event */
function release(event) {
  fingers.delete(event.pointerId);
  pressed = null;
}

/**
 * @param {ZoomedView} view
 * @param {HTMLElement} stage
 */
function attachStage(view, stage) {
  const turn = (/** @type {WheelEvent} */ event) => {
    if (!view.ready()) return;
    event.preventDefault();
    zoomBy(stage, Math.exp(-event.deltaY / 400), event);
  };
  stage.addEventListener("wheel", turn, { passive: false });
  stage.addEventListener("pointerdown", (event) => press(view, stage, event));
  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    if (fingers.size > 1) pinch(stage, event);
    else drag(stage, event);
  });
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("click", (event) => {
    if (!dragged) view.click?.(stage, event);
  });
  stage.addEventListener("dblclick", () => {
    // What is zoomed goes back first; a view's own meaning of a double click is for pictures as they are.
    if (!reset()) view.twice?.(stage);
  });
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  const factor = KEYED[event.key];
  const isTyped = event.target instanceof Element && event.target.closest(TYPED);
  if (!factor || isTyped || event.ctrlKey || event.metaKey) return;
  const view = views.find(({ root, ready }) => root.offsetParent !== null && ready());
  const stage = view?.root.querySelector(".stage");
  if (!stage) return;
  event.preventDefault();
  zoomBy(stage, factor);
}

/**
 * Add a view: its stages zoom and move together with those of all others.
 * @param {ZoomedView} view
 */
function attach(view) {
  if (!views.length) {
    document.addEventListener("keydown", pressKey);
    store.onReset(reset);
  }
  views.push(view);
  /** @type {NodeListOf<HTMLElement>} */
  const stages = view.root.querySelectorAll(".stage");
  for (const stage of stages) attachStage(view, stage);
  place(at);
}

export const zoom = { attach, reset, reveal, level: () => at.zoom };
