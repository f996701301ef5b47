import assert from "node:assert/strict";
import { test } from "node:test";

import * as plots from "../../app/tabs/learn/plots.js";
import { fixture } from "./fixtures.js";

test("a strip is blue below zero, orange above and light at zero", () => {
  const pixels = plots.stripPixels([-2, -1, 0, 2, 9], 2);
  assert.deepEqual([...pixels.slice(0, 4)], [0, 114, 178, 255]);
  assert.deepEqual([...pixels.slice(4, 8)], [122, 180, 212, 255]);
  assert.deepEqual([...pixels.slice(8, 12)], [245, 245, 245, 255]);
  assert.deepEqual([...pixels.slice(12, 16)], [213, 94, 0, 255]);
  assert.deepEqual(pixels.slice(16), pixels.slice(12, 16));
});

test("a strip has the colours that Python prints", () => {
  for (const { values, most, rgb } of fixture("strips")) {
    const pixels = [...plots.stripPixels(values, most)].filter((_, i) => i % 4 < 3);
    assert.deepEqual(pixels, rgb);
  }
});

test("the extent is the largest absolute value, and never zero", () => {
  assert.equal(plots.extent([[1, -3], [2]]), 3);
  assert.ok(plots.extent([[0]]) > 0);
});

test("bars go up and down from zero, the longest over the whole height", () => {
  const [up, down, none] = plots.barsOf([2, -4, 0]);
  assert.deepEqual([up.y, up.height, up.class], [-0.5, 0.5, "above"]);
  assert.deepEqual([down.y, down.height, down.class], [0, 1, "below"]);
  assert.deepEqual([none.y, none.height], [0, 0]);
});

test("a part of a picture has that part's pixels", () => {
  const grey = plots.pixelsOf((i) => i, [1, 1, 2, 2], 4);
  assert.deepEqual([...grey], [5, 5, 5, 255, 6, 6, 6, 255, 9, 9, 9, 255, 10, 10, 10, 255]);
  const coloured = plots.pixelsOf((i) => [i, 0, 1], [2, 0, 1, 2], 4);
  assert.deepEqual([...coloured], [2, 0, 1, 255, 6, 0, 1, 255]);
});

test("a token's fates add up to certainty and to all draws", () => {
  const data = { codes: [7, 3], distances: [1, 2], probabilities: [0.5, 0.25], drawn: [30, 12] };
  const fates = plots.fatesOf(data, { draws: 100, kept: 33 }, 0.8);
  assert.deepEqual(
    fates.map(({ kind, code, drawn }) => [kind, code, drawn]),
    [
      ["stays", undefined, 33],
      ["becomes", 7, 30],
      ["becomes", 3, 12],
      ["others", undefined, 25],
    ],
  );
  assert.deepEqual(
    fates.map(({ share }) => plots.percentOf(share)),
    [20, 40, 20, 20],
  );
});

test("without a perturbation a token stays", () => {
  const data = { codes: [7], distances: [1], probabilities: [1], drawn: [0] };
  const shares = plots.fatesOf(data, { draws: 10, kept: 10 }, 0).map(({ share }) => share);
  assert.deepEqual(shares, [1, 0, 0]);
});

test("a value's place between two bounds does not leave them", () => {
  assert.equal(plots.placeBetween(15, [10, 30]), 25);
  assert.equal(plots.placeBetween(9, [10, 30]), 0);
  assert.equal(plots.placeBetween(31, [10, 30]), 100);
});

test("curves leave out what has no value or lies above the plot", () => {
  const { left, right, top, bottom, width, height } = plots.PLOT;
  const line = { x: [0, 0.5, 0.75, 1], y: [0, null, 2.2, 2] };
  assert.equal(plots.pointsOf(line, 2), `${left},${height - bottom} ${width - right},${top}`);
  // A little above the top is still drawn.
  assert.equal(plots.pointsOf({ x: [0], y: [2.05] }, 2).split(" ").length, 1);
  assert.notEqual(plots.pointsOf({ x: [0], y: [2.05] }, 2), "");
});
