/* Voxels, planes and millimetres. Arithmetic only. */

/** @typedef {import("./types").About} About */
/** @typedef {import("./types").PlaneView} PlaneView */
/** @typedef {import("./types").Voxel} Voxel */
/** @typedef {Pick<PlaneView, "transpose" | "flip">} Turned how an array's slice is turned for the screen */

/**
 * A plane's picture in the array: the axis that it cuts, the axes along its rows and columns, their lengths and directions.
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
 * The place along an axis of the thinned volume that is nearest to a voxel of the full scan.
 * @param {Pick<About, "steps" | "offsets">} about
 * @param {number[]} shape of the thinned volume
 * @param {Voxel} voxel
 * @param {number} axis
 */
export function thinnedPlace({ steps, offsets }, shape, voxel, axis) {
  return within(Math.round((voxel[axis] - offsets[axis]) / steps[axis]), shape[axis]);
}

/**
 * The inverse: the voxel of the full scan at a place of the thinned volume.
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
 * Whether left and right are exchanged. A sagittal picture does not show them.
 * @param {string} convention
 * @param {string} plane
 */
export const isMirrored = (convention, plane) => convention === "neurological" && plane !== "sagittal";

/**
 * From a displayed pixel to its places along `along` and `across` in the array. The function is its own inverse.
 * @param {Lay} lay
 * @param {number} row
 * @param {number} column
 */
export function turned({ rows, columns, flip }, row, column) {
  return [flip[0] ? rows - 1 - row : row, flip[1] ? columns - 1 - column : column];
}

/**
 * The place in the array of every displayed pixel, in row order.
 * @param {number[]} shape
 * @param {Lay} lay
 * @param {number} place along the axis that the plane cuts
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

/** The direction of an arrow key on the screen, as steps to the right and down; null for another key. @param {string} key */
export const directionOf = (key) => ALONG[key] ?? null;

/**
 * The step in the array for a key, in the directions of the plane's picture; null for a key without a meaning.
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
 * The voxel that lies some shown voxels away, kept within the scan.
 * @param {Pick<About, "steps" | "shape">} about
 * @param {Voxel} voxel
 * @param {number[]} step
 * @param {number} size
 */
export function beside({ steps, shape }, voxel, step, size) {
  return voxel.map((v, i) => within(v + size * steps[i] * step[i], shape[i]));
}

/**
 * Outlines: keeps the labels of voxels that differ from a neighbour in the slices along `axis`; the others become 0.
 * app/scan/render.py gives the same.
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
