import assert from "node:assert/strict";
import { test } from "node:test";

import {
  figuredOf,
  GONE,
  legendOf,
  labelsOf,
  packedColours,
  shownOf,
  windowOf,
  wishOf,
} from "../../app/tabs/volume/look.js";

/** @typedef {import("../../app/tabs/volume/types").LabelVolume} LabelVolume */

/** @returns {LabelVolume} */
const volume = (/** @type {number[]} */ ...voxels) =>
  /** @type {any} */ ({ about: { figures: [] }, voxels: Uint8Array.from(voxels), shape: [], file: null });
const page = (/** @type {number} */ strength) =>
  /** @type {any} */ ({ scan: { token: "t", truth: true }, strength, mode: "shuffle", seed: 4, reach: 8, lit: [] });

test("at strength 0 the labels are one volume, whatever seed and mode", () => {
  const { clean, present, truth } = wishOf(page(0), "present");
  assert.equal(present, clean);
  assert.deepEqual(clean, { token: "t", part: "labels", strength: 0, mode: "resample", seed: 0, reach: null });
  assert.equal(truth, null);
  assert.deepEqual(wishOf(page(0.3), "truth").present, { ...clean, strength: 0.3, mode: "shuffle", seed: 4, reach: 8 });
  assert.deepEqual(wishOf(page(0.3), "truth").truth, { token: "t", part: "truth", name: "true" });
});

test("a window is the named one in Hounsfield units, the percentiles, or what the network reads", () => {
  /** @type {{window: [number, number], percentiles: [number, number]}} */
  const about = { window: [10, 20], percentiles: [5, 5] };
  /** @type {Record<string, [number, number]>} */
  const windows = { lung: [-600, 1500] };
  assert.deepEqual(windowOf("lung", about, windows), [-1350, 150]);
  assert.deepEqual(windowOf("network", about, windows), [10, 20]);
  const [black, white] = windowOf("percentiles", about, windows);
  assert.ok(black === 5 && white > 5);
});

test("changes have their new label, or one of their own where there is background now", () => {
  const drawn = [false, true, true, false, true, true]; // the last ones are for what is gone, and for lit codes
  const clean = volume(0, 1, 1, 1, 2, 0, 3, 3);
  const present = volume(0, 1, 2, 0, 2, 1, 0, 1);
  assert.deepEqual([...labelsOf({ kind: "changed", clean, present }, drawn)], [0, 0, 2, 4, 0, 1, 0, 1]);
});

test("lit codes are asked for while there are any, and lie over the labels", () => {
  assert.equal(wishOf(page(0.3), "present").lit, null);
  const lit = wishOf({ ...page(0.3), lit: [3, 5] }, "present").lit;
  assert.deepEqual(lit, { token: "t", part: "lit", codes: [3, 5] });
  const [clean, present] = [volume(0, 1, 2), volume(1, 2, 0)];
  const drawn = [false, true, true, true, true];
  assert.deepEqual([...shownOf({ kind: "present", clean, present, lit: volume(0, 1, 1) }, drawn)], [1, 4, 4]);
  assert.equal(shownOf({ kind: "present", clean, present }, drawn), present.voxels);
});

test("the colours of what changed and of lit codes are told, those of the structures are not", () => {
  const scan = { classes: ["background", "RV", "LV"], colours: [GONE, [1, 2, 3], [4, 5, 6]] };
  const shownPage = /** @type {any} */ ({ scan, visible: ["LV"] });
  const lit = volume(1);
  assert.deepEqual(
    legendOf({ kind: "changed" }, shownPage).map(([words]) => words),
    ["now LV", "structure lost"],
  );
  assert.deepEqual(legendOf({ kind: "present" }, shownPage), []);
  assert.equal(legendOf({ kind: "present", lit }, shownPage).length, 1);
  const [clean, present] = [volume(1, 1), volume(1, 2)];
  const changes = shownOf({ kind: "changed", clean, present, lit: volume(1, 1) }, [false, true, true, true, true]);
  assert.deepEqual([...changes], [0, 2]);
});

test("the labels are those that were chosen", () => {
  const [clean, present, truth] = [volume(1), volume(2), volume(3)];
  for (const [kind, chosen] of /** @type {const} */ ([
    ["clean", clean],
    ["present", present],
    ["truth", truth],
  ])) {
    assert.equal(labelsOf({ kind, clean, present, truth }, []), chosen.voxels);
  }
});

test("the figures are those of the labels on show", () => {
  const [clean, present] = [volume(1), volume(2)];
  assert.equal(figuredOf({ kind: "truth", clean, present }), "truth");
  assert.equal(figuredOf({ kind: "clean", clean, present }), "clean");
  assert.equal(figuredOf({ kind: "changed", clean, present }), "present");
  assert.equal(figuredOf({ kind: "present", clean, present: clean }), "clean");
});

test("colours are packed with red in the lowest byte, and nothing where a label is not drawn", () => {
  const look = { scan: { classes: ["background", "one"], colours: [GONE, GONE] }, drawn: [false, true], opacity: 1 };
  const bytes = new Uint8Array(Uint32Array.from(packedColours(look)).buffer);
  assert.deepEqual([...bytes], [0, 0, 0, 0, ...GONE, 255]);
  assert.equal(packedColours({ ...look, opacity: 0.5 })[1] >>> 24, 128);
});
