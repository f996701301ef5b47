import assert from "node:assert/strict";
import { test } from "node:test";

import { createWindow, dragged, extremes, inWords, percentiles, rangeOf, windowed } from "../../app/web/window.js";

/** @type {Record<string, [number, number]>} */
const WINDOWS = { soft: [40, 400] };
const VALUES = Int16Array.from({ length: 201 }, (_, i) => 100 - i);
const sliceOf = (token = "t") => ({ values: VALUES, image: new Uint8Array(201), request: { token } });

test("a window is named by centre and width, by percentiles, or the network's own", () => {
  assert.deepEqual(rangeOf("soft", VALUES, WINDOWS), [-160, 240]);
  assert.deepEqual(rangeOf("percentiles", VALUES, WINDOWS), [-98, 98]);
  assert.equal(rangeOf("network", VALUES, WINDOWS), null);
});

test("percentiles do not sort the slice itself", () => {
  percentiles(VALUES);
  assert.equal(VALUES[0], 100);
});

test("a drag to the right widens the window, one downwards moves its centre", () => {
  assert.deepEqual(dragged([-160, 240], 100, 50), [-160, 440]);
  assert.deepEqual(dragged([0, 200], 0, 50), [50, 250]);
  const [black, white] = dragged([0, 200], -1000, 0);
  assert.ok(white > black);
});

test("values in a window become bytes, and those beyond it black and white", () => {
  assert.deepEqual([...windowed(Float32Array.of(-5, 0, 20, 100, 200), [0, 100])], [0, 0, 51, 255, 255]);
});

test("width and level are told in whole numbers", () => {
  assert.equal(inWords([-160, 240]), "W 400 L 40");
  assert.equal(inWords(null), "");
});

test("a window by hand stays until another window or scan is chosen, or it is forgotten", () => {
  const level = createWindow(WINDOWS);
  const dragNow = () => level.grab(sliceOf(), "soft")(0, 200);
  level.choose(sliceOf(), "soft");
  dragNow();
  level.choose(sliceOf(), "soft");
  assert.deepEqual(level.range(sliceOf(), "soft"), [240, 640]);
  level.choose(sliceOf("another"), "soft");
  assert.deepEqual(level.range(sliceOf(), "soft"), [-160, 240]);
  dragNow();
  level.forget();
  assert.deepEqual(level.range(sliceOf(), "soft"), [-160, 240]);
});

test("a drag starts from all values where the network's window has no range in them", () => {
  const level = createWindow(WINDOWS);
  level.choose(sliceOf(), "network");
  level.grab(sliceOf(), "network")(0, 0);
  assert.deepEqual(level.range(sliceOf(), "network"), extremes(VALUES));
});

test("the input is drawn in the window that the sidebar names or a drag has set, and drawn once", () => {
  const [level, slice] = [createWindow(WINDOWS), sliceOf()];
  assert.equal(level.input(slice, "network"), null);
  const soft = level.input(slice, "soft");
  assert.deepEqual(soft, windowed(VALUES, [-160, 240]));
  assert.equal(level.input(slice, "soft"), soft);
  level.grab(slice, "soft")(100, 50);
  assert.deepEqual(level.input(slice, "soft"), windowed(VALUES, [-160, 440]));
  assert.deepEqual(level.input(slice, "percentiles"), windowed(VALUES, percentiles(VALUES)));
});
