import assert from "node:assert/strict";
import { test } from "node:test";
import { editsText, moveText } from "../../app/tabs/perturb/card_words.js";

const move = { code: 5, to: 7, isForced: false, probability: 0.25, distance: 1.5 };

test("a token tells its swap, how likely it was and how far", () => {
  assert.equal(moveText(move), "code 5 → 7 · π = 0.2500 · distance 1.500");
  assert.equal(
    moveText({ ...move, isForced: true, probability: 1e-6 }),
    "code 5 → 7, forced · π = 0.000001 · distance 1.500",
  );
});

test("a token that was not replaced says so, and whether it was forced to itself", () => {
  assert.equal(moveText({ ...move, to: 5 }), "code 5, not replaced");
  assert.equal(moveText({ ...move, to: 5, isForced: true }), "code 5, forced to itself");
});

test("a small probability is not said to be nothing", () => {
  assert.match(moveText({ ...move, probability: 4.3e-5 }), / π = 0\.000043 /);
  assert.match(moveText({ ...move, probability: 1e-9 }), / π < 0\.000001 /);
});

test("edits are counted", () => {
  assert.deepEqual([0, 1, 2].map(editsText), ["No cell is forced", "1 edit in this slice", "2 edits in this slice"]);
});
