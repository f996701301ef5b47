/* Window and level: which values of the file are black and white. */

/** @typedef {[number, number]} Range black and white, in the file's values */
/** @typedef {{values: Int16Array | Float32Array, image: Uint8Array, request: {token: string}}} Slice */

/**
 * The values below and above which are a hundredth of all.
 * @param {Int16Array | Float32Array} values
 * @returns {Range}
 */
export function percentiles(values) {
  const sorted = values.slice().sort();
  return [sorted[Math.floor(0.01 * (sorted.length - 1))], sorted[Math.ceil(0.99 * (sorted.length - 1))]];
}

/**
 * The range of a window that the sidebar names; null for the one that the network reads.
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
 * The range after a drag by x pixels, which widen it, and y pixels, which move its centre.
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
 * The bytes of values in a range.
 * @param {Int16Array | Float32Array} values
 * @param {Range} range
 */
export function windowed(values, [black, white]) {
  const scale = 255 / Math.max(white - black, 1e-6);
  return Uint8ClampedArray.from(values, (value) => (value - black) * scale);
}

/**
 * Width and level, as radiologists have them; "" for what the network reads.
 * @param {Range | null} range
 */
export function inWords(range) {
  return range ? "W " + Math.round(range[1] - range[0]) + " L " + Math.round((range[0] + range[1]) / 2) : "";
}

/**
 * The window of the input. The other pictures are the network's work and keep its own.
 * @param {Record<string, [number, number]>} windows centre and width, by name
 */
export function createWindow(windows) {
  /** @type {Range | null} */
  let byHand = null; // until another window or another scan is chosen
  /** @type {string | null} */
  let chosen = null; // the scan and the window that the sidebar named last

  /**
   * @param {Slice} slice
   * @param {string} name as the sidebar has it
   */
  function choose(slice, name) {
    const choice = slice.request.token + " " + name;
    if (choice !== chosen) byHand = null;
    chosen = choice;
  }

  /**
   * @param {Slice} slice
   * @param {string} name as the sidebar has it
   */
  const range = (slice, name) => byHand ?? rangeOf(name, slice.values, windows);

  /**
   * A drag that sets the window, from the present one or from all the slice's values: a function of its way.
   * @param {Slice} slice
   * @param {string} name as the sidebar has it
   */
  function grab(slice, name) {
    const start = range(slice, name) ?? extremes(slice.values);
    return (/** @type {number} */ x, /** @type {number} */ y) => void (byHand = dragged(start, x, y));
  }

  return { choose, range, grab, forget: () => void (byHand = null) };
}
