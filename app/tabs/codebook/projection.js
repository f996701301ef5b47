/* Places in space as they lie on the screen, and which of them are drawn around. Arithmetic only. */

/** @typedef {[x: number, y: number]} Point */

/**
 * A 4 x 4 matrix that turns places into clip space, column by column as WebGL has them.
 * @param {ArrayLike<number>[]} matrices applied from the last to the first
 */
export const product = (...matrices) => matrices.map((one) => Array.from(one)).reduce(times);

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function times(a, b) {
  return Array.from({ length: 16 }, (_, at) => {
    const [column, row] = [at >> 2, at & 3];
    return [0, 1, 2, 3].reduce((sum, k) => sum + a[4 * k + row] * b[4 * column + k], 0);
  });
}

/**
 * Where places lie on the screen.
 * @param {ArrayLike<number>} points (n, 3)
 * @param {ArrayLike<number>} matrix of `product`
 * @param {ArrayLike<number>} scale by which each axis is multiplied before
 * @param {{width: number, height: number}} screen
 * @returns {Float32Array} (n, 2) in pixels from the upper left corner; NaN behind the eye
 */
export function onScreen(points, matrix, scale, { width, height }) {
  const places = new Float32Array((points.length / 3) * 2);
  for (let i = 0, at = 0; i < points.length; i += 3, at += 2) {
    const [x, y, z] = [points[i] * scale[0], points[i + 1] * scale[1], points[i + 2] * scale[2]];
    /** @param {number} row */
    const clip = (row) => matrix[row] * x + matrix[4 + row] * y + matrix[8 + row] * z + matrix[12 + row];
    const w = clip(3);
    places[at] = w > 0 ? ((clip(0) / w + 1) / 2) * width : NaN;
    places[at + 1] = w > 0 ? ((1 - clip(1) / w) / 2) * height : NaN;
  }
  return places;
}

/**
 * The numbers of the places inside a closed line, by the even-odd rule.
 * @param {Float32Array} places (n, 2)
 * @param {Point[]} line
 * @returns {number[]} rising
 */
export function inside(places, line) {
  // Plain numbers: thousands of places meet hundreds of corners.
  const [xs, ys] = [0, 1].map((axis) => Float32Array.from(line, (corner) => corner[axis]));
  const found = [];
  for (let i = 0; i < places.length; i += 2) if (isInside(places[i], places[i + 1], xs, ys)) found.push(i / 2);
  return found;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {Float32Array} xs of the line's corners
 * @param {Float32Array} ys
 */
function isInside(x, y, xs, ys) {
  let odd = false;
  for (let i = 0, before = xs.length - 1; i < xs.length; before = i++) {
    if (ys[before] > y === ys[i] > y) continue;
    if (x < ((xs[i] - xs[before]) * (y - ys[before])) / (ys[i] - ys[before]) + xs[before]) odd = !odd;
  }
  return odd;
}

/**
 * The box between two corners as a closed line.
 * @param {Point} from
 * @param {Point} to
 * @returns {Point[]}
 */
export const boxBetween = ([left, top], [right, bottom]) => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];
