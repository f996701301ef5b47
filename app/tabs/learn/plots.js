/* The numbers behind the lesson's strips, bars and curves. */

/** @typedef {import("./types").Fate} Fate */

const NEGATIVE = [0, 114, 178];
const POSITIVE = [213, 94, 0];
const LIGHT = 245;
// A value may be this many times the top of its axis.
const ABOVE = 1.05;

/**
 * The largest absolute value, never 0.
 * @param {number[][]} lists
 */
export function extent(lists) {
  return Math.max(1e-9, ...lists.flat().map(Math.abs));
}

/**
 * One pixel a value: blue below zero, orange above, light at zero.
 * @param {number[]} values
 * @param {number} most the value that has the full colour
 * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
 */
export function stripPixels(values, most) {
  const out = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / most);
    const end = value < 0 ? NEGATIVE : POSITIVE;
    out.set([...end.map((part) => LIGHT + share * (part - LIGHT)), 255], 4 * i);
  });
  return out;
}

/**
 * One bar for each number, up or down from zero, in a picture from -1 to 1.
 * @param {number[]} values
 */
export function barsOf(values) {
  const most = extent([values]);
  return values.map((value, i) => {
    const height = Math.abs(value) / most;
    return { x: i + 0.12, width: 0.76, y: value > 0 ? -height : 0, height, class: value < 0 ? "below" : "above" };
  });
}

/**
 * The pixels of a part of a picture.
 * @param {import("./types").Colour} colour
 * @param {import("./types").Rect} part
 * @param {number} columns of the whole picture
 * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
 */
export function pixelsOf(colour, [left, top, width, height], columns) {
  const out = new Uint8ClampedArray(4 * width * height);
  for (let row = 0, o = 0; row < height; row++) {
    for (let column = 0; column < width; column++, o += 4) {
      const shade = colour((top + row) * columns + left + column);
      if (typeof shade === "number") out.fill(shade, o, o + 3);
      else out.set(shade, o);
      out[o + 3] = 255;
    }
  }
  return out;
}

/**
 * The possible outcomes for the marked token: the probability of each at a strength, and its number of draws.
 * @param {import("./types").Chances} chances of the nearest codes
 * @param {{draws: number, kept: number}} counts
 * @param {number} strength
 * @returns {Fate[]}
 */
export function fatesOf({ codes, probabilities, drawn }, { draws, kept }, strength) {
  const sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
  const shares = probabilities.map((probability) => strength * probability);
  return [
    { kind: "stays", share: 1 - strength, drawn: kept },
    ...codes.map((code, i) => ({ kind: /** @type {const} */ ("becomes"), code, share: shares[i], drawn: drawn[i] })),
    { kind: "others", share: Math.max(0, strength - sum(shares)), drawn: draws - kept - sum(drawn) },
  ];
}

/**
 * Percent with one decimal.
 * @param {number} share
 */
export function percentOf(share) {
  return Math.round(1000 * share) / 10;
}

/**
 * The position of a value between two bounds, in percent.
 * @param {number} value
 * @param {[number, number]} bounds
 */
export function placeBetween(value, [low, high]) {
  return (100 * (Math.min(high, Math.max(low, value)) - low)) / (high - low);
}

/** Width, height and margins of a plot of curves. */
// descent: room below the last line of text, whose letters reach below it.
export const PLOT = { width: 210, height: 142, left: 30, right: 8, top: 8, bottom: 34, descent: 4 };

/**
 * The positions of values on both axes of a plot; x runs from 0 to 1.
 * @param {number} most the top of the vertical axis
 */
export function axesOf(most) {
  const { width, height, left, right, top, bottom } = PLOT;
  const x = (/** @type {number} */ value) => left + value * (width - left - right);
  const y = (/** @type {number} */ value) =>
    height - bottom - (Math.min(value, most * ABOVE) / most) * (height - bottom - top);
  return { x, y };
}

/**
 * The points of a line, without those that leave the plot.
 * @param {Pick<import("./types").Line, "x" | "y">} line
 * @param {number} most the top of the vertical axis
 */
export function pointsOf({ x, y }, most) {
  const axes = axesOf(most);
  const points = x.map((value, i) => {
    const height = y[i];
    return height === null || height > most * ABOVE ? "" : `${axes.x(value)},${axes.y(height)}`;
  });
  return points.filter(Boolean).join(" ");
}
