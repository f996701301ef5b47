/* The density of the flat map, and where the codes of each class cluster. Arithmetic only. */

/** @typedef {import("./types").Book} Book */
/**
 * x0, x1, y0, y1: the part of the map that the grid covers. heights: (side, side) in rows of rising y.
 * @typedef {{side: number, heights: Float32Array, x0: number, x1: number, y0: number, y1: number}} Density
 */
/** @typedef {{x: number, y: number, codes: number[]}} Cluster */
/** @typedef {{x: number, y: number, label: number, size: number}} Named label: of the class; size: codes */

const SIDE = 72;
/** Three box filters in a row are nearly a Gaussian. */
const PASSES = 3;
const REACH = 2;
/** Room of a name, as a share of the map. */
const WIDE = 0.2;
const HIGH = 0.07;
/** A hill belongs to a higher neighbour unless it rises by this share of its own height above the saddle between them. */
const PROMINENCE = 0.35;

/**
 * @param {Float32Array} points (codes, 2)
 * @returns {Density}
 */
export function densityOf(points) {
  const [x0, x1] = spanOf(points, 0);
  const [y0, y1] = spanOf(points, 1);
  let heights = new Float32Array(SIDE * SIDE);
  const density = { side: SIDE, heights, x0, x1, y0, y1 };
  for (let i = 0; i < points.length; i += 2) heights[cellOf(density, points[i], points[i + 1])]++;
  for (let pass = 0; pass < PASSES; pass++) heights = blurred(blurred(heights, 1, SIDE), SIDE, 1);
  return { ...density, heights };
}

/**
 * The ends of an axis with a rim, so that hills at the edge are whole.
 * @param {Float32Array} points
 * @param {number} axis
 * @returns {[number, number]}
 */
function spanOf(points, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = axis; i < points.length; i += 2) {
    low = Math.min(low, points[i]);
    high = Math.max(high, points[i]);
  }
  const rim = 0.12 * (high - low) || 1;
  return [low - rim, high + rim];
}

/**
 * @param {Omit<Density, "heights">} density
 * @param {number} x
 * @param {number} y
 */
function cellOf({ side, x0, x1, y0, y1 }, x, y) {
  const at = (/** @type {number} */ share) => Math.min(side - 1, Math.floor(share * side));
  return at((y - y0) / (y1 - y0)) * side + at((x - x0) / (x1 - x0));
}

/**
 * A mean over 2 REACH + 1 cells along one direction; nothing lies beyond the edge.
 * @param {Float32Array} heights
 * @param {number} along step between neighbours of the direction
 * @param {number} across step between its lines
 */
function blurred(heights, along, across) {
  const out = new Float32Array(heights.length);
  for (let line = 0; line < SIDE; line++) {
    let sum = 0;
    for (let i = -REACH; i < SIDE; i++) {
      if (i + REACH < SIDE) sum += heights[line * across + (i + REACH) * along];
      if (i - REACH - 1 >= 0) sum -= heights[line * across + (i - REACH - 1) * along];
      if (i >= 0) out[line * across + i * along] = sum / (2 * REACH + 1);
    }
  }
  return out;
}

/**
 * The hills of the density: every code belongs to the one that its place climbs to. Low hills on a slope belong to it.
 * @param {Density} density
 * @param {Float32Array} points (codes, 2)
 * @returns {Cluster[]} the largest first; x and y: the median of its codes
 */
export function clustersOf(density, points) {
  const hillOf = hills(density);
  /** @type {Map<number, number[]>} */
  const members = new Map();
  for (let code = 0; code < points.length / 2; code++) {
    const hill = hillOf[cellOf(density, points[2 * code], points[2 * code + 1])];
    members.get(hill)?.push(code) ?? members.set(hill, [code]);
  }
  return [...members.values()]
    .sort((a, b) => b.length - a.length || a[0] - b[0])
    .map((codes) => ({ x: middle(codes, points, 0), y: middle(codes, points, 1), codes }));
}

/**
 * The top of every cell. Cells are visited from the highest down: each joins a hill beside it, and where two meet the lower one
 * joins the higher unless it stands out.
 * @param {Density} density
 * @returns {Int32Array}
 */
function hills({ heights, side }) {
  const top = new Int32Array(heights.length).fill(-1);
  const order = Uint32Array.from(heights.keys()).sort((a, b) => heights[b] - heights[a] || a - b);
  /** @type {Map<number, number>} */
  const joined = new Map(); // a hill's top, to that of the hill it has joined
  /** @param {number} cell */
  const rootOf = (cell) => {
    let root = cell;
    while (joined.has(root)) root = /** @type {number} */ (joined.get(root));
    return root;
  };
  for (const cell of order) {
    for (const other of besides(cell, side)) {
      if (other < 0 || top[other] < 0) continue;
      const here = top[cell] < 0 ? -1 : rootOf(top[cell]);
      const there = rootOf(top[other]);
      if (here < 0) top[cell] = there;
      else if (here !== there) meet(heights, cell, here, there, joined);
    }
    if (top[cell] < 0) top[cell] = cell;
  }
  return top.map(rootOf);
}

/**
 * Two hills meet at a saddle.
 * @param {Float32Array} heights
 * @param {number} saddle
 * @param {number} one
 * @param {number} other
 * @param {Map<number, number>} joined
 */
function meet(heights, saddle, one, other, joined) {
  const [higher, lower] = heights[one] >= heights[other] ? [one, other] : [other, one];
  if (heights[lower] - heights[saddle] < PROMINENCE * heights[lower]) joined.set(lower, higher);
}

/**
 * The four cells beside one; -1 beyond the edge.
 * @param {number} cell
 * @param {number} side
 */
const besides = (cell, side) => [
  cell - side,
  cell + side < side * side ? cell + side : -1,
  cell % side ? cell - 1 : -1,
  (cell + 1) % side ? cell + 1 : -1,
];

/**
 * @param {number[]} codes
 * @param {Float32Array} points
 * @param {number} axis
 */
function middle(codes, points, axis) {
  const values = new Float32Array(codes.length);
  codes.forEach((code, i) => (values[i] = points[2 * code + axis]));
  values.sort();
  return values[values.length >> 1];
}

/**
 * The clusters of every class: the hills of the density that the codes of the class have on their own. Where classes overlap, a
 * hill of all codes together would have no name that holds.
 * @param {Float32Array} points (codes, 2)
 * @param {Pick<Book, "majority" | "classes">} book
 * @param {{each: number, share: number}} limits each: how many clusters of a class; share: of the class that a cluster has at least
 * @returns {Named[]}
 */
export function clustersByClass(points, { majority, classes }, { each, share }) {
  return classes.flatMap((_, label) => {
    const places = placesOf(label, majority, points);
    if (!places.length) return [];
    return clustersOf(densityOf(places), places)
      .filter((cluster) => 2 * cluster.codes.length >= share * places.length)
      .slice(0, each)
      .map(({ x, y, codes: members }) => ({ x, y, label, size: members.length }));
  });
}

/**
 * Names that do not cover each other. Those of structures go before the background's.
 * @param {Named[]} names
 * @param {Pick<Density, "x0" | "x1" | "y0" | "y1">} map
 * @returns {Named[]}
 */
export function apart(names, { x0, x1, y0, y1 }) {
  /** @type {Named[]} */
  const kept = [];
  for (const one of names.toSorted((a, b) => Number(a.label === 0) - Number(b.label === 0) || b.size - a.size)) {
    const isFree = kept.every(
      ({ x, y }) => Math.abs(one.x - x) > WIDE * (x1 - x0) || Math.abs(one.y - y) > HIGH * (y1 - y0),
    );
    if (isFree) kept.push(one);
  }
  return kept;
}

/**
 * Places of the codes of a class.
 * @param {number} label
 * @param {Int16Array} majority
 * @param {Float32Array} points
 */
function placesOf(label, majority, points) {
  const places = new Float32Array(points.length);
  let count = 0;
  majority.forEach((class_, code) => {
    if (class_ !== label) return;
    places.set(points.subarray(2 * code, 2 * code + 2), count);
    count += 2;
  });
  return places.subarray(0, count);
}
