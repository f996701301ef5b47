/* From the tokens of a slice to the pixels of its displayed picture, and back. Arithmetic only. */

/** @typedef {import("./types").Box} Box */
/** @typedef {import("./types").Cell} Cell */
/** @typedef {import("./types").Place} Place */
/** @typedef {import("./types").PlaneView} PlaneView */
/** @typedef {Pick<import("./types").Scan, "grid_of_tokens" | "cell" | "levels"> & {planes: Record<string, Grid>}} Tokens */
/** @typedef {Pick<PlaneView, "shape" | "acquired" | "transpose" | "flip">} Grid */

/**
 * The token under a displayed pixel, as a place in the deepest grid of codes. null if the plane cuts through the slices.
 * @param {Tokens} scan
 * @param {string} plane
 * @param {number} row
 * @param {number} column
 * @returns {Cell | null}
 */
export function cellAt(scan, plane, row, column) {
  const view = scan.planes[plane];
  if (!view.acquired) return null;
  const [rows, columns] = view.shape;
  const [h, w] = scan.grid_of_tokens;
  const r = view.flip[0] ? rows - 1 - row : row;
  const c = view.flip[1] ? columns - 1 - column : column;
  const [a, b] = view.transpose ? [c, r] : [r, c];
  const cellRow = Math.min(h - 1, Math.floor((a + 0.5) / scan.cell[0]));
  const cellColumn = Math.min(w - 1, Math.floor((b + 0.5) / scan.cell[1]));
  return { row: cellRow, column: cellColumn, at: ((scan.levels - 1) * h + cellRow) * w + cellColumn };
}

/**
 * The box of a token in the displayed picture.
 * @param {Tokens} scan
 * @param {string} plane
 * @param {number} row
 * @param {number} column
 * @returns {Box}
 */
export function boxOf(scan, plane, row, column) {
  const view = scan.planes[plane];
  const [rows, columns] = view.shape;
  const [along, across] = view.transpose ? [column, row] : [row, column];
  const [height, width] = view.transpose ? [scan.cell[1], scan.cell[0]] : scan.cell;
  const top = view.flip[0] ? rows - (along + 1) * height : along * height;
  const left = view.flip[1] ? columns - (across + 1) * width : across * width;
  return [left, top, width, height];
}

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * The token that an arrow key leads to, as displayed. Without a token it is the middle one; null beyond the edge.
 * @param {Tokens} scan
 * @param {string} plane
 * @param {Place | null} cell
 * @param {string} key
 * @param {boolean} mirrored
 */
export function cellBeside(scan, plane, cell, key, mirrored) {
  const [rows, columns] = scan.planes[plane].shape;
  const [right, down] = ARROWS[key];
  const [left, top, width, height] = cell ? boxOf(scan, plane, cell.row, cell.column) : [columns / 2, rows / 2, 0, 0];
  const [, , w, h] = boxOf(scan, plane, 0, 0);
  const x = Math.floor(left + width / 2 + (mirrored ? -right : right) * w);
  const y = Math.floor(top + height / 2 + down * h);
  return x >= 0 && x < columns && y >= 0 && y < rows ? cellAt(scan, plane, y, x) : null;
}

/** @type {WeakMap<object, Map<string, Int32Array>>} */
const tables = new WeakMap();

/**
 * The token of every displayed pixel, in row order: `cellAt(...).at`, or -1 where there is none. Painting reads this
 * table because calling cellAt for every pixel takes a hundred times as long. Views share the table: do not write to it.
 * @param {Tokens} scan
 * @param {string} plane
 * @returns {Int32Array}
 */
export function ownersOf(scan, plane) {
  const known = tables.get(scan) ?? new Map();
  tables.set(scan, known);
  if (!known.has(plane)) known.set(plane, ownerTable(scan, plane));
  return known.get(plane);
}

/**
 * @param {Tokens} scan
 * @param {string} plane
 */
function ownerTable(scan, plane) {
  const [rows, columns] = scan.planes[plane].shape;
  const owners = new Int32Array(rows * columns).fill(-1);
  if (!scan.planes[plane].acquired) return owners;
  // A token's row or column depends on one of the pixel's two coordinates only.
  const first = cellAt(scan, plane, 0, 0)?.at ?? 0;
  const across = Int32Array.from({ length: columns }, (_, column) => (cellAt(scan, plane, 0, column)?.at ?? 0) - first);
  for (let row = 0; row < rows; row++) {
    const start = cellAt(scan, plane, row, 0)?.at ?? 0;
    for (let column = 0; column < columns; column++) owners[row * columns + column] = start + across[column];
  }
  return owners;
}
