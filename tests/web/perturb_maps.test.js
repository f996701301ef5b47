import assert from "node:assert/strict";
import { test } from "node:test";

import { heatOf, markShares } from "../../app/web/heat.js";
import {
  changingShare,
  markBranches,
  markTokens,
  rangeOf,
  sensitivityOf,
  sharesOf,
} from "../../app/tabs/perturb/map_pixels.js";
import { viridis } from "../../app/web/ramp.js";

const draws = [
  [0, 1, 2],
  [0, 1, 1],
  [0, 2, 0],
  [0, 1, 1],
].map((labels) => Uint8Array.from(labels));

test("sensitivity is the share of draws that differ from the most frequent label", () => {
  assert.deepEqual([...sensitivityOf(draws, 3)], [0, 0.25, 0.5]);
  assert.deepEqual([...sensitivityOf(draws.slice(0, 1), 3)], [0, 0, 0]);
});

test("a pixel changes where not all draws agree", () => {
  assert.equal(changingShare(sensitivityOf(draws, 3)), 2 / 3);
});

test("shares of the kinds of change add up to one, kinds that are not there included", () => {
  assert.deepEqual(sharesOf(Uint8Array.from([0, 3, 3, 1]), 4), [0.25, 0.25, 0, 0.5]);
});

test("branches are marked in their colours, what is not marked steps back", () => {
  const out = new Uint8ClampedArray(8).fill(255);
  markBranches(out, Uint8Array.from([100, 100]), Uint8Array.from([0, 1]), [null, [216, 27, 154]]);
  assert.deepEqual([...out], [60, 60, 60, 255, 216, 27, 154, 255]);
});

test("what is sensitive is seen on black, and the largest share has the brightest colour", () => {
  for (const top of [0.125, 0.5]) {
    const shares = Float32Array.from([0, top / 8, top / 2, top]);
    const out = new Uint8ClampedArray(16).fill(255);
    markShares(out, new Uint8Array(4), shares);
    const light = [0, 1, 2, 3].map((i) => out[4 * i] + out[4 * i + 1] + out[4 * i + 2]);
    assert.ok(light[0] === 0 && light[1] > 200 && light[1] < light[2] && light[2] < light[3]);
    assert.deepEqual([...out.subarray(12, 15)], heatOf(top, top));
  }
});

test("where nothing is sensitive the picture steps back", () => {
  const out = new Uint8ClampedArray(8).fill(255);
  markShares(out, Uint8Array.from([100, 50]), new Float32Array(2));
  assert.deepEqual([...out], [60, 60, 60, 255, 30, 30, 30, 255]);
});

test("pixels have the colour of their token's number on a scale of ratios, and those without a token stay", () => {
  const out = new Uint8ClampedArray(16).fill(9);
  const values = Float32Array.from([1, 10, 100]);
  markTokens(out, Int32Array.from([2, 0, -1, 1]), values);
  const at = (/** @type {number} */ i) => [...out.subarray(4 * i, 4 * i + 3)];
  assert.deepEqual([at(0), at(1), at(3)], [viridis(1), viridis(0), viridis(0.5)]);
  assert.deepEqual(at(2), [9, 9, 9]);
  assert.deepEqual(rangeOf(values), [1, 100]);
});
