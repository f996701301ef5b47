import assert from "node:assert/strict";
import { test } from "node:test";

import { isPassing } from "../../app/tabs/volume/crosshair.js";
import { readoutOf, sizeOf, thinningNote } from "../../app/tabs/volume/words.js";

const figures = { voxels: 1200, millilitres: 12.34, dice: 0.9, truth: 0.8 };
const before = { voxels: 1000, millilitres: 10, dice: 1, truth: 0.85 };

test("a structure is measured in millilitres, with its change against epsilon 0", () => {
  assert.deepEqual(sizeOf(figures, before, "present"), {
    size: "12.3 ml",
    change: "+2.3",
    agreement: "Dice 0.900 vs ε = 0, 0.800 vs truth",
  });
  assert.equal(sizeOf(before, figures, "present").change, "−2.3");
  assert.equal(sizeOf(before, before, "present").change, "");
});

test("agreement is told only with what something can differ from", () => {
  assert.equal(sizeOf(figures, before, "clean").agreement, "Dice 0.800 vs truth");
  assert.equal(sizeOf(figures, before, "truth").agreement, "Dice 0.900 vs ε = 0");
  assert.equal(sizeOf({ ...figures, dice: null, truth: null }, before, "present").agreement, "");
});

test("a file without geometry counts voxels", () => {
  const counted = { ...figures, millilitres: null };
  const { size, change } = sizeOf(counted, { ...before, millilitres: null }, "clean");
  assert.deepEqual([size, change], ["1,200 voxels", "+200"]);
});

test("a thinned volume is told, a whole one is not", () => {
  assert.equal(thinningNote({ steps: [1, 1, 1], shape: [4, 5, 6] }), "");
  assert.match(
    thinningNote({ steps: [3, 3, 1], shape: [40, 48, 6] }),
    /all 40 × 48 × 6 voxels\. It shows one of every 3 × 3 × 1\./,
  );
});

const about = {
  ...{ shape: [4, 2, 1], steps: [2, 1, 1], offsets: [0, 0, 0], axes: { axial: 2, sagittal: 0 }, acquired: "axial" },
  affine: [
    [-1, 0, 0, 0.5],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ],
  ...{ inverse: [], oriented: true, start: [0, 0, 0] },
  window: /** @type {[number, number]} */ ([0, 1]),
  percentiles: /** @type {[number, number]} */ ([0, 1]),
};
const scan = { about, shape: [2, 2, 1], voxels: Float32Array.of(1, 2, 3, 4.1234567) };
const classes = { classes: ["background", "LV"] };

test("the readout tells slices, millimetres, the value there and its label", () => {
  const labels = { clean: { voxels: [0, 0, 0, 1] }, present: { voxels: [0, 0, 0, 0] } };
  const readout = "axial 0 · sagittal 3 · −2.5, 1.0, 0.0 mm · value 4.1235 · LV → background";
  assert.equal(readoutOf(classes, scan, labels, [3, 1, 0]), readout);
  const same = { clean: labels.clean, present: labels.clean };
  assert.ok(readoutOf(classes, scan, same, [3, 1, 0]).endsWith(" · LV"));
});

test("without geometry and without labels the readout leaves them out", () => {
  const plain = { ...scan, about: { ...about, oriented: false } };
  assert.equal(readoutOf(classes, plain, null, [0, 0, 0]), "axial 0 · sagittal 0 · value 1");
});

test("a slider that was sent somewhere passes others on its way there, for a while", () => {
  const sent = { plane: "axial", index: 5, until: 100 };
  assert.equal(isPassing(sent, { plane: "axial", index: 4 }, 50), true);
  assert.equal(isPassing(sent, { plane: "axial", index: 5 }, 50), false);
  assert.equal(isPassing(sent, { plane: "coronal", index: 4 }, 50), false);
  assert.equal(isPassing(sent, { plane: "axial", index: 4 }, 101), false);
  assert.equal(isPassing(null, { plane: "axial", index: 4 }, 50), false);
});
