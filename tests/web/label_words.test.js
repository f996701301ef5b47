import "./named_structures.js";
import assert from "node:assert/strict";
import { test } from "node:test";

import { proposalText, proposed } from "../../app/tabs/label/proposal_words.js";
import { tuningTable, tuningText } from "../../app/tabs/label/tuning_words.js";

test("the slice with the most disagreement that is not corrected is proposed", () => {
  const scores = [3, 40.2, null, 12, 0];
  assert.equal(proposed(scores, new Set()), 1);
  assert.equal(proposed(scores, new Set([1])), 3);
  assert.equal(proposed(scores, new Set([0, 1, 3])), null);
  assert.equal(proposed([], new Set()), null);
});

test("the proposal is told with its pixels", () => {
  assert.equal(proposalText(1, [3, 40.2]), "Slice 1: over seeds and views, about 40 pixels change their label.");
  assert.equal(proposalText(0, [1.2]), "Slice 0: over seeds and views, about 1 pixel changes its label.");
  assert.match(proposalText(null, []), /^No slice is left/);
});

/** @type {import("../../app/tabs/label/types").Tuning} */
const TUNING = { off: null, choices: [40], stage: "training", step: 0, of: 40 };

test("a fine-tuning tells how far it is, and why there is none", () => {
  assert.match(tuningText(TUNING), /^Reading/);
  assert.equal(tuningText({ ...TUNING, step: 12 }), "Step 12 of 40. You can go on working.");
  assert.match(tuningText({ ...TUNING, step: 40 }), /reads the scan/);
  assert.equal(tuningText({ ...TUNING, stage: "failed", message: "It was ended." }), "It was ended.");
  assert.equal(tuningText({ ...TUNING, stage: null, off: "Not here." }), "Not here.");
});

test("Dice before and after stands by structure, without those that are in neither", () => {
  assert.deepEqual(tuningTable(["background", "RV", "LV", "MYO"], [0.5, null, 0.25], [0.75, null, 1]), [
    ["Structure", "Before", "After"],
    ["Right ventricle", "0.500", "0.750"],
    ["Myocardium", "0.250", "1"],
  ]);
});
