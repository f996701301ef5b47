import assert from "node:assert/strict";
import { test } from "node:test";

import * as measures from "../../app/tabs/codebook/measures.js";
import { search } from "../../app/tabs/codebook/search.js";
import * as facts from "../../app/tabs/codebook/selection_facts.js";
import * as text from "../../app/tabs/codebook/selection_text.js";
import { madeUpBook, madeUpPresence } from "./codebook_made_up.js";

const SPACING = {
  nearest: Int32Array.from([1, 0, 3, 2, 5, 4]),
  distances: Float32Array.from([0.5, 0.5, 1, 1, 8, 8]),
};
const known = { book: madeUpBook(), presence: madeUpPresence(), spacing: SPACING };

/** @param {number} seed a linear congruential generator: the same numbers in every run */
function* drawn(seed) {
  for (let state = seed; ;) {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    yield state / 2 ** 32;
  }
}

/**
 * @param {string} wanted
 * @param {number[]} codes
 * @param {string[]} [unread]
 */
const finds = (wanted, codes, unread = []) => assert.deepEqual(search(wanted, known), { codes, unread }, wanted);

test("numbers and ranges add up, in any of the usual spellings", () => {
  finds("3", [3]);
  finds("1, 3-5", [1, 3, 4, 5]);
  finds("5 1;3", [1, 3, 5]);
  finds("2 – 4", [2, 3, 4]);
  assert.equal(search("  , ", known), null);
});

test("conditions narrow down what the numbers name, and one another", () => {
  finds("dead", [0, 4]);
  finds("here", [0, 2, 3]);
  finds("dead here", [0]);
  finds("0-2 here", [0, 2]);
  finds("here>5", [0, 3]);
  finds("purity < .95", [1, 2]);
  finds("purity<=90%", [1, 2]);
  finds("usage>=100", [1, 3, 5]);
  finds("nearest=.5", [0, 1]);
  finds("class=LV", [2]);
  finds("rv > .3", [2, 5]);
  finds("usage=500", [3]);
});

test("what is not understood is told, and the rest still counts", () => {
  finds("3 wombat", [3], ["wombat"]);
  finds("6", [], ["6"]);
  finds("5-3", [], ["5-3"]);
  finds("purity<high here", [0, 2, 3], ["purity<high"]);
  finds("class=lung", [], ["class=lung"]);
});

test("every code stands in the bar whose edges enclose its value", () => {
  const { usage, purity, nearest } = measures.histogramsOf(known.book, SPACING);
  assert.ok(usage && purity && nearest);
  for (const [histogram, value] of /** @type {const} */ ([
    [usage, (/** @type {number} */ code) => known.book.counts[code]],
    [purity, (/** @type {number} */ code) => known.book.purity[code]],
    [nearest, (/** @type {number} */ code) => SPACING.distances[code]],
  ])) {
    assert.equal(histogram.edges.length, measures.BARS + 1);
    for (let code = 0; code < known.book.size; code++) {
      const bar = histogram.bars[code];
      if (Number.isNaN(value(code))) assert.equal(bar, measures.NO_BAR);
      else {
        assert.ok(histogram.edges[bar] <= value(code) * 1.00001);
        assert.ok(value(code) <= histogram.edges[bar + 1] * 1.00001);
      }
    }
  }
  assert.equal(usage.bars[0], 0, "codes that were never chosen have a bar of their own");
  assert.ok(usage.bars[2] > 0);
});

test("a purity that single precision rounded belongs to the bar that begins with it", () => {
  const edges = Array.from({ length: measures.BARS + 1 }, (_, i) => i / measures.BARS);
  edges.forEach((edge, i) => assert.equal(measures.barOf(edges, Math.fround(edge)), Math.min(i, measures.BARS - 1)));
});

test("brushes hold back exactly the codes of other bars, and the isolation all others", () => {
  const histograms = measures.histogramsOf(known.book, SPACING);
  const { size } = known.book;
  assert.equal(measures.passingCodes(size, histograms, {}, null), null);
  const impure = measures.passingCodes(size, histograms, { purity: [0, 19] }, null);
  assert.deepEqual([...(impure ?? [])], [0, 1, 1, 0, 0, 0]);
  const dead = measures.passingCodes(size, histograms, { usage: [0, 1] }, [4, 5]);
  assert.deepEqual([...(dead ?? [])], [0, 0, 0, 0, 1, 0]);
  assert.equal(measures.passingCodes(size, {}, { nearest: [0, 1] }, null), null);
});

test("the selection is what was chosen, as far as it passes; without a choice it is all that passes", () => {
  const passing = Uint8Array.from([0, 1, 1, 0]);
  assert.deepEqual(measures.selectionOf(null, null), []);
  assert.deepEqual(measures.selectionOf([0, 3], null), [0, 3]);
  assert.deepEqual(measures.selectionOf(null, passing), [1, 2]);
  assert.deepEqual(measures.selectionOf([0, 2], passing), [2]);
});

test("bars count every code that has a value once", () => {
  const { purity } = measures.histogramsOf(known.book, null);
  assert.ok(purity);
  assert.equal(
    measures.countedBars(purity, [0, 1, 2, 3, 4, 5]).reduce((sum, count) => sum + count, 0),
    4,
  );
  assert.equal(measures.histogramsOf(known.book, null).nearest, undefined);
});

test("a brush has its ends in order and at least one bar; over all bars it is none", () => {
  assert.deepEqual(measures.brushBetween(5, 3), [3, 5]);
  assert.deepEqual(measures.brushBetween(7, 7), [7, 8]);
  assert.deepEqual(measures.brushBetween(20, 20), [19, 20]);
  assert.equal(measures.brushBetween(-3, 99), null);
});

test("any codes come back from their text", () => {
  const numbers = drawn(1);
  for (let round = 0; round < 200; round++) {
    const [size, share] = [1 + Math.floor(Number(numbers.next().value) * 20000), Number(numbers.next().value)];
    // Runs and scattered codes alike.
    const length = 1 + Math.floor(Number(numbers.next().value) * 30);
    const codes = [];
    for (let code = 0; code < size; code++) {
      if ((round % 2 ? Math.floor(code / length) % 3 === 0 : true) && Number(numbers.next().value) < share)
        codes.push(code);
    }
    assert.deepEqual(text.codesFromText(text.codesAsText(codes), size), codes);
  }
});

test("the text of codes is short, and safe in an address", () => {
  const all = Array.from({ length: 16384 }, (_, code) => code);
  assert.ok(text.codesAsText(all).length <= 5);
  const scattered = text.codesAsText(all.filter((code) => code % 17 === 0));
  assert.ok(scattered.length <= 2 * Math.ceil(16384 / 17));
  assert.equal(encodeURIComponent(scattered), scattered);
});

test("a broken text is no selection, and codes beyond the codebook are left out", () => {
  assert.equal(text.codesFromText("A", 10), null, "the number ends in the middle");
  assert.equal(text.codesFromText("3", 10), null, "a run without its length");
  assert.equal(text.codesFromText("!", 10), null);
  assert.deepEqual(text.codesFromText(text.codesAsText([3, 8, 9, 12]), 9), [3, 8]);
});

test("brushes and saved selections come back from their text", () => {
  const brushes = {
    usage: /** @type {[number, number]} */ ([0, 1]),
    purity: /** @type {[number, number]} */ ([3, 12]),
  };
  assert.deepEqual(text.brushesFromText(text.brushesAsText(brushes)), brushes);
  assert.equal(text.brushesAsText({}), "");
  assert.deepEqual(text.brushesFromText("weight.1.2_purity.x.3_usage.2"), {});
  const saved = [
    { name: "impure, 2nd try", codes: [1, 5, 6, 7] },
    { name: "ü", codes: [0] },
  ];
  assert.deepEqual(text.savedFromText(text.savedAsText(saved), 10), saved);
  assert.deepEqual(text.savedFromText("a.!~.4~b.0.1~c", 10), []);
  assert.equal(text.plainName(" a.b~c "), "a b c");
});

test("the classes of a selection are those of all its tokens, the largest first", () => {
  const mix = facts.classMix(known.book, [1, 2, 4]);
  assert.deepEqual(
    mix.map(([label]) => label),
    [0, 2, 1],
  );
  mix.forEach(([, share], i) => assert.ok(Math.abs(share - [90, 8, 7][i] / 105) < 1e-12));
  assert.equal(facts.mixInWords(known.book, mix), "background 86 %, LV 8 %, RV 7 %");
  assert.equal(facts.mixInWords(known.book, facts.classMix(known.book, [0, 4])), "never chosen");
});

test("where codes fire is told with the busiest slice", () => {
  assert.equal(facts.firesInWords([0, 3, 1200, 0]), "In 2 of 4 slices, most in slice 2: 1,200 tokens.");
  assert.equal(facts.firesInWords([0, 0]), "They do not fire in this scan.");
});

test("a measurement says over what it was taken, and leaves out structures without a truth", () => {
  const answer = { done: 3, of: 3, tokens: 40, dice: 0.9812, truth_before: [0.9, null], truth_after: [0.85, null] };
  const said = facts.withoutInWords(answer, ["background", "RV", "LV"], 9);
  assert.match(said, /^Dice 0\.981 against the labels with all codes: the mean over the structures of the whole scan/);
  assert.match(said, /40 tokens in 3 of 9 slices/);
  assert.match(said, /Against the ground truth: RV 0\.900 → 0\.850\.$/);
  assert.match(facts.withoutInWords({ done: 0, of: 0, tokens: 0 }, [], 9), /^No token/);
});

test("forced tokens are sorted into their slices, in the order in which they came", () => {
  const lists = facts.editsBySlice(Int32Array.from([2, 0, 1, 7, 0, 5, 5, 8, 2, 3, 3, 9]));
  assert.deepEqual(Object.fromEntries(lists), {
    0: [[5, 5, 8]],
    2: [
      [0, 1, 7],
      [3, 3, 9],
    ],
  });
});
