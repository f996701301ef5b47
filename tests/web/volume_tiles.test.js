import assert from "node:assert/strict";
import { test } from "node:test";

import { millimetresPerPixel, PLANES, tileAt, tilesOf } from "../../app/tabs/volume/tiles.js";

const area = (/** @type {number[]} */ [, , width, height]) => width * height;
const apart = (/** @type {number[]} */ [x, y, w, h], /** @type {number[]} */ [left, top, width, height]) =>
  x + w <= left + 1e-9 || left + width <= x + 1e-9 || y + h <= top + 1e-9 || top + height <= y + 1e-9;

test("tiles lie within the stage and on none of the others, the acquired plane is the largest", () => {
  for (const acquired of PLANES) {
    for (const wide of [true, false]) {
      for (const layout of /** @type {const} */ (["planes", "both"])) {
        const tiles = tilesOf(layout, acquired, wide);
        const boxes = Object.values(tiles);
        assert.deepEqual(Object.keys(tiles).includes("render"), layout === "both");
        for (const [left, top, width, height] of boxes) {
          assert.ok(left >= 0 && top >= 0 && left + width <= 1 + 1e-9 && top + height <= 1 + 1e-9);
        }
        boxes.forEach((box, i) => boxes.slice(i + 1).forEach((other) => assert.ok(apart(box, other))));
        for (const plane of PLANES) assert.ok(area(tiles[acquired]) >= area(tiles[plane]));
      }
    }
  }
});

test("the 3D view alone has the whole stage", () => {
  assert.deepEqual(tilesOf("render", "axial", true), { render: [0, 0, 1, 1] });
});

test("a point belongs to the tile that it lies in, or to none", () => {
  const tiles = tilesOf("planes", "axial", true);
  assert.equal(tileAt(tiles, 0.2, 0.5), "axial");
  assert.equal(tileAt(tiles, 0.7, 0.2), "coronal");
  assert.equal(tileAt(tiles, 0.7, 0.8), "sagittal");
  assert.equal(tileAt(tiles, 0.504, 0.5), undefined);
});

test("a pixel of the smallest picture is the most millimetres", () => {
  const affine = [
    [2, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 5, 0],
    [0, 0, 0, 1],
  ];
  const about = { affine, shape: [100, 80, 10], axes: { sagittal: 0, coronal: 1, axial: 2 } };
  const canvas = { width: 200, height: 100 };
  assert.equal(millimetresPerPixel({ axial: [0, 0, 1, 1] }, about, canvas), 1);
  // Half as wide: 200 mm over 100 pixels.
  assert.equal(millimetresPerPixel({ axial: [0, 0, 0.5, 1] }, about, canvas), 2);
  assert.equal(millimetresPerPixel({ axial: [0, 0, 1, 1], coronal: [0, 0, 0.1, 1] }, about, canvas), 10);
  assert.equal(millimetresPerPixel({ render: [0, 0, 1, 1] }, about, canvas), 1);
});
