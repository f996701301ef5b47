import assert from "node:assert/strict";
import { test } from "node:test";

import { classShares, purities, ranks } from "../../app/tabs/codebook/book.js";
import { codeInWords, mixInWords, usageInWords } from "../../app/tabs/codebook/words.js";
import { madeUpBook, madeUpPresence } from "./codebook_made_up.js";

test("codes are ranked by usage, equally used ones by their number", () => {
  const { order, rank } = ranks(Float64Array.from([5, 9, 5, 0]));
  assert.deepEqual([...order], [1, 0, 2, 3]);
  assert.deepEqual([...rank], [2, 1, 3, 4]);
});

test("purity is the share of the largest class, unknown where nothing was counted", () => {
  const { majority, purity } = purities(Float64Array.from([10, 0]), Float64Array.from([1, 6, 3, 0, 0, 0]), 3);
  assert.deepEqual([...majority], [1, -1]);
  assert.equal(purity[0], Math.fround(0.6));
  assert.ok(Number.isNaN(purity[1]));
});

test("shares of a code's classes leave out the classes it does not have", () => {
  assert.deepEqual(classShares(madeUpBook(), 2), [
    [1, 0.4],
    [2, 0.6],
  ]);
  assert.deepEqual(classShares(madeUpBook(), 0), []);
});

test("a mix begins with the largest class", () => {
  assert.equal(mixInWords(madeUpBook(), 2), "LV 60 %, RV 40 %");
  assert.equal(mixInWords(madeUpBook(), 0), "never chosen");
});

test("a code's usage names the scan only where its tokens are known", () => {
  assert.deepEqual(usageInWords(madeUpBook(), null, 3), ["rank 1", "500 tokens"]);
  assert.deepEqual(usageInWords(madeUpBook(), madeUpPresence(), 0), ["never chosen", "7 in this scan"]);
  const said = "code 3, rank 1, 500 tokens, 20 in this scan, background 100 %";
  assert.equal(codeInWords(madeUpBook(), madeUpPresence(), 3), said);
});
