import assert from "node:assert/strict";
import { test } from "node:test";

import { momentInWords } from "../../app/tabs/codebook/evolution.js";
import { boundsOf, codewordsOf, nextMoment, pointsAt } from "../../app/tabs/codebook/moments.js";
import { costTraces, radiusTraces, topOf } from "../../app/tabs/codebook/radii_traces.js";
import { above, boundInWords, radiiInWords } from "../../app/tabs/codebook/radii_words.js";

/* Two moments of three codes; at the first one the last code was not there yet. */
const STORY = {
  steps: [0, 1000],
  places: Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
  counts: Int32Array.from([5, 0, -1, 1, 2, 0]),
  utilisation: [1 / 3, 2 / 3],
  perplexity: [1, 1234.4],
};

const THEORY = {
  strengths: [0, 0.5, 0.9, 1],
  quantized: [0, 0.1, 0.2, 0.234],
  dropout: [0, 0.15, 3.35, null],
  low: [0, 0, 0, 0],
  high: [0, 1, 2, 12.345],
};

test("points of a moment are in use, not in use, or not there", () => {
  assert.equal(codewordsOf(STORY), 3);
  assert.deepEqual(pointsAt(STORY, 0, true), { x: [0], y: [1], customdata: [0] });
  assert.deepEqual(pointsAt(STORY, 0, false), { x: [2], y: [3], customdata: [1] });
  assert.deepEqual(pointsAt(STORY, 1, true), { x: [6, 8], y: [7, 9], customdata: [0, 1] });
  assert.deepEqual(pointsAt(STORY, 1, false), { x: [10], y: [11], customdata: [2] });
});

test("bounds hold all moments, with a rim", () => {
  assert.deepEqual(boundsOf(STORY.places, 0), [-0.4, 10.4]);
  assert.deepEqual(boundsOf(STORY.places, 1), [0.6, 11.4]);
});

test("a film begins again after its last moment", () => {
  assert.deepEqual(
    [0, 1, 2].map((moment) => nextMoment(moment, 2)),
    [1, 2, 0],
  );
});

test("a moment tells its step and what was in use", () => {
  assert.equal(momentInWords(STORY, 1), "step 1,000 · 66.7 % in use · perplexity 1,234");
});

test("a bound is the next number of two digits above", () => {
  assert.deepEqual([0.234, 0.2, 1.99, 99, 0.00123].map(above), [0.24, 0.21, 2, 100, 0.0013]);
  for (const value of [1e-5, 0.03, 0.7, 12.34, 987]) assert.ok(above(value) > value && above(value) <= 1.1 * value);
});

test("the radii are told with the codebook's own numbers", () => {
  const words = radiiInWords(THEORY);
  assert.match(words, /from 0\.15 nats at p = 0\.5 to 3\.35 at p = 0\.9/);
  assert.match(words, /stays below 0\.24 nats/);
});

test("what is said of the bound fits the slice and the mode", () => {
  assert.match(boundInWords(12.345, true, "resample"), /^The bounds of Appendix B reach 12 nats/);
  assert.match(boundInWords(12.345, true, "shuffle"), /^Under shuffling .* reach 12 nats/);
  assert.match(boundInWords(12.345, false, "shuffle"), /Choose another plane\.$/);
});

test("the axis ends above dropout at 0.9, not where it leaves the picture", () => {
  assert.equal(topOf(THEORY), 1.15 * 3.35);
  assert.equal(topOf({ ...THEORY, dropout: [0, null, null, null] }), 1.15 * 0.234);
});

test("the bounds lie below the lines", () => {
  const ys = radiusTraces(THEORY).map((trace) => trace.y);
  assert.deepEqual(ys, [THEORY.low, THEORY.high, THEORY.dropout, THEORY.quantized]);
});

test("the costs of both perturbations are Dice over strength", () => {
  const points = [
    { strength: 0, dice_vs_clean: 1 },
    { strength: 0.5, dice_vs_clean: 0.9 },
  ];
  const [dropout, quantized] = costTraces({ rates: [0, 0.1], dice: [1, 0.8] }, points);
  assert.deepEqual(
    [dropout.x, dropout.y],
    [
      [0, 0.1],
      [1, 0.8],
    ],
  );
  assert.deepEqual(
    [quantized.x, quantized.y],
    [
      [0, 0.5],
      [1, 0.9],
    ],
  );
});
