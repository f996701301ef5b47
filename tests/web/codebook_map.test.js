import assert from "node:assert/strict";
import { test } from "node:test";

import { pathOf, stepAlong } from "../../app/tabs/codebook/keyboard.js";
import { jobInWords } from "../../app/tabs/codebook/layout.js";
import * as traces from "../../app/tabs/codebook/map_traces.js";
import { madeUpBook } from "./codebook_made_up.js";

const PLACED = { points: Float32Array.from([0, 1, 2, 3, 4, 5]), dimensions: 2, key: "umap" };

test("never chosen codes are drawn first, then from the most to the least used", () => {
  assert.deepEqual(traces.drawnOrder(madeUpBook()), [4, 0, 3, 1, 5, 2]);
});

test("a point grows with the usage of its code, if it is to", () => {
  const sizes = traces.pointSizes(madeUpBook(), [0, 2, 1, 3], 2, true);
  assert.equal(sizes[0], 3);
  assert.ok(sizes[1] < sizes[2] && sizes[2] < sizes[3]);
  assert.equal(sizes[3], 9.5);
  assert.deepEqual(traces.pointSizes(madeUpBook(), [0, 2, 3], 2, false), [3, 5, 5]);
  assert.deepEqual(traces.pointSizes(madeUpBook(), [3], 3, false), [3]);
});

test("points of codes lie where the projection has them", () => {
  assert.deepEqual(traces.pointsOf(PLACED, [2, null, 0]), { x: [4, null, 0], y: [5, null, 1] });
  assert.deepEqual(traces.pointsOf({ ...PLACED, dimensions: 3 }, [1]), { x: [3], y: [4], z: [5] });
});

test("lines go from the code of the card to each of its neighbours", () => {
  assert.deepEqual(traces.linksOf(7, [1, 2]), [7, 1, null, 7, 2, null]);
  assert.deepEqual(traces.linksOf(null, [1]), []);
});

test("a pointer names codes of the map and of the marks, nothing else", () => {
  /** @param {number} curveNumber */
  const at = (curveNumber) => ({ points: [{ curveNumber, pointNumber: 1 }] });
  assert.equal(traces.codeOf(at(traces.BASE), [4, 5], [8, 9]), 5);
  assert.equal(traces.codeOf(at(traces.SELECTED), [4, 5], [8, 9]), 9);
  assert.equal(traces.codeOf(at(traces.LINKS), [4, 5], [8, 9]), null);
  assert.equal(traces.codeOf(undefined, [4, 5], [8, 9]), null);
});

test("only the flat map has a tool", () => {
  assert.equal(/** @type {any} */ (traces.mapLayout(PLACED, "lasso")).dragmode, "lasso");
  assert.equal(/** @type {any} */ (traces.mapLayout({ ...PLACED, dimensions: 3 }, "lasso")).scene.dragmode, "orbit");
});

test("axes share no object, since plotly writes their ranges into them", () => {
  const { xaxis, yaxis } = /** @type {any} */ (traces.mapLayout(PLACED, "pan"));
  assert.notEqual(xaxis, yaxis);
});

test("arrow keys walk through all codes by rank, or through the marked ones", () => {
  const book = madeUpBook();
  assert.deepEqual([...Array.from(pathOf(book, []))], [...book.order]);
  assert.deepEqual(Array.from(pathOf(book, [5, 2, 3])), [3, 5, 2]);
});

test("a walk begins at the first code, whichever key began it, and ends with the last", () => {
  const path = [30, 10, 20];
  assert.equal(stepAlong(path, null, -1), 30);
  assert.equal(stepAlong(path, 30, 1), 10);
  assert.equal(stepAlong(path, 30, -1), 30);
  assert.equal(stepAlong(path, 10, 20), 20);
  // Not among the marked ones: the walk begins anew.
  assert.equal(stepAlong(path, 99, 1), 30);
});

test("a projection that is computed tells how far it is", () => {
  assert.equal(jobInWords({ share: 0.5, seconds: 2.4 }), "Computing the projection 50 % · 2 s");
  assert.equal(jobInWords({ share: null, seconds: 0 }), "Computing the projection · 0 s");
  assert.equal(jobInWords({ waiting: true, seconds: 9 }), "Waiting for another projection · 9 s");
});
