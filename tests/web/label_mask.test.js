import assert from "node:assert/strict";
import { test } from "node:test";

import { applyRuns, brushOf, fill, outlineOf, runsBetween, stroke } from "../../app/tabs/label/mask.js";

/** @type {[number, number]} */
const SHAPE = [12, 16];
const at = (/** @type {number} */ row, /** @type {number} */ column) => ({ row, column });
const empty = () => new Uint8Array(SHAPE[0] * SHAPE[1]);
const count = (/** @type {Uint8Array} */ labels) => labels.reduce((sum, label) => sum + (label ? 1 : 0), 0);

/** Pixels by a walk of the definition: those at most the radius away from some point of the segment. */
function sampled(/** @type {any} */ from, /** @type {any} */ to, /** @type {number} */ size, aspect = 1) {
  const { radius, across, down } = brushOf(size, aspect);
  const labels = empty();
  for (let i = 0; i < labels.length; i++) {
    const [row, column] = [Math.floor(i / SHAPE[1]), i % SHAPE[1]];
    for (let step = 0; step <= 2000; step++) {
      const share = step / 2000;
      const y = (row - from.row - share * (to.row - from.row)) * down;
      const x = (column - from.column - share * (to.column - from.column)) * across;
      if (Math.hypot(y, x) <= radius) labels[i] = 1;
    }
  }
  return labels;
}

for (const [size, aspect] of [
  [1, 1],
  [5, 1],
  [7, 1.7],
  [5, 0.5],
]) {
  test(`a stroke of size ${size} covers what lies within its radius, aspect ${aspect}`, () => {
    const labels = empty();
    stroke(labels, SHAPE, at(2, 3), at(9, 12), brushOf(size, aspect), 1);
    assert.deepEqual(labels, sampled(at(2, 3), at(9, 12), size, aspect));
  });
}

test("the smallest brush leaves a line without a gap", () => {
  const labels = empty();
  stroke(labels, SHAPE, at(0, 0), at(11, 5), brushOf(1, 1), 1);
  for (let row = 0; row < SHAPE[0]; row++) assert.ok(labels.subarray(row * 16, row * 16 + 16).includes(1), String(row));
});

test("a brush at the edge paints inside alone, and a dot is as wide as its size", () => {
  const [corner, dot] = [empty(), empty()];
  stroke(corner, SHAPE, at(0, 15), at(0, 15), brushOf(5, 1), 1);
  stroke(dot, SHAPE, at(6, 6), at(6, 6), brushOf(5, 1), 1);
  assert.equal(count(corner), 8);
  assert.equal(count(dot.subarray(6 * 16, 7 * 16)), 5);
});

test("filling takes the region of one label that is joined by edges", () => {
  const labels = empty();
  // A ring around 5, 5, and a pixel that touches its inside by a corner.
  for (const [row, column] of [
    [4, 5],
    [5, 4],
    [5, 6],
    [6, 5],
  ])
    labels[row * 16 + column] = 2;
  fill(labels, SHAPE, at(5, 5), 3);
  assert.equal(labels[5 * 16 + 5], 3);
  assert.equal(labels.filter((label) => label === 3).length, 1);
  fill(labels, SHAPE, at(0, 0), 1);
  assert.equal(labels.filter((label) => label === 1).length, 12 * 16 - 5);
  const before = labels.slice();
  fill(labels, SHAPE, at(0, 0), 1);
  assert.deepEqual(labels, before);
});

test("runs lead from one state to the other and back", () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 50; round++) {
    const [before, after] = [0, 1].map(() => Uint8Array.from({ length: 40 }, () => Math.floor(random() * 3)));
    const runs = runsBetween(before, after);
    const labels = before.slice();
    applyRuns(labels, runs, false);
    assert.deepEqual(labels, after);
    applyRuns(labels, runs, true);
    assert.deepEqual(labels, before);
  }
  assert.equal(runsBetween(empty(), empty()).length, 0);
});

test("a stroke of one label over another is one run a row", () => {
  const [before, after] = [empty(), empty()];
  stroke(after, SHAPE, at(3, 2), at(3, 12), brushOf(3, 1), 1);
  assert.deepEqual(
    [...runsBetween(before, after)].filter((_, i) => i % 4 === 0).map((start) => start >> 4),
    [2, 3, 4],
  );
});

test("the outline of a brush goes around what it covers", () => {
  assert.deepEqual(
    outlineOf(brushOf(1, 1))
      .match(/M[^M]+/g)
      ?.sort(),
    ["M0 0h1", "M0 0v1", "M0 1h1", "M1 0v1"],
  );
  // The outline of a disk without dents is as long as that of its bounding box.
  assert.equal(outlineOf(brushOf(5, 1)).match(/M/g)?.length, 4 * 5);
});
