import assert from "node:assert/strict";
import { test } from "node:test";

import { LIT, PICKED, cellMarks, codesOf, litCodes } from "../../app/tabs/codebook/marks.js";
import { hintInWords, markedInWords, titleInWords } from "../../app/tabs/codebook/slice_words.js";
import { madeUpPresence } from "./codebook_made_up.js";
import { strokeBetween } from "../../app/tabs/codebook/stroke.js";

/** @type {{grid_of_tokens: [number, number], levels: number}} */
const GRIDS = { grid_of_tokens: [1, 3], levels: 2 };
// Two levels of three cells.
const CODES = Int32Array.from([1, 2, 3, 4, 5, 1]);

/** @param {Int32Array | null} codes */
const onShow = (codes) =>
  /** @type {any} */ ({
    scan: { planes: { coronal: { acquired: false }, axial: { acquired: true } } },
    request: { plane: "axial", index: 3 },
    codes,
  });

test("the code of the card is lit with the marked ones", () => {
  assert.deepEqual(litCodes({ selected: [1, 2], picked: 5 }), new Set([1, 2, 5]));
  assert.deepEqual(litCodes({ selected: [1], picked: null }), new Set([1]));
  assert.deepEqual(litCodes({ selected: [], picked: 0 }), new Set([0]));
});

test("a cell is marked if any of its levels carries a marked code", () => {
  assert.deepEqual([...cellMarks(CODES, GRIDS, new Set([1]), null)], [LIT, 0, LIT]);
  assert.deepEqual([...cellMarks(CODES, GRIDS, new Set([5]), null)], [0, LIT, 0]);
});

test("the code of the card outshines marked codes of other levels", () => {
  assert.deepEqual([...cellMarks(CODES, GRIDS, new Set([1, 4]), 4)], [PICKED, 0, LIT]);
  assert.deepEqual([...cellMarks(CODES, GRIDS, new Set([4, 1]), 1)], [PICKED, 0, PICKED]);
});

test("cells give their codes of all levels, each once and in order", () => {
  assert.deepEqual(codesOf([2, 0], CODES, GRIDS), [1, 3, 4]);
  assert.deepEqual(codesOf([], CODES, GRIDS), []);
});

test("the title tells the slice and how many different codes it has", () => {
  assert.equal(titleInWords(onShow(CODES)), "Axial slice 3 · 5 codes");
  assert.equal(titleInWords(onShow(null)), "Axial slice 3");
});

test("the hint tells what is lit, or what can be done", () => {
  assert.equal(hintInWords(onShow(CODES), 2, 1), "1 cell of this slice lit");
  assert.equal(hintInWords(onShow(CODES), 2, 1234), "1,234 cells of this slice lit");
  assert.match(hintInWords(onShow(CODES), 0, 0), /^Click a cell/);
  assert.equal(hintInWords(onShow(null), 2, 0), "Only acquired slices have tokens. Choose the axial plane.");
});

test("marked codes are counted, with their tokens of the scan where these are known", () => {
  assert.equal(markedInWords([3], null), "1 code marked");
  assert.equal(markedInWords([0, 3], madeUpPresence()), "2 codes marked · 27 tokens of this scan");
});

test("a stroke leaves out no cell between two events", () => {
  const at = (/** @type {number} */ clientX, /** @type {number} */ clientY) => ({ clientX, clientY });
  assert.deepEqual(strokeBetween(null, at(3, 4)), [at(3, 4)]);
  const path = [at(0, 0), ...strokeBetween(at(0, 0), at(300, -40))];
  assert.deepEqual(path.at(-1), at(300, -40));
  for (const [i, { clientX, clientY }] of path.slice(1).entries()) {
    assert.ok(Math.hypot(clientX - path[i].clientX, clientY - path[i].clientY) <= 1);
  }
});
