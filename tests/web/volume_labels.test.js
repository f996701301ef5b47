/* The labels of the Volume tab: what is shown before they are decoded. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createLabels } from "../../app/tabs/volume/labels.js";

/** @param {number} voxels */
const figures = (voxels) => [{ voxels, millilitres: null, dice: 1, truth: null }];
/** @param {number} voxels */
const volume = (voxels) => /** @type {any} */ ({ about: { figures: figures(voxels) }, voxels: new Uint8Array(1) });
const page = /** @type {any} */ ({
  scan: { token: "t", truth: false },
  strength: 0.4,
  mode: "resample",
  seed: 0,
  reach: null,
  lit: [],
});

/** Labels of a source that tells figures on the way. @param {unknown[]} seen what is shown at every change */
function labelsOf(seen) {
  /** @type {any} */
  const source = {
    has: () => false,
    /** @param {any} request @param {import("../../app/tabs/volume/types").Waiting} waiting */
    async get(request, { progress }) {
      if (!request.strength) return volume(10);
      progress(0.2);
      progress(0.5, figures(7));
      return volume(5);
    },
  };
  /** @type {ReturnType<typeof createLabels>} */
  const labels = createLabels({
    source,
    note: () => {},
    progress: () => {},
    changed: () => seen.push([labels.isThere, labels.shown?.kind, labels.soFar?.figures[0].voxels ?? null]),
  });
  return labels;
}

/** @param {unknown[]} seen @param {number} count */
async function until(seen, count) {
  while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("what is known is shown at once, figures follow slice by slice, the labels come last", async () => {
  /** @type {unknown[]} */
  const seen = [];
  const labels = labelsOf(seen);
  labels.want(page, "present", 0);
  await until(seen, 3);
  assert.deepEqual(seen, [
    [false, "clean", null],
    [false, "clean", 7],
    [true, "present", null],
  ]);
});

test("the labels on show stay until others are there", async () => {
  /** @type {unknown[]} */
  const seen = [];
  const labels = labelsOf(seen);
  labels.want(page, "present", 0);
  await until(seen, 3);
  labels.want({ ...page, seed: 1 }, "present", 0);
  await until(seen, 5);
  assert.deepEqual(seen.slice(3), [
    [true, "present", 7],
    [true, "present", null],
  ]);
});
