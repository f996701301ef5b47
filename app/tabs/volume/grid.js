/* Voxels, planes and millimetres. Arithmetic only. */

/** @typedef {import("./types").About} About */
/** @typedef {import("./types").PlaneView} PlaneView */
/** @typedef {import("./types").Voxel} Voxel */
/** @typedef {Pick<PlaneView, "transpose" | "flip">} Turned how an array's slice is turned for the screen */

/**
 * A plane's picture in the array: the axis that it cuts, those along its rows and columns, how many there are, and their directions.
 * @typedef {{axis: number, along: number, across: number, rows: number, columns: number, flip: [boolean, boolean]}} Lay
 */

/** @param {number} value @param {number} count */
export const within = (value, count) => Math.max(0, Math.min(count - 1, value));

/**
 * @param {number[][]} matrix (4, 4)
 * @param {number[]} point
 */
export function transformed(matrix, point) {
  return [0, 1, 2].map((row) => point.reduce((sum, x, i) => sum + matrix[row][i] * x, matrix[row][3]));
}

/**
 * The place along an axis of the thinned volume that is nearest to a voxel of the scan.
 * @param {Pick<About, "steps" | "offsets">} about
 * @param {number[]} shape of the thinned volume
 * @param {Voxel} voxel
 * @param {number} axis
 */
export function thinnedPlace({ steps, offsets }, shape, voxel, axis) {
  return within(Math.round((voxel[axis] - offsets[axis]) / steps[axis]), shape[axis]);
}

/**
 * The other way round.
 * @param {Pick<About, "steps" | "offsets" | "shape">} about
 * @param {number} place
 * @param {number} axis
 */
export function wholePlace({ steps, offsets, shape }, place, axis) {
  return within(place * steps[axis] + offsets[axis], shape[axis]);
}

/**
 * @param {number[]} shape of the array
 * @param {number} axis
 * @param {Turned} view
 * @returns {Lay}
 */
export function layOf(shape, axis, { transpose, flip }) {
  const [a, b] = [0, 1, 2].filter((one) => one !== axis);
  const [along, across] = transpose ? [b, a] : [a, b];
  return { axis, along, across, rows: shape[along], columns: shape[across], flip };
}

/**
 * Sagittal pictures show no left and right.
 * @param {string} convention
 * @param {string} plane
 */
export const isMirrored = (convention, plane) => convention === "neurological" && plane !== "sagittal";

/**
 * What a displayed pixel is in the array: places along `along` and `across`. Its own inverse.
 * @param {Lay} lay
 * @param {number} row
 * @param {number} column
 */
export function turned({ rows, columns, flip }, row, column) {
  return [flip[0] ? rows - 1 - row : row, flip[1] ? columns - 1 - column : column];
}

/**
 * For every displayed pixel, in row order, where it stands in the array.
 * @param {number[]} shape
 * @param {Lay} lay
 * @param {number} place along the axis that is cut
 */
export function cutOf(shape, lay, place) {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const out = new Int32Array(lay.rows * lay.columns);
  for (let row = 0, i = 0; row < lay.rows; row++) {
    for (let column = 0; column < lay.columns; column++, i++) {
      const [a, b] = turned(lay, row, column);
      out[i] = place * strides[lay.axis] + a * strides[lay.along] + b * strides[lay.across];
    }
  }
  return out;
}

/** @type {Record<string, [number, number]>} */
const ALONG = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @type {Record<string, number>} */
const THROUGH = { PageUp: 1, PageDown: -1 };

/** What an arrow means on the screen: right and down; null for another key. @param {string} key */
export const directionOf = (key) => ALONG[key] ?? null;

/**
 * The direction in the array of a key, as the plane's picture has its directions; null for a key that means nothing.
 * @param {string} key
 * @param {number} axis that the plane cuts
 * @param {Turned} view
 * @param {boolean} mirrored
 */
export function stepOf(key, axis, view, mirrored) {
  const step = [0, 0, 0];
  const { along, across } = layOf(step, axis, view);
  if (THROUGH[key]) step[axis] = THROUGH[key];
  else if (ALONG[key]) {
    const [right, down] = ALONG[key];
    step[across] = view.flip[1] !== mirrored ? 0 - right : right;
    step[along] = view.flip[0] ? 0 - down : down;
  } else return null;
  return step;
}

/**
 * The voxel a number of shown voxels away, within the scan.
 * @param {Pick<About, "steps" | "shape">} about
 * @param {Voxel} voxel
 * @param {number[]} step
 * @param {number} size
 */
export function beside({ steps, shape }, voxel, step, size) {
  return voxel.map((v, i) => within(v + size * steps[i] * step[i], shape[i]));
}

/**
 * Voxels whose label differs from one beside it in the slices along `axis`, as app/scan/render.py has it; the others become 0.
 * @param {ArrayLike<number>} labels
 * @param {number[]} shape
 * @param {number} axis
 */
export function outlineOf(labels, shape, axis) {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const [a, b] = [0, 1, 2].filter((one) => one !== axis);
  const out = new Uint8Array(labels.length);
  const differs = (/** @type {number} */ at, /** @type {number} */ along) => {
    const place = Math.floor(at / strides[along]) % shape[along];
    const before = place === 0 ? 0 : labels[at - strides[along]];
    const after = place === shape[along] - 1 ? 0 : labels[at + strides[along]];
    return before !== labels[at] || after !== labels[at];
  };
  for (let at = 0; at < labels.length; at++) {
    if (labels[at] && (differs(at, a) || differs(at, b))) out[at] = labels[at];
  }
  return out;
}
