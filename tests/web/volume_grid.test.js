import assert from "node:assert/strict";
import { test } from "node:test";

import * as grid from "../../app/tabs/volume/grid.js";

/** @type {[boolean, boolean][]} */
const FLIPS = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
];
const VIEWS = [false, true].flatMap((transpose) => FLIPS.map((flip) => ({ transpose, flip })));
const ABOUT = { shape: [40, 48, 6], steps: [3, 2, 1], offsets: [1, 0, 0] };
const THINNED = [13, 24, 6];

test("an affine takes a voxel to millimetres", () => {
  const affine = [
    [-2, 0, 0, 10],
    [0, 0, 3, -5],
    [0, 4, 0, 0],
    [0, 0, 0, 1],
  ];
  assert.deepEqual(grid.transformed(affine, [1, 2, 3]), [8, 4, 8]);
});

test("a voxel of the thinned volume is found again from the whole one, and stays within it", () => {
  for (const axis of [0, 1, 2]) {
    for (let place = 0; place < THINNED[axis]; place++) {
      const voxel = [0, 0, 0];
      voxel[axis] = grid.wholePlace(ABOUT, place, axis);
      assert.equal(grid.thinnedPlace(ABOUT, THINNED, voxel, axis), place);
    }
  }
  assert.equal(grid.wholePlace(ABOUT, 99, 0), 39);
  assert.equal(grid.thinnedPlace(ABOUT, THINNED, [39, 0, 0], 0), 12);
});

test("a plane's picture has the two axes that it does not cut", () => {
  assert.deepEqual(grid.layOf([4, 5, 6], 2, VIEWS[0]), {
    axis: 2,
    along: 0,
    across: 1,
    rows: 4,
    columns: 5,
    flip: [false, false],
  });
  const { along, across, rows, columns } = grid.layOf([4, 5, 6], 1, { transpose: true, flip: [false, false] });
  assert.deepEqual([along, across, rows, columns], [2, 0, 6, 4]);
});

test("turning a pixel twice gives it back", () => {
  for (const view of VIEWS) {
    const lay = grid.layOf([4, 5, 6], 0, view);
    const [a, b] = grid.turned(lay, 1, 2);
    assert.deepEqual(grid.turned(lay, a, b), [1, 2]);
  }
});

test("a cut has every voxel of its slice once, where the view turns it", () => {
  const shape = [3, 4, 5];
  for (const view of VIEWS) {
    for (const axis of [0, 1, 2]) {
      const lay = grid.layOf(shape, axis, view);
      const cut = grid.cutOf(shape, lay, 1);
      assert.equal(new Set(cut).size, lay.rows * lay.columns);
      for (const at of cut) {
        const voxel = [at % 3, Math.floor(at / 3) % 4, Math.floor(at / 12)];
        assert.equal(voxel[axis], 1);
      }
      const [first] = cut;
      const voxel = [first % 3, Math.floor(first / 3) % 4, Math.floor(first / 12)];
      assert.equal(voxel[lay.along], view.flip[0] ? lay.rows - 1 : 0);
      assert.equal(voxel[lay.across], view.flip[1] ? lay.columns - 1 : 0);
    }
  }
});

test("only left and right are mirrored, and only where they are seen", () => {
  assert.equal(grid.isMirrored("neurological", "axial"), true);
  assert.equal(grid.isMirrored("neurological", "sagittal"), false);
  assert.equal(grid.isMirrored("radiological", "axial"), false);
});

test("arrows go where they point on the screen", () => {
  const plain = VIEWS[0];
  assert.deepEqual(grid.stepOf("ArrowRight", 2, plain, false), [0, 1, 0]);
  assert.deepEqual(grid.stepOf("ArrowRight", 2, plain, true), [0, -1, 0]);
  assert.deepEqual(grid.stepOf("ArrowUp", 2, plain, true), [-1, 0, 0]);
  assert.deepEqual(grid.stepOf("ArrowDown", 2, { transpose: true, flip: [true, false] }, false), [0, -1, 0]);
  assert.deepEqual(grid.stepOf("ArrowLeft", 0, { transpose: false, flip: [false, true] }, false), [0, 0, 1]);
  assert.deepEqual(grid.stepOf("PageUp", 0, plain, false), [1, 0, 0]);
  assert.deepEqual(grid.stepOf("PageDown", 1, plain, true), [0, -1, 0]);
  assert.equal(grid.stepOf("a", 1, plain, true), null);
  assert.deepEqual(grid.directionOf("ArrowUp"), [0, -1]);
  assert.equal(grid.directionOf("PageUp"), null);
});

test("a step is one of the voxels that are shown, and ends at the edge", () => {
  assert.deepEqual(grid.beside(ABOUT, [20, 20, 3], [1, -1, 0], 1), [23, 18, 3]);
  assert.deepEqual(grid.beside(ABOUT, [20, 20, 3], [1, 0, 1], 5), [35, 20, 5]);
  assert.deepEqual(grid.beside(ABOUT, [20, 20, 3], [0, -1, -1], 50), [20, 0, 0]);
});

/** Neighbour by neighbour. @param {Uint8Array} labels @param {number[]} shape @param {number} axis */
function slowOutline(labels, shape, axis) {
  const at = (/** @type {number[]} */ [x, y, z]) =>
    [x, y, z].every((v, i) => v >= 0 && v < shape[i]) ? labels[x + shape[0] * (y + shape[1] * z)] : 0;
  const out = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const voxel = [i % shape[0], Math.floor(i / shape[0]) % shape[1], Math.floor(i / (shape[0] * shape[1]))];
    for (const along of [0, 1, 2].filter((one) => one !== axis)) {
      for (const by of [-1, 1]) {
        const other = voxel.slice();
        other[along] += by;
        if (at(other) !== labels[i]) out[i] = labels[i];
      }
    }
  }
  return out;
}

test("outlines are the voxels beside another label in their slice", () => {
  const shape = [7, 6, 5];
  // Blocks, so that some voxels lie within a structure.
  const labels = Uint8Array.from({ length: 210 }, (_, i) => {
    const [x, y, z] = [i % 7, Math.floor(i / 7) % 6, Math.floor(i / 42)];
    return x < 4 && y > 0 ? 1 + Number(z > 2) : y > 3 ? 3 : 0;
  });
  for (const axis of [0, 1, 2]) {
    const outline = grid.outlineOf(labels, shape, axis);
    assert.deepEqual(outline, slowOutline(labels, shape, axis));
    assert.ok(outline.some((label, i) => label !== labels[i]));
  }
});
