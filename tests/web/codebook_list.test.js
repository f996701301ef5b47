import assert from "node:assert/strict";
import { test } from "node:test";

import { signed } from "../../app/tabs/codebook/card_sections.js";
import { COLUMNS, asCsv, listedCodes, sortBy } from "../../app/tabs/codebook/listing.js";
import { replacementInWords } from "../../app/tabs/codebook/neighbours.js";
import { byClass, classTraces, frequencyTraces, plain } from "../../app/tabs/codebook/usage_traces.js";
import { madeUpBook, madeUpPresence } from "./codebook_made_up.js";

/**
 * @param {string} filter
 * @param {import("../../app/tabs/codebook/types").Sort} [sort]
 */
const listed = (filter, sort = { column: "rank", rising: true }) =>
  listedCodes({ book: madeUpBook(), presence: madeUpPresence(), selected: [5, 0] }, filter, sort);

test("filters keep the codes that they name", () => {
  assert.deepEqual(listed("all"), [3, 1, 5, 2, 0, 4]);
  assert.deepEqual(listed("dead"), [0, 4]);
  // LV has 60 % of code 2's tokens, which single precision rounds up.
  assert.deepEqual(listed("impure"), []);
  assert.deepEqual(listed("rare"), [2]);
  assert.deepEqual(listed("here"), [3, 2, 0]);
  assert.deepEqual(listed("new"), [0]);
  assert.deepEqual(listed("marked"), [5, 0]);
});

test("an impure code has no class with 60 % of its tokens", () => {
  const book = madeUpBook();
  book.purity[1] = 0.59;
  const known = { book, presence: null, selected: [] };
  assert.deepEqual(listedCodes(known, "impure", { column: "code", rising: true }), [1]);
});

test("codes without a purity come last, whichever way the list is ordered", () => {
  assert.deepEqual(listed("all", { column: "purity", rising: true }), [2, 1, 3, 5, 0, 4]);
  assert.deepEqual(listed("all", { column: "purity", rising: false }), [3, 5, 1, 2, 0, 4]);
});

test("a second click on a column turns its order round", () => {
  const first = sortBy({ column: "rank", rising: true }, "tokens");
  assert.deepEqual(first, { column: "tokens", rising: false });
  assert.deepEqual(sortBy(first, "tokens"), { column: "tokens", rising: true });
  assert.deepEqual(sortBy(first, "purity"), { column: "purity", rising: true });
});

test("a cell of a code that was never chosen says so by a dash", () => {
  const known = { book: madeUpBook(), presence: null };
  const row = Object.values(COLUMNS).map(({ tell }) => tell(known, 0));
  assert.deepEqual(row, ["0", "–", "0", "–", "–", "–"]);
});

test("CSV has a row a code with counts, shares and neighbour, and quotes what would break a row", () => {
  const book = { ...madeUpBook(), classes: ["back,ground", 'R"V', "LV"] };
  const spacing = { nearest: Int32Array.from([1, 0, 3, 2, 5, 4]), distances: new Float32Array(6).fill(0.25) };
  const [head, first, second, third] = asCsv({ book, presence: madeUpPresence(), spacing }, [3, 0, 1]).split("\n");
  assert.equal(
    head,
    'code,class,"tokens_back,ground","tokens_R""V",tokens_LV,"share_back,ground","share_R""V",share_LV,' +
      "tokens,rank,purity,tokens_in_scan,nearest_code,distance_to_nearest",
  );
  assert.equal(first, '3,"back,ground",500,0,0,1.0000,0.0000,0.0000,500,1,1.0000,20,2,0.2500');
  assert.equal(second, "0,,0,0,0,,,,0,5,,7,1,0.2500");
  assert.equal(third, '1,"back,ground",90,5,5,0.9000,0.0500,0.0500,100,2,0.9000,0,0,0.2500');
  assert.equal(asCsv({ book, presence: null }, [0]).split("\n")[1], "0,,0,0,0,,,,0,5,,,,");
});

test("usage is drawn by rank", () => {
  const [curve] = frequencyTraces(madeUpBook());
  assert.deepEqual(curve.x, [1, 2, 3, 4]);
  assert.deepEqual(curve.y, [500, 100, 100, 5]);
  assert.deepEqual("customdata" in curve && curve.customdata, [3, 1, 5, 2]);
});

test("codes in use are ordered by class, the purest of each first", () => {
  const book = madeUpBook();
  assert.deepEqual(byClass(book), [3, 1, 5, 2]);
  const rows = classTraces(book, byClass(book), "grey").map((trace) => trace.z[0]);
  assert.deepEqual(rows, [
    [1, 0.9, 0, 0],
    [0, 0.05, 1, 0.4],
    [0, 0.05, 0, 0.6],
  ]);
});

test("plotly reads no markup in a class's name", () => {
  assert.equal(plain("<b>LV%{x}&amp;</b>"), "bLVxamp;/b");
});

test("a change is written with its sign", () => {
  assert.deepEqual([0.01, -0.01, 0].map(signed), ["+0.0100", "−0.0100", "0.0000"]);
});

test("neighbours tell how much of what is replaced they take", () => {
  const words = "With probability 0.60 the code stays. These ten get 75 % of the replacements.";
  assert.equal(replacementInWords(0.4, [0.5, 0.25]), words);
  assert.match(replacementInWords(0, [0.5]), /no code is replaced/);
});
