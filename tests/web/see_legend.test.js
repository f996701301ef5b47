import assert from "node:assert/strict";
import { test } from "node:test";
import { cornersOf, covers, insetsOf } from "../../app/tabs/see/legend_place.js";
import { tableOf } from "../../app/tabs/see/result_table.js";
import { countsOf, extentOf, sizeOf } from "../../app/tabs/see/sizes.js";
import { fullName, titleOf } from "../../app/web/structures.js";
import "./named_structures.js";

test("a structure has its full name, and one that nobody has named keeps its own", () => {
  assert.deepEqual(["RV", "lv", "Myo", "nodule", "spleen"].map(fullName), [
    ...["right ventricle", "left ventricle", "myocardium", "lung nodule", "spleen"],
  ]);
  assert.equal(titleOf("RV"), "Right ventricle");
});

test("a size is in millilitres where the spacing is known, else in voxels", () => {
  assert.deepEqual(
    [12345, 0, 5, 40, 900].map((voxels) => sizeOf(voxels, 0.01)),
    [...["123 ml", "0 ml", "0.1 ml", "0.4 ml", "9.0 ml"]],
  );
  assert.equal(sizeOf(3, 0.01), "< 0.1 ml");
  assert.equal(sizeOf(12345, null), "12,345");
});

test("the legend says what its sizes are of", () => {
  const whole = { isSlice: false, isPerturbed: true, voxelMl: 0.01 };
  assert.equal(extentOf(whole), "whole scan, ε = 0");
  assert.equal(extentOf({ ...whole, isPerturbed: false }), "whole scan");
  assert.equal(extentOf({ ...whole, voxelMl: null }), "voxels, whole scan, ε = 0");
  assert.equal(extentOf({ isSlice: true, isPerturbed: true, voxelMl: null }), "pixels, this picture");
});

test("pixels are counted by label", () => assert.deepEqual(countsOf([0, 2, 2, 1, 0, 0], 4), [3, 1, 2, 0]));

const canvas = { left: 100, top: 50, right: 200, bottom: 150 };
const shape = /** @type {[number, number]} */ ([10, 10]);

test("a box covers a structure where one of its pixels lies below it, in a mirrored picture too", () => {
  const labels = new Uint8Array(100);
  labels[7 * 10 + 2] = 1; // 120 to 130 across, 120 to 130 down
  const at = (/** @type {number} */ left, /** @type {number} */ top, isMirrored = false, drawn = [false, true]) =>
    covers({ left, top, right: left + 10, bottom: top + 10 }, canvas, labels, shape, drawn, isMirrored);
  assert.ok(at(120, 120));
  assert.ok(at(111, 111), "by a corner");
  assert.ok(!at(110, 120));
  assert.ok(!at(120, 130));
  assert.ok(!at(120, 120, true));
  assert.ok(at(170, 120, true));
  assert.ok(!at(120, 120, false, [false, false]), "a structure that is not drawn");
  assert.ok(!at(300, 120), "beside the picture");
});

test("corners lie within the frame, the lower left one first", () => {
  const corners = cornersOf(canvas, { width: 30, height: 20 }, 6, 24);
  assert.deepEqual(corners[0], { left: 106, top: 106, right: 136, bottom: 126 });
  assert.deepEqual(corners[3], { left: 164, top: 74, right: 194, bottom: 94 });
});

test("only a legend that reaches the middle of an edge has to mind its letter", () => {
  assert.deepEqual(insetsOf(400, 150, 6, 24), [6]);
  assert.deepEqual(insetsOf(216, 150, 6, 24), [24, 6]);
});

const results = { voxels: [0, 90, 110], clean: [0, 100, 100], voxel_ml: 1, dice_vs_clean: [0.9, null], truth: null };
const scan = { classes: ["background", "RV", "spleen"] };

test("the table has columns for a perturbation and for a truth only where there is one", () => {
  assert.deepEqual(tableOf({ strength: 0, edits: [], scan }, results), [
    ...[
      ["Structure", "Volume"],
      ["Right ventricle", "100 ml"],
      ["Spleen", "100 ml"],
    ],
  ]);
  assert.deepEqual(tableOf({ strength: 0.4, edits: [], scan }, { ...results, truth: [null, 0.8751], voxel_ml: null }), [
    ["Structure", "Voxels, ε = 0", "Voxels, ε = 0.40", "Dice vs ε = 0", "Dice vs truth"],
    ["Right ventricle", "100", "90", "0.900", "–"],
    ["Spleen", "100", "110", "–", "0.875"],
  ]);
  assert.equal(tableOf({ strength: 0, edits: [[0, 0, 1]], scan }, results)[0][2], "Volume, forced tokens");
});
