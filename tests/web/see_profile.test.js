import assert from "node:assert/strict";
import { test } from "node:test";
import { badness, barsOf, profileInWords, sliceInWords, topOf, worstOf } from "../../app/tabs/see/profile_bars.js";

const scores = [
  { clean: null, changed: null, truth: null },
  { clean: 0.9, changed: 0.2, truth: 0.7 },
  { clean: 0.6, changed: 0.1, truth: null },
  { clean: 1, changed: 0, truth: 0.8 },
];

test("the worst slice has the lowest Dice or the largest change, and none is worst where nothing is lost", () => {
  assert.equal(worstOf(scores, "clean"), 2);
  assert.equal(worstOf(scores, "changed"), 1);
  assert.equal(worstOf(scores, "truth"), 1);
  assert.equal(worstOf([scores[0], scores[3]], "clean"), null);
  assert.equal(worstOf([], "truth"), null);
});

test("a slice without a structure has no bar, and an unknown one neither", () => {
  assert.equal(badness(scores[0], "clean"), null);
  assert.equal(badness(undefined, "clean"), null);
  const { worst, others } = barsOf(scores, "changed");
  assert.equal(worst, "M1.1 1v-1h0.8v1z");
  assert.equal(others, "M2.1 1v-0.5h0.8v0.5z");
});

test("a small loss does not fill the strip", () => {
  const small = [{ clean: 0.99, changed: 0.01, truth: null }];
  assert.equal(topOf(small, "clean"), 0.05);
  assert.match(barsOf(small, "changed").worst, /v-0.2h/);
});

test("the words name the worst slice, and say how far the slices are decoded", () => {
  assert.equal(profileInWords(scores, 4, "clean"), "Worst: slice 2, Dice 0.600");
  assert.equal(profileInWords(scores, 4, "changed"), "Worst: slice 1, 20.0 %");
  assert.equal(profileInWords(scores, 9, "clean"), "4 of 9 slices");
  assert.equal(profileInWords([scores[3]], 1, "changed"), "No slice changes");
  assert.equal(profileInWords([scores[0]], 1, "truth"), "No slice has a structure");
  assert.equal(sliceInWords(scores[1], 1, "truth"), "Slice 1: Dice 0.700");
  assert.equal(sliceInWords(scores[0], 0, "truth"), "Slice 0: no structure");
  assert.equal(sliceInWords(undefined, 8, "truth"), "Slice 8: not decoded yet");
});
