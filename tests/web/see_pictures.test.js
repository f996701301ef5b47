import assert from "node:assert/strict";
import { test } from "node:test";

import { difference, differenceOfColours } from "../../app/tabs/see/panels.js";
import { readout } from "../../app/tabs/see/status.js";
import { cellAt, ownersOf } from "../../app/web/cells.js";
import { lightPixels, litTokens } from "../../app/web/lit.js";
import { scanOf } from "./scans.js";

test("the difference has no sign", () => {
  assert.deepEqual([...difference(Uint8Array.of(10, 200, 7), Uint8Array.of(30, 100, 7))], [20, 100, 0]);
});

test("a gain makes the difference brighter, up to white", () => {
  assert.deepEqual([...difference(Uint8Array.of(10, 200, 7), Uint8Array.of(30, 100, 7), 4)], [80, 255, 0]);
});

test("the difference of colours is their mean in grey", () => {
  const [one, other] = [Uint8Array.of(10, 20, 30, 0, 0, 0), Uint8Array.of(13, 14, 30, 90, 0, 0)];
  assert.deepEqual([...differenceOfColours(one, other)], [3, 30]);
  assert.deepEqual([...differenceOfColours(one, other, 10)], [30, 255]);
});

test("pixels are lit whose token carries a lit code in any level", () => {
  const scan = scanOf({ levels: 2 });
  const codes = new Int32Array(24).fill(1);
  codes[0] = 9; // the first level's token at 0, 0
  codes[12 + 11] = 9; // the second level's token at 2, 3
  const out = new Uint8ClampedArray(4 * 48).fill(100);
  lightPixels(out, ownersOf(scan, "axial"), litTokens(codes, scan, [9]));
  const lit = Array.from({ length: 48 }, (_, i) => i).filter((i) => out[4 * i] !== 100);
  const expected = Array.from({ length: 48 }, (_, i) => i).filter((i) => {
    const { row, column } = /** @type {{row: number, column: number}} */ (
      cellAt(scan, "axial", Math.floor(i / 8), i % 8)
    );
    return (row === 0 && column === 0) || (row === 2 && column === 3);
  });
  assert.deepEqual(lit, expected);
  assert.deepEqual([...out.subarray(0, 4)], [177, 96, 150, 100]);
});

/** @param {number[]} codes of the first tokens, after the perturbation */
const shownWith = (codes) =>
  /** @type {any} */ ({
    values: Float32Array.of(0.123456789, 5),
    frame: {
      labels: Uint8Array.of(1, 0),
      clean_codes: Int32Array.of(4, 5),
      codes: codes.length ? Int32Array.from(codes) : null,
    },
  });

test("a pixel is told with its value, label and token", () => {
  const pixel = { row: 0, column: 0, at: 0 };
  const cell = { row: 0, column: 0, at: 0 };
  const told = "row 0, column 0 · value 0.12346 · RV";
  assert.equal(readout(pixel, shownWith([8, 5]), scanOf(), cell), told + " · token 0, 0: code 4 → 8");
  assert.equal(readout(pixel, shownWith([4, 5]), scanOf(), cell), told + " · token 0, 0: code 4");
  assert.equal(readout(pixel, shownWith([]), scanOf(), cell), told);
  assert.equal(readout(pixel, shownWith([8, 5]), scanOf(), null), told);
});
