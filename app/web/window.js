/* Window and level: which values of the file become black and white. */

import { caseOf } from "./cine_frames.js";
import { facts } from "./facts.js";

/** @typedef {[number, number]} Range black and white, in the file's values */
/** @typedef {{values: Int16Array | Float32Array, image: Uint8Array, request: {token: string}}} Slice */

/**
 * The 1st and the 99th percentile of the values.
 * @param {Int16Array | Float32Array} values
 * @returns {Range}
 */
export function percentiles(values) {
  const sorted = values.slice().sort();
  return [sorted[Math.floor(0.01 * (sorted.length - 1))], sorted[Math.ceil(0.99 * (sorted.length - 1))]];
}

/**
 * The range of the window that the sidebar names; null for the network's own window.
 * @param {string} name
 * @param {Int16Array | Float32Array} values of the slice
 * @param {Record<string, [number, number]>} windows centre and width, by name
 * @returns {Range | null}
 */
export function rangeOf(name, values, windows) {
  if (name === "network") return null;
  if (name === "percentiles") return percentiles(values);
  const [centre, width] = windows[name];
  return [centre - width / 2, centre + width / 2];
}

/**
 * @param {Int16Array | Float32Array} values
 * @returns {Range}
 */
export function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/**
 * The range after a drag: x pixels widen it, y pixels move its centre.
 * @param {Range} range
 * @param {number} x
 * @param {number} y
 * @returns {Range}
 */
export function dragged([black, white], x, y) {
  const width = Math.max(1e-3, white - black);
  const unit = width / 200;
  const centre = (black + white) / 2 + y * unit;
  const half = Math.max(width / 100, width + x * unit) / 2;
  return [centre - half, centre + half];
}

/**
 * The values as bytes: the range becomes 0 to 255.
 * @param {Int16Array | Float32Array} values
 * @param {Range} range
 */
export function windowed(values, [black, white]) {
  const scale = 255 / Math.max(white - black, 1e-6);
  return Uint8ClampedArray.from(values, (value) => (value - black) * scale);
}

/**
 * Width and level as radiologists write them; "" for the network's own window.
 * @param {Range | null} range
 */
export function inWords(range) {
  return range ? "W " + Math.round(range[1] - range[0]) + " L " + Math.round((range[0] + range[1]) / 2) : "";
}

/**
 * The values as bytes, remembered: a brush paints the same slice again and again, and percentiles sort all of its values.
 * @returns {(slice: Slice, range: Range) => Uint8ClampedArray}
 */
function rememberedBytes() {
  /** @type {{values: Slice["values"], range: string, bytes: Uint8ClampedArray} | null} */
  let last = null;
  return ({ values }, range) => {
    if (last?.values !== values || last.range !== String(range))
      last = { values, range: String(range), bytes: windowed(values, range) };
    return last.bytes;
  };
}

/**
 * The window of the input. The other pictures come from the network and keep its own window.
 * @param {Record<string, [number, number]>} windows centre and width, by name
 */
export function createWindow(windows) {
  /** @type {Range | null} */
  let byHand = null; // until another window or another scan is chosen
  /** @type {string | null} */
  let chosen = null; // the scan and the window that the sidebar named last
  const bytesOf = rememberedBytes();
  /** @type {WeakMap<Slice["values"], Range>} */
  const known = new WeakMap(); // percentiles

  /**
   * @param {Slice} slice
   * @param {string} name of the window in the sidebar
   */
  function choose(slice, name) {
    const choice = caseOf(slice.request.token) + " " + name;
    if (choice !== chosen) byHand = null;
    chosen = choice;
  }

  /**
   * @param {Slice} slice
   * @param {string} name of the window in the sidebar
   */
  function range(slice, name) {
    if (byHand || name !== "percentiles") return byHand ?? rangeOf(name, slice.values, windows);
    const found = known.get(slice.values) ?? percentiles(slice.values);
    known.set(slice.values, found);
    return found;
  }

  /**
   * The input in its window, grey; null in the network's own.
   * @param {Slice} slice
   * @param {string} name of the window in the sidebar
   */
  function input(slice, name) {
    choose(slice, name);
    const chosenRange = range(slice, name);
    return chosenRange && bytesOf(slice, chosenRange);
  }

  /**
   * Starts a drag that sets the window, from the present window or from the range of the slice. Returns a function that
   * takes the distance dragged.
   * @param {Slice} slice
   * @param {string} name of the window in the sidebar
   */
  function grab(slice, name) {
    const start = range(slice, name) ?? extremes(slice.values);
    return (/** @type {number} */ x, /** @type {number} */ y) => void (byHand = dragged(start, x, y));
  }

  /** Drops a window that was set by hand. Returns what brings it back, for the same scan alone. */
  function forget() {
    const [former, place] = [byHand, chosen];
    byHand = null;
    if (!former) return undefined;
    return () => {
      [byHand, chosen] = [former, place];
    };
  }

  return { choose, range, input, grab, forget };
}

/** The window of the scan on show, wherever its slices are drawn. */
export const level = createWindow(facts.windows);
