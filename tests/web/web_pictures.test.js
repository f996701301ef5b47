import assert from "node:assert/strict";
import { test } from "node:test";

import { overlay, pixelAt } from "../../app/web/pictures.js";
import { fixture } from "./fixtures.js";

/** @param {Uint8ClampedArray} rgba */
const rgbOf = (rgba) => [...rgba].filter((_, i) => i % 4 < 3);

test("class colours over a picture are the bytes that Python gives", () => {
  const cases = fixture("overlays");
  assert.equal(cases.length, 6);
  for (const { look, shape, image, labels, rgb } of cases) {
    const out = new Uint8ClampedArray(4 * labels.length);
    overlay(out, image, labels, { shape }, look);
    assert.deepEqual(rgbOf(out), rgb);
    assert.ok(out.every((value, i) => i % 4 < 3 || value === 255));
  }
});

test("a hidden overlay leaves the picture grey", () => {
  const [{ look, shape, image, labels }] = fixture("overlays");
  const out = new Uint8ClampedArray(4 * image.length);
  overlay(out, image, labels, { shape }, { ...look, shown: false });
  assert.deepEqual(
    rgbOf(out),
    image.flatMap((/** @type {number} */ value) => [value, value, value]),
  );
});

test("a pointer is over the pixel that is seen there, also in a mirrored picture", () => {
  const box = { left: 100, top: 50, width: 80, height: 60 };
  const canvas = /** @type {any} */ ({ getBoundingClientRect: () => box });
  const at = (/** @type {number} */ clientX, /** @type {number} */ clientY, mirrored = false) =>
    pixelAt(canvas, { clientX, clientY }, { shape: [6, 8] }, mirrored);
  assert.deepEqual(at(101, 51), { row: 0, column: 0, at: 0 });
  assert.deepEqual(at(179, 109), { row: 5, column: 7, at: 47 });
  assert.deepEqual(at(101, 51, true), { row: 0, column: 7, at: 7 });
  assert.equal(at(99, 51), null);
  assert.equal(at(101, 111), null);
});
