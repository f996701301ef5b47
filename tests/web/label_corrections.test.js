import "./named_structures.js";
import assert from "node:assert/strict";
import { test } from "node:test";

import { createCorrections } from "../../app/tabs/label/corrections.js";
import { meaningText, mixOf } from "../../app/tabs/label/meaning_words.js";

const NETWORK = Uint8Array.from([0, 1, 1, 0]);
const PAINTED = Uint8Array.from([0, 2, 1, 0]);

/** @param {ReturnType<typeof createCorrections>} corrections @param {string} scan */
const indices = (corrections, scan) => corrections.corrected(scan).map(({ index }) => index);

test("undoing all leaves the network's labels and nothing corrected", () => {
  const corrections = createCorrections();
  corrections.change("scan", 3, NETWORK, { labels: PAINTED });
  corrections.change("scan", 1, NETWORK, { labels: new Uint8Array(4) });
  assert.deepEqual(indices(corrections, "scan"), [1, 3]);
  assert.equal(corrections.undo("scan"), 1);
  assert.equal(corrections.undo("scan"), 3);
  assert.equal(corrections.undo("scan"), null);
  assert.deepEqual(indices(corrections, "scan"), []);
  assert.deepEqual(corrections.sliceAt("scan", 3)?.labels, NETWORK);
  assert.equal(corrections.redo("scan"), 3);
  assert.deepEqual(corrections.sliceAt("scan", 3)?.labels, PAINTED);
  assert.equal(corrections.any(), true);
});

test("a new change ends what could be made again", () => {
  const corrections = createCorrections();
  corrections.change("scan", 0, NETWORK, { labels: PAINTED });
  corrections.undo("scan");
  assert.equal(corrections.canRedo("scan"), true);
  corrections.change("scan", 0, NETWORK, { labels: new Uint8Array(4) });
  assert.equal(corrections.canRedo("scan"), false);
  assert.equal(corrections.redo("scan"), null);
});

test("what changes nothing is no step", () => {
  const corrections = createCorrections();
  assert.equal(corrections.change("scan", 0, NETWORK, { labels: NETWORK.slice() }), false);
  assert.equal(corrections.canUndo("scan"), false);
});

test("a slice that is said to be right counts as corrected, and this is undone too", () => {
  const corrections = createCorrections();
  corrections.change("scan", 2, NETWORK, { isRight: true });
  assert.deepEqual(indices(corrections, "scan"), [2]);
  assert.deepEqual(corrections.corrected("scan")[0].labels, NETWORK);
  corrections.undo("scan");
  assert.deepEqual(indices(corrections, "scan"), []);
});

test("a slice painted back to what it was is not corrected", () => {
  const corrections = createCorrections();
  corrections.change("scan", 0, NETWORK, { labels: PAINTED });
  corrections.change("scan", 0, NETWORK, { labels: NETWORK.slice() });
  assert.deepEqual(indices(corrections, "scan"), []);
  assert.equal(corrections.any(), false);
});

test("scans know nothing of each other", () => {
  const corrections = createCorrections();
  corrections.change("one", 0, NETWORK, { labels: PAINTED });
  assert.equal(corrections.undo("other"), null);
  assert.deepEqual(indices(corrections, "other"), []);
});

test("arrays that were drawn are not written to", () => {
  const corrections = createCorrections();
  corrections.change("scan", 0, NETWORK, { labels: PAINTED });
  const drawn = corrections.sliceAt("scan", 0)?.labels;
  corrections.undo("scan");
  assert.deepEqual(drawn, Uint8Array.from([0, 2, 1, 0]));
  assert.notEqual(corrections.sliceAt("scan", 0)?.labels, drawn);
});

const NAMES = ["background", "RV", "MYO"];

test("a code's mix is told by falling share, in words", () => {
  const counts = Int32Array.from([0, 0, 0, 17, 0, 83]);
  const mix = mixOf(counts, 3, 1);
  assert.deepEqual(mix, [
    { label: 2, share: 0.83 },
    { label: 0, share: 0.17 },
  ]);
  assert.equal(
    meaningText(mix, NAMES),
    "This token's codeword stands for myocardium in 83 % of its training tokens. The others: background 17 %.",
  );
  assert.equal(
    meaningText(mixOf(Int32Array.from([0, 4, 0]), 3, 0), NAMES),
    "This token's codeword stands for right ventricle in 100 % of its training tokens.",
  );
  assert.deepEqual(mixOf(counts, 3, 0), []);
  assert.equal(meaningText([], NAMES), "No training token had this codeword.");
});
