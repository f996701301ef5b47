/* Shares, forced tokens and names of files as text. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { editsAsText } from "../../app/web/edits.js";
import { stemOf } from "../../app/web/files.js";
import { described } from "../../app/web/links.js";
import { percent, ratio } from "../../app/web/numbers.js";
import { fixture } from "./fixtures.js";
import { controlsOf, scanOf } from "./scans.js";

test("forced tokens are written as Python writes them", () => {
  for (const { edits, text } of fixture("edits")) assert.equal(editsAsText(edits), text);
});

test("a share is written in percent", () => {
  assert.equal(percent(0.1234), "12.3 %");
  assert.equal(percent(0.5, 0), "50 %");
});

test("shares and ratios are written as Python writes them", () => {
  for (const { value, digits, percent: share, ratio: plain } of fixture("shares")) {
    assert.equal(percent(value, digits), share);
    assert.equal(ratio(value, digits), plain);
  }
});

test("rounding makes neither nothing nor everything of a share", () => {
  for (const small of [1e-9, 3e-7, 0.00004, 0.0004]) {
    assert.ok(/[1-9]/.test(percent(small)) && !/^100|^> 100/.test(percent(1 - small)), percent(1 - small));
    assert.ok(/[1-9]/.test(ratio(small)) && Number(ratio(1 - small).replace("> ", "")) < 1, ratio(1 - small));
  }
  assert.deepEqual([percent(0), percent(1), ratio(0), ratio(1)], ["0 %", "100 %", "0", "1"]);
});

test("a file is named after its scan without the ending, as Python does", () => {
  for (const { name, stem, endings } of fixture("file_names")) assert.equal(stemOf(name, endings), stem);
  assert.equal(stemOf("my heart (2).nii.gz", [".nii", ".nii.gz"]), "my_heart_2_");
});

test("the address describes what is shown, but no upload", () => {
  const state = {
    ...controlsOf({ strength: 0.35, seed: 4 }),
    edits: [],
    lit: [],
    changed: 0,
    reach: 20,
    chosenReach: 20,
  };
  const linked = described(state);
  assert.deepEqual(linked, {
    case: "Phantom heart",
    checkpoint: "first",
    plane: "axial",
    slice: 2,
    eps: 0.35,
    mode: "resample",
    seed: 4,
    edits: null,
    reach: 20,
    channel: null,
  });
  assert.equal(described({ ...state, scan: scanOf({ own: true }) }).case, null);
  assert.equal(described({ ...state, edits: [[1, 2, 3]] }).edits, "1.2.3");
});
