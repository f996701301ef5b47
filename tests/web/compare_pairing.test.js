import "./named_structures.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  KINDS,
  besideOf,
  diceTable,
  isSameScan,
  kindsOf,
  legendOf,
  markKinds,
  placeInWords,
  sliceBeside,
} from "../../app/tabs/compare/pairing.js";

const plane = { first: 0, ratio: 1, letters: ["", "", "", ""], transpose: false, flip: [false, false] };
/** @param {object} more @param {number} count @returns {any} */
const scan = (more, count = 9) => ({
  identity: "Heart",
  token: "B",
  truth: true,
  cine: null,
  channels: [],
  reach: { own: 3, last: 63, opening: null, modes: ["resample"] },
  planes: {
    axial: { ...plane, count, shape: [8, 8], acquired: true },
    coronal: { ...plane, count: 8, shape: [count, 8], acquired: false },
  },
  ...more,
});
/** @type {any} */
const request = {
  token: "A",
  truth: false,
  plane: "axial",
  index: 4,
  strength: 0.5,
  mode: "resample",
  seed: 3,
  edits: [[0, 0, 5]],
  reach: 200,
  channel: null,
};

test("B has the settings of A as far as its codebook has them, and no forced token", () => {
  const asked = besideOf({ ...request, sequence: 7 }, scan({}), scan({}));
  assert.deepEqual(asked, { ...request, token: "B", truth: true, edits: [], reach: 63 });
  assert.equal(besideOf({ ...request, reach: null }, scan({}), scan({})).reach, null);
});

test("B of a cine shows the same frame, and another scan the slice at the same share of the way", () => {
  const cine = scan({ cine: { frames: 3, paired: false } });
  assert.equal(besideOf({ ...request, token: "A.2" }, cine, cine).token, "B.2");
  assert.equal(besideOf({ ...request, token: "A.2" }, cine, scan({})).token, "B");
  assert.equal(besideOf(request, scan({}), scan({ name: "Other" }, 17)).index, 8);
  assert.deepEqual(
    [0, 4, 8].map((index) => sliceBeside(index, 9, 5)),
    [0, 2, 4],
  );
  assert.equal(sliceBeside(0, 1, 7), 0);
});

test("two scans are one if they have one identity and one shape", () => {
  assert.ok(isSameScan(scan({}), scan({ token: "C" })));
  // Two files of a visitor's may have one name, and one grid.
  assert.ok(!isSameScan(scan({ name: "scan.nii" }), scan({ name: "scan.nii", identity: "4f" })));
  assert.ok(!isSameScan(scan({}), scan({}, 5)));
});

test("labels differ in three ways, each with its colour and its share", () => {
  const kinds = kindsOf([0, 1, 0, 1], [0, 0, 2, 2]);
  assert.deepEqual([...kinds], [0, 1, 2, 3]);
  const out = new Uint8ClampedArray(16);
  markKinds(out, Uint8Array.from([100, 100, 100, 100]), kinds);
  assert.deepEqual([...out.subarray(0, 3)], [60, 60, 60]);
  KINDS.forEach(({ colour }, i) => assert.deepEqual([...out.subarray(4 * i + 4, 4 * i + 7)], colour));
  assert.deepEqual(
    legendOf(kinds).map(({ words }) => words),
    KINDS.map(({ words }) => words + ", 25.0 %"),
  );
});

test("the table has only columns that something is known of", () => {
  const found = { between: [0.5, null], whole: [1, 0.25], a: [0.9, 0.8], b: null };
  assert.deepEqual(diceTable(["background", "RV", "LV"], found), [
    ["Dice", "A and B, this slice", "A and B, whole scan, ε = 0", "A and truth, this slice"],
    ["Right ventricle", "0.500", "1", "0.900"],
    ["Left ventricle", "–", "0.250", "0.800"],
  ]);
});

test("a place names both codes and the usual partner", () => {
  const aligned = { codes: [12], counts: [5], partners: [[857, 3]], shares: [[0.6, 0.4]], matched: [857], told: 0.6 };
  const labels = { a: "LV", b: "MYO" };
  assert.equal(
    placeInWords(labels, { a: 12, b: 3 }, aligned),
    "A: LV, code 12 · B: MYO, code 3 · where code 12 fires, B usually has code 857 (60 %)",
  );
  assert.equal(placeInWords(labels, { a: 1, b: 3 }, aligned), "A: LV, code 1 · B: MYO, code 3");
  assert.equal(placeInWords(labels, null, aligned), "A: LV · B: MYO");
});
