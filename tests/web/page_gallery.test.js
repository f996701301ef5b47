import assert from "node:assert/strict";
import { test } from "node:test";

import { creditOf } from "../../app/page/gallery.js";
import { neighbourOf } from "../../app/page/gallery_order.js";

// 0 1 2 3
// 4 5
// 6 7 8 9
const ROWS = [4, 2, 4];

test("arrow keys lead to the card beside, above and below, and to the last one of a shorter row", () => {
  const ways = { ArrowRight: 6, ArrowLeft: 4, ArrowUp: 1, ArrowDown: 7, Home: 0, End: 9 };
  for (const [key, to] of Object.entries(ways)) assert.equal(neighbourOf(ROWS, 5, key), to);
  assert.equal(neighbourOf(ROWS, 3, "ArrowDown"), 5);
  assert.equal(neighbourOf(ROWS, 9, "ArrowUp"), 5);
});

test("at the ends and for other keys there is no way", () => {
  for (const key of ["ArrowLeft", "ArrowUp"]) assert.equal(neighbourOf(ROWS, 0, key), null);
  for (const key of ["ArrowRight", "ArrowDown"]) assert.equal(neighbourOf(ROWS, 9, key), null);
  assert.equal(neighbourOf(ROWS, 5, "Enter"), null);
});

test("every card can be reached by the keys to the right and down", () => {
  let at = 0;
  for (let next = neighbourOf(ROWS, at, "ArrowRight"); next !== null; next = neighbourOf(ROWS, at, "ArrowRight"))
    at = next;
  assert.equal(at, 9);
  assert.equal(neighbourOf(ROWS, /** @type {number} */ (neighbourOf(ROWS, 0, "ArrowDown")), "ArrowDown"), 6);
});

test("the credit names the source with its licence, and nothing where nothing is known", () => {
  const told = { credit: "Somebody 2009", licence: "CC0 1.0", note: "Truth: LV." };
  assert.equal(creditOf(told), "Somebody 2009, CC0 1.0. Truth: LV.");
  assert.equal(creditOf({ credit: "", licence: "", note: "" }), "");
});
