/* The keys of the page. Keys and views also move the sidebar's sliders through this module. */

import { positionOf, reachAt, whyFixed } from "./reach_scale.js";
import { store } from "./store.js";

/** @typedef {(event: KeyboardEvent) => boolean | void} Action */

const TYPED =
  "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
const USES_ARROWS = "input, [role=tab], [role=listbox], [role=option], [role=slider]";

/**
 * The nearest value that a slider can take.
 * @param {number} value
 * @param {{min: number, max: number, step: number}} track
 */
export function onTrack(value, { min, max, step }) {
  const bounded = Math.min(max, Math.max(min, Math.round(value / step) * step));
  return Number(bounded.toFixed(4));
}

/**
 * Move a slider of the sidebar as a visitor would: a value then changes in one way only.
 * @param {string} id
 * @param {number} value
 */
export function setSlider(id, value) {
  /** @type {HTMLInputElement | null} */
  const range = document.querySelector(`#${id} input[type=range]`);
  if (!range || range.disabled) return;
  const track = { min: Number(range.min), max: Number(range.max), step: Number(range.step) || 1 };
  range.value = String(onTrack(value, track));
  range.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {string} selector */
const click = (selector) => void (/** @type {HTMLElement | null} */ (document.querySelector(selector))?.click());

/** @param {number} step */
const moveSlice = (step) => setSlider("slice", (store.state?.index ?? 0) + step);
/** @param {number} step */
const moveStrength = (step) => setSlider("strength", (store.state?.strength ?? 0) + step);

/** @param {number} steps on the slider's track */
function moveReach(steps) {
  const { state } = store;
  if (!state || whyFixed(state)) return;
  const { reach: ends } = state.scan;
  store.moveReach(reachAt(Math.max(0, positionOf(state.chosenReach, ends) + steps), ends));
}

/** @type {Record<string, Action>} */
const ofThePage = {
  ArrowRight: () => moveSlice(1),
  ArrowUp: () => moveSlice(1),
  ArrowLeft: () => moveSlice(-1),
  ArrowDown: () => moveSlice(-1),
  "]": () => moveStrength(0.05),
  "[": () => moveStrength(-0.05),
  ".": () => moveReach(4),
  ",": () => moveReach(-4),
  r: () => click("#reroll"),
  0: () => setSlider("strength", 0),
  x: () => click("#reset"),
  u: () => store.canUndo && click("#undo-reset"),
  h: () => click("#shown input"),
};

/** @type {Record<string, Action>[]} */
const layers = [ofThePage]; // what came last is asked first

/**
 * A tab's own keys. An action returns false if it has nothing to do, as while another tab is on show; the key then keeps the
 * meaning that it had before.
 * @param {Record<string, Action>} keys
 */
export function addKeys(keys) {
  layers.unshift(keys);
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !store.state) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(TYPED) || (key.startsWith("Arrow") && target.closest(USES_ARROWS))) return;
  const isTaken = layers.some((keys) => Object.hasOwn(keys, key) && keys[key](event) !== false);
  if (isTaken) event.preventDefault();
}

export function listenForKeys() {
  document.addEventListener("keydown", press);
}
