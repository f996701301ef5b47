import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boxAt,
  displayOrder,
  gridSize,
  lineWeight,
  mapPixels,
  markedIn,
  plainPalette,
  replacedAt,
  tokenPixels,
} from "../../app/tabs/perturb/token_pixels.js";
import { boxOf, ownersOf } from "../../app/web/cells.js";

/** @typedef {{transpose: boolean, flip: [boolean, boolean]}} Orientation */

/** @type {Orientation[]} */
const ORIENTATIONS = Array.from({ length: 8 }, (_, i) => ({ transpose: i > 3, flip: [i % 4 > 1, i % 2 > 0] }));

/**
 * A scan of 2 x 3 tokens in one plane.
 * @param {Orientation} orientation
 * @param {[number, number]} cell pixels of a token
 * @returns {import("../../app/web/cells.js").Tokens}
 */
function scanOf(orientation, cell) {
  const [height, width] = [2 * cell[0], 3 * cell[1]];
  const view = { ...orientation, acquired: true };
  const axial = {
    ...view,
    shape: /** @type {[number, number]} */ (view.transpose ? [width, height] : [height, width]),
  };
  return { grid_of_tokens: [2, 3], cell, levels: 1, planes: { axial } };
}

test("tokens are displayed where their pixels are, in every orientation", () => {
  for (const orientation of ORIENTATIONS) {
    const scan = scanOf(orientation, [4, 5]);
    const [rows, columns] = scan.planes.axial.shape;
    const order = displayOrder(orientation, scan.grid_of_tokens);
    const owners = ownersOf(scan, "axial");
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const cell =
          Math.floor((row * order.rows) / rows) * order.columns + Math.floor((column * order.columns) / columns);
        assert.equal(order.places[cell], owners[row * columns + column]);
      }
    }
  }
});

test("boxes on the canvas are those of the picture, enlarged", () => {
  for (const orientation of ORIENTATIONS) {
    const scan = scanOf(orientation, [4.5, 5.25]);
    const [rows, columns] = scan.planes.axial.shape;
    const order = displayOrder(orientation, scan.grid_of_tokens);
    const size = { width: 8 * columns, height: 8 * rows };
    order.places.forEach((place, position) => {
      const expected = boxOf(scan, "axial", Math.floor(place / 3), place % 3).map((length) => 8 * length);
      assert.deepEqual(boxAt(order, position, size), expected);
    });
  }
});

test("boxes leave neither gaps nor overlaps on a canvas of any size", () => {
  const order = displayOrder({ transpose: false, flip: [false, false] }, [7, 9]);
  const size = { width: 101, height: 60 };
  const covered = new Uint8Array(size.width * size.height);
  order.places.forEach((_, position) => {
    const [left, top, width, height] = boxAt(order, position, size);
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) covered[y * size.width + x]++;
  });
  assert.ok(covered.every((times) => times === 1));
});

test("a token is one pixel in its code's colour", () => {
  const order = displayOrder({ transpose: false, flip: [true, false] }, [2, 1]);
  const palette = Uint8Array.from([1, 2, 3, 10, 20, 30]);
  const out = new Uint8ClampedArray(8);
  tokenPixels(out, Int32Array.from([0, 1]), order, palette);
  assert.deepEqual([...out], [10, 20, 30, 255, 1, 2, 3, 255]);
});

test("the replaced tokens are those whose code changed, by where they are displayed", () => {
  const order = displayOrder({ transpose: false, flip: [false, true] }, [1, 4]);
  assert.deepEqual(replacedAt(Int32Array.from([5, 6, 7, 8]), Int32Array.from([5, 6, 9, 8]), order), [1]);
});

test("codes without a map have colours of their own, those of CSS", () => {
  const palette = plainPalette(64);
  // hsl(0 60% 50%) and hsl(137.508 60% 50%)
  assert.deepEqual([...palette.slice(0, 6)], [204, 51, 51, 51, 204, 96]);
  const colours = new Set(Array.from({ length: 64 }, (_, code) => palette.slice(3 * code, 3 * code + 3).join()));
  assert.equal(colours.size, 64);
});

test("a grid has the pixels of its place on the screen, but for a limit", () => {
  assert.deepEqual(gridSize([40, 48], 300, [8, 8]), { width: 300, height: 250 });
  const { width, height } = gridSize([512, 512], 12 * 512, [4, 4]);
  assert.ok(width * height <= 4.01e6 && width === height);
  // Not on the screen: a cell's shorter side is 8 pixels, and none of the slice's is less than one.
  assert.deepEqual(gridSize([40, 48], 0, [4, 8]), { width: 96, height: 80 });
  assert.deepEqual(gridSize([40, 48], 0, [20, 20]), { width: 48, height: 40 });
});

test("outlines fade where cells are hardly larger, and are never less than nothing", () => {
  assert.equal(lineWeight(20), 1);
  assert.equal(lineWeight(4), 0.5);
  assert.equal(lineWeight(0.5), 0);
});

test("marked tokens are found where they are displayed", () => {
  const order = displayOrder({ transpose: true, flip: [false, true] }, [2, 3]);
  const marks = Uint8Array.of(0, 1, 0, 0, 0, 1); // the tokens at 0, 1 and at 1, 2
  const positions = markedIn(marks, order);
  assert.deepEqual(
    positions.map((position) => order.places[position]).toSorted((a, b) => a - b),
    [1, 5],
  );
});

test("the key of the colours has every code where it lies on the map, the second axis upwards", () => {
  const out = new Uint8ClampedArray(4 * 9);
  mapPixels(out, 3, Uint8Array.from([1, 2, 3, 4, 5, 6]), Uint8Array.from([0, 0, 255, 128]));
  const pixel = (/** @type {number} */ row, /** @type {number} */ column) => {
    const at = 4 * (3 * row + column);
    return [...out.subarray(at, at + 4)];
  };
  assert.deepEqual(pixel(2, 0), [1, 2, 3, 255]);
  assert.deepEqual(pixel(1, 2), [4, 5, 6, 255]);
  assert.deepEqual(pixel(0, 0), [0, 0, 0, 0]);
});
