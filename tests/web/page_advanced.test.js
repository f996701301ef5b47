import assert from "node:assert/strict";
import { test } from "node:test";
import { setApart } from "../../app/page/advanced.js";

const scan = { checkpoint: "first", brought: "" };
const plain = { mode: "resample", seed: 0, range: "network", convention: "radiological", scan };

test("nothing is said of folded settings that are as the page opens", () => {
  assert.equal(setApart(plain, "first"), "");
});

test("folded settings that are set are named", () => {
  const settings = { ...plain, mode: "shuffle", seed: 7, range: "lung", convention: "neurological" };
  assert.equal(setApart(settings, "first"), "shuffle, seed 7, window, neurological");
});

test("a checkpoint is named unless the example has brought it", () => {
  assert.equal(setApart({ ...plain, scan: { checkpoint: "second", brought: "" } }, "first"), "another checkpoint");
  assert.equal(setApart({ ...plain, scan: { checkpoint: "second", brought: "Nodules" } }, "first"), "");
});
