import assert from "node:assert/strict";
import { test } from "node:test";
import { described, labelsEnding, labelsKey, questionOf, slicesOf } from "../../app/tabs/export/questions.js";

/** @typedef {import("../../app/web/types").Edit} Edit */

const planes = { axial: { acquired: true, count: 6 }, coronal: { acquired: false, count: 48 } };
const scan = { token: "t", name: "heart.nii.gz", planes };
const settings = {
  plane: "axial",
  index: 3,
  strength: 0.5,
  mode: "resample",
  seed: 2,
  reach: /** @type {number | null} */ (null),
};
const look = { opacity: 0.4, outline: false, shown: true, visible: ["LV"] };
/** @type {Edit[]} */
const edits = [];
const state = { scan, ...settings, ...look, edits, lit: [7], range: "network" };
const forced = { ...state, edits: /** @type {Edit[]} */ ([[1, 2, 3]]) };

test("the label volume depends on the slice only if tokens are forced in it", () => {
  assert.equal(labelsKey(state), labelsKey({ ...state, index: 4 }));
  assert.notEqual(labelsKey(forced), labelsKey({ ...forced, index: 4 }));
  assert.notEqual(labelsKey(state), labelsKey(forced));
});

test("the label volume depends on the scan and on every setting of the perturbation, not on how labels are drawn", () => {
  const others = [
    { strength: 0.6 },
    { mode: "shuffle" },
    { seed: 3 },
    { reach: 40 },
    { scan: { ...scan, token: "u" } },
  ];
  for (const other of others) assert.notEqual(labelsKey(state), labelsKey({ ...state, ...other }));
  const drawnOtherwise = { ...state, opacity: 1, outline: true, plane: "coronal" };
  assert.equal(labelsKey(state), labelsKey(drawnOtherwise));
});

test("a question has the view on show, how labels are drawn and where the app runs, and nothing else", () => {
  const expected = { kind: "png", address: "http://here", token: "t", ...settings, ...look, edits: [[1, 2, 3]] };
  assert.deepEqual(questionOf(forced, "png", "http://here"), expected);
});

test("the file of labels is named by its settings", () => {
  assert.equal(labelsEnding(state, ".nii.gz"), "_labels_eps0.5_seed2.nii.gz");
  assert.equal(labelsEnding(forced, ".png"), "_labels_eps0.5_seed2_forced.png");
  assert.equal(labelsEnding({ ...state, reach: 40 }, ".nii.gz"), "_labels_eps0.5_reach40_seed2.nii.gz");
});

test("the view on show is told in words", () => {
  assert.equal(described(state), "heart.nii.gz, axial slice 3, ε = 0.50, resample, seed 2");
  assert.equal(described(forced), "heart.nii.gz, axial slice 3, ε = 0.50, resample, seed 2, 1 forced");
  const far = described({ ...state, reach: 2.24 });
  assert.equal(far, "heart.nii.gz, axial slice 3, ε = 0.50, resample, reach 2.2, seed 2");
});

test("a label volume has the acquired slices", () => {
  assert.equal(slicesOf(scan), 6);
});
