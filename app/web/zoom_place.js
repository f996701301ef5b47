/* Arithmetic of zooming and moving on {zoom, x, y}. x and y are shares of a stage, counted from its middle. */

/** @typedef {{zoom: number, x: number, y: number}} Placed */

const MOST = 12;

/**
 * The nearest place at which the picture still fills the stage.
 * @param {Placed} at
 * @returns {Placed}
 */
export function reached({ zoom, x, y }) {
  const most = (zoom - 1) / 2;
  const within = (/** @type {number} */ value) => Math.max(-most, Math.min(most, value));
  return { zoom, x: within(x), y: within(y) };
}

/**
 * Zoomed by a factor about the point x, y of the stage.
 * @param {Placed} at
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Placed}
 */
export function zoomedAbout(at, factor, x, y) {
  const zoom = Math.min(MOST, Math.max(1, at.zoom * factor));
  return { zoom, x: x - ((x - at.x) * zoom) / at.zoom, y: y - ((y - at.y) * zoom) / at.zoom };
}

/**
 * Moved as little as needed to bring a box into sight. A box larger than the stage is centred.
 * @param {Placed} at
 * @param {[number, number]} middle of the box without zoom
 * @param {[number, number]} size of the box without zoom
 * @returns {Placed}
 */
export function revealed(at, [x, y], [width, height]) {
  /** @type {(shift: number, middle: number, size: number) => number} */
  const seen = (shift, middle, size) => {
    const room = Math.max(0, 1 - size * at.zoom) / 2;
    return Math.max(-room - middle * at.zoom, Math.min(room - middle * at.zoom, shift));
  };
  return { zoom: at.zoom, x: seen(at.x, x, width), y: seen(at.y, y, height) };
}
