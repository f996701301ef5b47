/* The tokens of a slice on the screen: their places and colours. No DOM. */

/**
 * @typedef {import("../../web/types").Box} Box
 * @typedef {import("../../web/types").PlaneView} PlaneView
 * @typedef {{rows: number, columns: number, places: Int32Array}} Order
 */

const MOST_PIXELS = 4e6; // of a grid at any zoom
const UNSEEN = 8; // pixels of a cell's shorter side while the grid is hidden
const GOLDEN_ANGLE = 137.508; // degrees: neighbouring codes get hues far apart

/**
 * The places of a slice's tokens in the grid of h x w, in the order of display, row by row.
 * @param {Pick<PlaneView, "transpose" | "flip">} view
 * @param {readonly number[]} grid [h, w]
 * @returns {Order}
 */
export function displayOrder(view, [h, w]) {
  const [rows, columns] = view.transpose ? [w, h] : [h, w];
  const places = new Int32Array(h * w);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const r = view.flip[0] ? rows - 1 - row : row;
      const c = view.flip[1] ? columns - 1 - column : column;
      places[row * columns + column] = view.transpose ? c * w + r : r * w + c;
    }
  }
  return { rows, columns, places };
}

/**
 * One pixel a token, in its code's colour.
 * @param {Uint8ClampedArray} out RGBA of the grid as it is displayed
 * @param {Int32Array} codes of the grid of h x w
 * @param {Order} order
 * @param {Uint8Array} palette (K, 3)
 */
export function tokenPixels(out, codes, { places }, palette) {
  for (let i = 0; i < places.length; i++) {
    const from = 3 * codes[places[i]];
    for (let c = 0; c < 3; c++) out[4 * i + c] = palette[from + c];
    out[4 * i + 3] = 255;
  }
}

/**
 * The codebook's map: every code as a dot of its colour at its place, the second axis upwards. The rest stays transparent.
 * @param {Uint8ClampedArray} out RGBA, side x side
 * @param {number} side in pixels
 * @param {Uint8Array} palette (K, 3)
 * @param {Uint8Array} places (K, 2), 0 to 255
 */
export function mapPixels(out, side, palette, places) {
  const pixel = (/** @type {number} */ place) => Math.round((place / 255) * (side - 1));
  for (let code = 0; code < palette.length / 3; code++) {
    const at = 4 * ((side - 1 - pixel(places[2 * code + 1])) * side + pixel(places[2 * code]));
    out.set([...palette.subarray(3 * code, 3 * code + 3), 255], at);
  }
}

/**
 * Colours (K, 3) for codes without a place on a map. Any two look different; the colours have no meaning.
 * @param {number} size K
 */
export function plainPalette(size) {
  const palette = new Uint8Array(3 * size);
  for (let code = 0; code < size; code++) palette.set(colourOfHue((code * GOLDEN_ANGLE) % 360), 3 * code);
  return palette;
}

/** hsl(hue 60% 50%) as CSS reads it. @param {number} hue in degrees */
function colourOfHue(hue) {
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.5 - 0.3 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

/**
 * The size of a grid in pixels of the screen. In any other size, outlines of one pixel would be lost or doubled.
 * @param {readonly number[]} shape rows and columns of the displayed slice
 * @param {number} width of the grid on the screen in pixels, zoom included; 0 while it is hidden
 * @param {readonly number[]} cell pixels of the slice that a token covers
 */
export function gridSize([rows, columns], width, cell) {
  const wanted = width ? width / columns : Math.max(1, Math.round(UNSEEN / Math.min(...cell)));
  const scale = Math.min(wanted, Math.sqrt(MOST_PIXELS / (rows * columns)));
  return { width: Math.round(columns * scale), height: Math.round(rows * scale) };
}

/** The opacity of the outlines: full lines would hide cells that are hardly larger than the line. @param {number} side in pixels */
export function lineWeight(side) {
  return Math.max(0, Math.min(1, (side - 1) / 6));
}

/**
 * The positions, in the order, of the tokens that were replaced.
 * @param {Int32Array} before codes of the grid of h x w
 * @param {Int32Array} after
 * @param {Order} order
 */
export function replacedAt(before, after, { places }) {
  /** @type {number[]} */
  const replaced = [];
  places.forEach((place, position) => {
    if (before[place] !== after[place]) replaced.push(position);
  });
  return replaced;
}

/**
 * The positions, in the order, of the tokens that are marked.
 * @param {ArrayLike<number>} marks 0 or 1 for each token of the grid
 * @param {Order} order
 */
export function markedIn(marks, { places }) {
  return [...places.keys()].filter((position) => marks[places[position]]);
}

/**
 * The box of a token on a canvas. Its edges lie on whole pixels, so that boxes have no gaps and no overlaps.
 * @param {Order} order
 * @param {number} position of the token in the order
 * @param {{width: number, height: number}} canvas
 * @returns {Box}
 */
export function boxAt({ rows, columns }, position, { width, height }) {
  const row = Math.floor(position / columns);
  const column = position % columns;
  const [left, right] = [column, column + 1].map((edge) => Math.round((edge * width) / columns));
  const [top, bottom] = [row, row + 1].map((edge) => Math.round((edge * height) / rows));
  return [left, top, right - left, bottom - top];
}
