import assert from "node:assert/strict";
import { test } from "node:test";

import { MARK, TEAL, classColour, colouringOf, lacking, seenInSlice } from "../../app/tabs/codebook/colour.js";
import { shareOf, stepColour, viridis } from "../../app/web/ramp.js";
import { madeUpBook, madeUpPresence } from "./codebook_made_up.js";

const GREY = "grey";
const FRAME = /** @type {any} */ ({ codes: Int32Array.from([1, 2]), clean_codes: Int32Array.from([1, 3]) });

/**
 * @param {string} name
 * @returns {string[]} of all codes
 */
function coloursOf(name) {
  const book = madeUpBook();
  const { colour } = colouringOf(name, { book, presence: madeUpPresence(), frame: FRAME, grey: GREY });
  return Array.from({ length: book.size }, (_, code) => colour(code));
}

/** @param {string} name */
const legendOf = (name) =>
  colouringOf(name, { book: madeUpBook(), presence: madeUpPresence(), frame: FRAME, grey: GREY }).legend;

test("viridis goes from its first to its last stop and no further", () => {
  assert.deepEqual(viridis(0), [0x44, 0x01, 0x54]);
  assert.deepEqual(viridis(1), [0xfd, 0xe7, 0x25]);
  assert.deepEqual(viridis(-3), viridis(0));
  assert.deepEqual(viridis(7), viridis(1));
  assert.deepEqual(viridis(0.5), [0x21, 0x91, 0x8c]);
});

test("a step of the ramp is one of 64 colours", () => {
  const colours = new Set(Array.from({ length: 1000 }, (_, i) => stepColour(i / 999)));
  assert.equal(colours.size, 64);
});

test("a share lies between the ends, on a logarithmic ramp by order of magnitude", () => {
  assert.equal(shareOf(3, 2, 4, false), 0.5);
  assert.equal(shareOf(10, 1, 100, true), 0.5);
  // Ends that are the same divide by nothing.
  assert.equal(shareOf(1, 1, 1, false), 0);
});

test("by class, codes have the class's colour and dead ones grey", () => {
  const book = madeUpBook();
  assert.deepEqual(
    coloursOf("class"),
    [...book.majority].map((label) => classColour(book, label, GREY)),
  );
  assert.equal(coloursOf("class")[0], GREY);
  // Black is for pictures.
  assert.notEqual(coloursOf("class")[3], book.colours[0]);
});

test("in use or not has two colours", () => {
  assert.deepEqual(coloursOf("active"), [GREY, TEAL, TEAL, TEAL, GREY, TEAL]);
});

test("tokens of the scan are on a ramp, codes that it lacks grey", () => {
  const colours = coloursOf("scan");
  assert.deepEqual(
    colours.map((colour) => colour === GREY),
    [false, true, false, false, true, true],
  );
  assert.equal(colours[2], stepColour(0));
  assert.equal(colours[3], stepColour(1));
  assert.deepEqual(legendOf("scan"), {
    title: "tokens in this scan",
    low: "1",
    high: "20",
    unknown: [GREY, "not in this scan"],
  });
});

test("codes of the slice are told from those that the perturbation brought in", () => {
  assert.deepEqual([...seenInSlice(5, FRAME)], [0, 1, 2, 1, 0]);
  assert.deepEqual([...seenInSlice(2, null)], [0, 0]);
  assert.deepEqual(coloursOf("slice"), [GREY, TEAL, MARK, TEAL, GREY, GREY]);
});

test("training stages run from the first moment to the last", () => {
  const colours = coloursOf("stage");
  assert.deepEqual([colours[1], colours[3], colours[2]], [stepColour(0), stepColour(0.5), stepColour(1)]);
  assert.equal(colours[0], GREY);
  assert.deepEqual(legendOf("stage"), {
    title: "first in use at step",
    low: "0",
    high: "200",
    unknown: [GREY, "not yet in use"],
  });
});

test("a code whose removal costs most is brightest", () => {
  const colours = coloursOf("ablation");
  assert.deepEqual([colours[5], colours[3], colours[1]], [stepColour(0), stepColour(1), GREY]);
});

test("colourings whose numbers a codebook lacks are named", () => {
  assert.deepEqual(lacking(madeUpBook()), []);
  assert.deepEqual(lacking({ ...madeUpBook(), stage: null, ablated: new Map() }), ["stage", "ablation"]);
});
