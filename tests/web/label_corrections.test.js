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
  assert.equal(corrections.anyUnsaved(), true);
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
  assert.equal(corrections.anyUnsaved(), false);
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

test("a slice of which only something was erased is corrected, down to the last pixel", () => {
  const corrections = createCorrections();
  corrections.change("scan", 0, NETWORK, { labels: Uint8Array.from([0, 1, 0, 0]) });
  corrections.change("scan", 1, NETWORK, { labels: new Uint8Array(4) });
  assert.deepEqual(indices(corrections, "scan"), [0, 1]);
});

test("what a file has is not lost with the page, until the next change", () => {
  const corrections = createCorrections();
  assert.equal(corrections.isSaved("scan"), true);
  corrections.change("scan", 0, NETWORK, { labels: PAINTED });
  assert.equal(corrections.isSaved("scan"), false);
  corrections.saved("scan", corrections.corrected("scan"));
  assert.equal(corrections.isSaved("scan"), true);
  assert.equal(corrections.anyUnsaved(), false);
  corrections.change("scan", 1, NETWORK, { isRight: true });
  assert.equal(corrections.anyUnsaved(), true);
  // Back to what the file has, by other arrays.
  corrections.undo("scan");
  assert.equal(corrections.anyUnsaved(), false);
  corrections.change("scan", 0, NETWORK, { labels: new Uint8Array(4) });
  assert.equal(corrections.anyUnsaved(), true);
  corrections.undo("scan");
  assert.equal(corrections.anyUnsaved(), false);
  // The file has a correction that the page has given up: nothing is left to lose.
  corrections.undo("scan");
  assert.equal(corrections.anyUnsaved(), false);
});

test("what is painted while a file is made is not saved by it", () => {
  const corrections = createCorrections();
  corrections.change("scan", 0, NETWORK, { labels: PAINTED });
  const sent = corrections.corrected("scan");
  corrections.change("scan", 0, NETWORK, { labels: new Uint8Array(4) });
  corrections.saved("scan", sent);
  assert.equal(corrections.isSaved("scan"), false);
  assert.equal(corrections.isSaved("other"), true);
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
