import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { agreementOf, differences } from "../../app/tabs/perturb/agreement.js";

const pairs = JSON.parse(readFileSync(new URL("../fixtures/agreement.json", import.meta.url), "utf8"));
/** @typedef {import("../../app/tabs/perturb/agreement.js").Settings} Settings */

/** @type {Settings} */
const settings = { strength: 0.2, mode: "resample", seed: 0, edits: [], reach: 8 };

for (const { name, classes, one, other, dice, same } of pairs) {
  test("label pictures agree as in Python: " + name, () => {
    const found = agreementOf(Uint8Array.from(one), Uint8Array.from(other), classes);
    assert.ok(Math.abs(found.dice - dice) < 1e-12, found.dice + " instead of " + dice);
    assert.ok(Math.abs(found.same - same) < 1e-12, found.same + " instead of " + same);
  });
}

test("the same settings do not differ", () => {
  assert.deepEqual(differences(settings, { ...settings, edits: [] }), []);
});

test("what differs is said in words, first of one, then of the other", () => {
  /** @type {Settings} */
  const other = { strength: 0.8, mode: "shuffle", seed: 3, edits: [[1, 2, 3]], reach: null };
  assert.deepEqual(differences(settings, other), [
    ["ε 0.20", "ε 0.80"],
    ["reach 8", "own reach"],
    ["resample", "shuffle"],
    ["seed 0", "seed 3"],
    ["0 forced", "1 forced"],
  ]);
});

test("as many forced tokens differ if they are others; one that is forced twice counts once", () => {
  /** @type {Settings["edits"]} */
  const twice = [
    [1, 2, 3],
    [1, 2, 4],
  ];
  assert.deepEqual(differences({ ...settings, edits: twice }, { ...settings, edits: [[0, 0, 4]] }), [
    ["1 forced", "1 forced"],
  ]);
});
