import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "../../app/tabs/see/change_words.js";
import { isMove } from "../../app/tabs/see/changed.js";
import { becomings, boxes, GONE, replacedCells, rim, SAME } from "../../app/tabs/see/changed_pixels.js";
import { ownersOf } from "../../app/web/cells.js";
import "./named_structures.js";
import { controlsOf, planeOf, scanOf } from "./scans.js";

const SHAPE = /** @type {[number, number]} */ ([5, 7]);

/**
 * Numbers from 0 to below a bound that are the same at every run.
 * @param {number} count
 * @param {number} below
 */
const numbers = (count, below) => Uint8Array.from({ length: count }, (_, i) => ((i * 7919 + 13) % 101) % below);

/**
 * The pixels that a path of boxes covers, each as often as it is covered.
 * @param {string} path
 * @param {readonly number[]} shape
 */
function covered(path, [rows, columns]) {
  const counts = new Uint8Array(rows * columns);
  for (const [, left, top, right, bottom] of path.matchAll(/M(\S+) (\S+)H(\S+)V(\S+)H\1Z/g)) {
    for (let row = Number(top); row < Number(bottom); row++) {
      for (let column = Number(left); column < Number(right); column++) counts[row * columns + column]++;
    }
  }
  return counts;
}

test("a pixel is marked where its label is another one than at epsilon 0, by what it is now", () => {
  const labels = Uint8Array.of(0, 1, 2, 0, 2, 1);
  const clean = Uint8Array.of(0, 1, 1, 2, 0, 2);
  assert.deepEqual([...becomings(labels, clean, [false, true, true])], [SAME, SAME, 2, GONE, 2, 1]);
});

test("of a structure that is not drawn nothing is marked, and what becomes it is gone", () => {
  const labels = Uint8Array.of(2, 0, 2, 1);
  const clean = Uint8Array.of(0, 2, 1, 2);
  assert.deepEqual([...becomings(labels, clean, [false, true, false])], [SAME, SAME, GONE, 1]);
});

test("boxes cover the chosen pixels once and no others", () => {
  const chosen = numbers(35, 2);
  assert.deepEqual(
    covered(
      boxes((at) => chosen[at] === 1, SHAPE),
      SHAPE,
    ),
    chosen,
  );
  assert.equal(
    boxes(() => false, SHAPE),
    "",
  );
});

test("the rim is every side between a chosen pixel and one that is not, the picture's edge included", () => {
  const chosen = numbers(35, 2);
  const [rows, columns] = SHAPE;
  const has = (/** @type {number} */ row, /** @type {number} */ column) =>
    row >= 0 && row < rows && column >= 0 && column < columns && chosen[row * columns + column] === 1;
  const expected = new Set();
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column <= columns; column++) {
      if (has(row, column) !== has(row - 1, column)) expected.add(`${column} ${row} level`);
      if (has(row, column) !== has(row, column - 1)) expected.add(`${column} ${row} upright`);
    }
  }
  const sides = new Set();
  for (const [, x, y, way, end] of rim((at) => chosen[at] === 1, SHAPE).matchAll(/M(\d+) (\d+)([HV])(\d+)/g)) {
    const from = Number(way === "H" ? x : y);
    for (let at = from; at < Number(end); at++) sides.add(way === "H" ? `${at} ${y} level` : `${x} ${at} upright`);
  }
  assert.deepEqual(sides, expected);
});

test("the cells of replaced tokens cover their pixels, however the slice is turned", () => {
  for (const transpose of [false, true]) {
    for (const flip of /** @type {[boolean, boolean][]} */ ([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])) {
      const shape = /** @type {[number, number]} */ (transpose ? [8, 6] : [6, 8]);
      const scan = scanOf({ levels: 2, planes: { axial: planeOf({ shape, transpose, flip }) } });
      const clean = new Int32Array(24);
      const codes = Int32Array.from(numbers(24, 3), (value) => (value === 0 ? 1 : 0));
      const isReplaced = (/** @type {number} */ at) => codes[at % 12] + codes[12 + (at % 12)] > 0;
      const expected = Uint8Array.from(ownersOf(scan, "axial"), (at) => (isReplaced(at) ? 1 : 0));
      assert.deepEqual(covered(replacedCells(scan, "axial", clean, codes), shape), expected);
    }
  }
});

test("planes that cut through many grids have no cells", () => {
  assert.equal(replacedCells(scanOf(), "coronal", null, null), "");
});

/** @param {Partial<import("../../app/web/types").PageState>} more */
const stateOf = (more = {}) =>
  /** @type {import("../../app/web/types").PageState} */ ({
    ...controlsOf(),
    reach: null,
    edits: [],
    lit: [],
    ...more,
  });

test("a move is another epsilon or reach on the same picture", () => {
  assert.ok(isMove(stateOf(), stateOf({ strength: 0.1 })));
  assert.ok(isMove(stateOf(), stateOf({ chosenReach: 8 })));
  assert.ok(!isMove(null, stateOf({ strength: 0.1 })));
  assert.ok(!isMove(stateOf(), stateOf({ opacity: 1, seed: 4 })));
  assert.ok(!isMove(stateOf(), stateOf({ strength: 0.1, index: 3 })));
  assert.ok(!isMove(stateOf(), stateOf({ strength: 0.1, plane: "coronal" })));
  assert.ok(!isMove(stateOf(), stateOf({ strength: 0.1, scan: scanOf({ token: "t2" }) })));
});

const REPLACEMENTS = { resample: "another codeword", shuffle: "another token of the slice" };
const REACH = { own: 4.2, last: 4095, opening: null, modes: ["resample"] };

/**
 * @param {Partial<Parameters<typeof told>[0]>} asked
 * @param {Partial<Parameters<typeof told>[1]>} frame
 * @param {string[]} structures
 */
function sentence(asked = {}, frame = {}, structures = ["RV", "MYO", "LV"]) {
  const scan = { classes: ["background", ...structures], reach: REACH };
  return told(
    { strength: 0.5, mode: "resample", edits: [], reach: null, ...asked },
    { replaced_share: 0.5, changed_share: 0.012, ...frame },
    scan,
    REPLACEMENTS,
  );
}

test("the sentence says how many tokens are replaced, by what, and what that changed", () => {
  const expected =
    "100 % of the tokens replaced, each by one of about 4 lookalikes: 1.2 % of the pixels of the right ventricle, myocardium and left ventricle changed.";
  assert.equal(sentence({ strength: 1 }, { replaced_share: 1 }), expected);
  assert.match(sentence({}, {}, ["nodule"]), /: 1\.2 % of the lung nodule's pixels changed\.$/);
  assert.match(sentence({}, {}, ["a", "b", "c", "d", "e"]), /: 1\.2 % of the pixels of the structures changed\.$/);
});

test("the sentence says how far a token is replaced", () => {
  const by = (/** @type {Parameters<typeof sentence>[0]} */ asked) => /each by (.*):/.exec(sentence(asked))?.[1];
  assert.equal(by({ reach: 1 }), "its nearest codeword");
  assert.equal(by({ reach: 1.6 }), "one of about 2 lookalikes");
  assert.equal(by({ reach: 1000 }), "one of about 1,000 codewords");
  assert.equal(by({ reach: 4094.9 }), "any codeword");
  assert.equal(by({ mode: "shuffle" }), "another token of the slice");
});

test("the sentence says when nothing has changed, when there is no structure, and what a hand has done", () => {
  assert.match(
    sentence({}, { changed_share: 0 }),
    /: none of the pixels of the right ventricle, myocardium and left ventricle changed\.$/,
  );
  assert.match(sentence({}, { changed_share: 0.0001 }), /: 0\.010 % of the pixels of/);
  assert.match(
    sentence({}, { changed_share: null }),
    /: there is no right ventricle, myocardium or left ventricle in this picture\.$/,
  );
  assert.match(sentence({ strength: 0, edits: [[0, 0, 3]] }), /^50\.0 % of the tokens replaced by hand: 1\.2 %/);
});

test("at epsilon 0 the sentence says what to move", () => {
  assert.match(sentence({ strength: 0 }, { replaced_share: 0, changed_share: 0 }), /Move epsilon .* reach/);
});
