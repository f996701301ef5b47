import assert from "node:assert/strict";
import { test } from "node:test";

import { boxOf, cellAt, cellBeside, ownersOf } from "../../app/web/cells.js";
import { fixture } from "./fixtures.js";
import { planeOf, scanOf } from "./scans.js";

const CASES = fixture("owners");

test("every displayed pixel belongs to the token that Python says", () => {
  assert.equal(CASES.length, 8);
  for (const { scan, owners } of CASES) {
    assert.deepEqual([...ownersOf(scan, "axial")], owners);
    const [rows, columns] = scan.planes.axial.shape;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        assert.equal(cellAt(scan, "axial", row, column)?.at, owners[row * columns + column]);
      }
    }
  }
});

test("a token's box holds its pixels and no others", () => {
  for (const { scan, owners } of CASES) {
    const [rows, columns] = scan.planes.axial.shape;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const cell = cellAt(scan, "axial", row, column);
        assert.ok(cell);
        const [left, top, width, height] = boxOf(scan, "axial", cell.row, cell.column);
        const isInside = column >= left && column < left + width && row >= top && row < top + height;
        assert.ok(isInside, JSON.stringify({ row, column, cell, box: [left, top, width, height], owners }));
      }
    }
  }
});

test("the table of a scan is made once", () => {
  const scan = scanOf();
  assert.equal(ownersOf(scan, "axial"), ownersOf(scan, "axial"));
  assert.notEqual(ownersOf(scan, "axial"), ownersOf(scanOf(), "axial"));
});

test("a plane across the slices has no tokens", () => {
  const scan = scanOf();
  assert.equal(cellAt(scan, "coronal", 0, 0), null);
  assert.deepEqual(new Set(ownersOf(scan, "coronal")), new Set([-1]));
});

test("arrow keys lead as the picture is seen, mirrored or turned", () => {
  const scan = scanOf({
    planes: { axial: planeOf(), turned: planeOf({ shape: [8, 6], transpose: true, flip: [true, false] }) },
  });
  const start = { row: 1, column: 1 };
  const to = (/** @type {string} */ plane, /** @type {string} */ key, mirrored = false) => {
    const cell = cellBeside(scan, plane, start, key, mirrored);
    return cell && [cell.row, cell.column];
  };
  assert.deepEqual(to("axial", "ArrowRight"), [1, 2]);
  assert.deepEqual(to("axial", "ArrowRight", true), [1, 0]);
  assert.deepEqual(to("axial", "ArrowDown"), [2, 1]);
  assert.deepEqual(to("turned", "ArrowRight"), [2, 1]);
  assert.deepEqual(to("turned", "ArrowDown"), [1, 0]);
});

test("beyond the edge there is no token, and from none the way starts in the middle", () => {
  const scan = scanOf();
  assert.equal(cellBeside(scan, "axial", { row: 0, column: 0 }, "ArrowUp", false), null);
  assert.equal(cellBeside(scan, "axial", { row: 0, column: 3 }, "ArrowRight", false), null);
  const cell = cellBeside(scan, "axial", null, "ArrowDown", false);
  assert.deepEqual([cell?.row, cell?.column], [2, 2]);
});
