/* Painting on the labels of one slice, and what a step back needs of it. Arithmetic only.
   Labels are bytes in row order, as displayed. */

/** @typedef {{row: number, column: number}} Point */
/** @typedef {{radius: number, across: number, down: number}} Brush in units of the finer side of a pixel */

/**
 * A round brush, also where pixels are not square.
 * @param {number} size diameter, in pixels along their finer side
 * @param {number} aspect width / height of a pixel
 * @returns {Brush}
 */
export const brushOf = (size, aspect) => ({
  radius: size / 2,
  across: Math.max(1, aspect),
  down: Math.max(1, 1 / aspect),
});

/**
 * The squared distance of a pixel from the segment between two others.
 * @param {number} y
 * @param {number} x
 * @param {{y: number, x: number}} from
 * @param {{y: number, x: number}} to
 */
function distanceSquared(y, x, from, to) {
  const [dy, dx] = [to.y - from.y, to.x - from.x];
  const length = dy * dy + dx * dx;
  const along = length ? Math.max(0, Math.min(1, ((y - from.y) * dy + (x - from.x) * dx) / length)) : 0;
  return (y - from.y - along * dy) ** 2 + (x - from.x - along * dx) ** 2;
}

/**
 * Calls back with every pixel that a brush covers on its way: those at most its radius away, so a fast one leaves no gap.
 * @param {[number, number]} shape rows, columns
 * @param {Point} from
 * @param {Point} to
 * @param {Brush} brush
 * @param {(at: number) => void} cover
 */
function sweep([rows, columns], from, to, { radius, across, down }, cover) {
  const [start, end] = [from, to].map(({ row, column }) => ({ y: row * down, x: column * across }));
  const [high, wide] = [radius / down, radius / across];
  const top = Math.max(0, Math.ceil(Math.min(from.row, to.row) - high));
  const bottom = Math.min(rows - 1, Math.floor(Math.max(from.row, to.row) + high));
  const left = Math.max(0, Math.ceil(Math.min(from.column, to.column) - wide));
  const right = Math.min(columns - 1, Math.floor(Math.max(from.column, to.column) + wide));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      if (distanceSquared(row * down, column * across, start, end) <= radius * radius) cover(row * columns + column);
    }
  }
}

/**
 * Gives every pixel between two places the label.
 * @param {Uint8Array} labels changed in place
 * @param {[number, number]} shape rows, columns
 * @param {Point} from
 * @param {Point} to
 * @param {Brush} brush
 * @param {number} label
 */
export function stroke(labels, shape, from, to, brush, label) {
  sweep(shape, from, to, brush, (at) => void (labels[at] = label));
}

/**
 * Gives the label to the region of a pixel: all with the same label that are joined to it by their edges.
 * @param {Uint8Array} labels changed in place
 * @param {[number, number]} shape rows, columns
 * @param {Point} point
 * @param {number} label
 */
export function fill(labels, [rows, columns], { row, column }, label) {
  const former = labels[row * columns + column];
  if (former === label) return;
  const waiting = [row * columns + column];
  labels[waiting[0]] = label;
  /** @param {number} at */
  const take = (at) => {
    if (labels[at] !== former) return;
    labels[at] = label;
    waiting.push(at);
  };
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at % columns > 0) take(at - 1);
    if (at % columns < columns - 1) take(at + 1);
    if (at >= columns) take(at - columns);
    if (at < (rows - 1) * columns) take(at + columns);
  }
}

/**
 * What differs between two states of a slice, as runs of four numbers: where, how many pixels, their label before and after.
 * A step takes some hundred bytes in place of two whole slices.
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 * @returns {Int32Array}
 */
export function runsBetween(before, after) {
  const runs = [];
  for (let at = 0; at < before.length;) {
    const start = at;
    const [was, is] = [before[at], after[at]];
    while (at < before.length && before[at] === was && after[at] === is) at++;
    if (was !== is) runs.push(start, at - start, was, is);
  }
  return Int32Array.from(runs);
}

/**
 * Makes a step again, or takes it back.
 * @param {Uint8Array} labels changed in place
 * @param {Int32Array} runs as `runsBetween` gives them
 * @param {boolean} back
 */
export function applyRuns(labels, runs, back) {
  for (let i = 0; i < runs.length; i += 4) labels.fill(runs[i + (back ? 2 : 3)], runs[i], runs[i] + runs[i + 1]);
}

/**
 * The outline of what a brush covers at pixel 0, 0, as the path of an SVG in pixels.
 * @param {Brush} brush
 */
export function outlineOf(brush) {
  const side = 2 * Math.ceil(brush.radius) + 1;
  const middle = (side - 1) / 2;
  const covered = new Set();
  const centre = { row: middle, column: middle };
  sweep([side, side], centre, centre, brush, (at) => covered.add(at));
  /** @type {(row: number, column: number) => boolean} */
  const isIn = (row, column) => column >= 0 && column < side && covered.has(row * side + column);
  const edges = [];
  for (const at of covered) {
    const [row, column] = [Math.floor(at / side), at % side];
    const [y, x] = [row - middle, column - middle];
    if (!isIn(row - 1, column)) edges.push(`M${x} ${y}h1`);
    if (!isIn(row + 1, column)) edges.push(`M${x} ${y + 1}h1`);
    if (!isIn(row, column - 1)) edges.push(`M${x} ${y}v1`);
    if (!isIn(row, column + 1)) edges.push(`M${x + 1} ${y}v1`);
  }
  return edges.join("");
}
