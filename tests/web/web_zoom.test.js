import assert from "node:assert/strict";
import { test } from "node:test";

import { onTrack } from "../../app/web/keys.js";
import { reached, revealed, zoomedAbout } from "../../app/web/zoom_place.js";

const START = { zoom: 1, x: 0, y: 0 };

test("what is under the pointer stays there", () => {
  const at = zoomedAbout(START, 4, 0.25, -0.25);
  // A point p of the picture is seen at x + zoom * p.
  assert.equal(at.x + at.zoom * 0.25, 0.25);
  assert.equal(at.y + at.zoom * -0.25, -0.25);
});

test("the zoom has a least and a most", () => {
  assert.equal(zoomedAbout(START, 0.5, 0, 0).zoom, 1);
  assert.equal(zoomedAbout(START, 100, 0, 0).zoom, 12);
});

test("a zoomed picture fills its stage", () => {
  assert.deepEqual(reached({ zoom: 3, x: 2, y: -0.5 }), { zoom: 3, x: 1, y: -0.5 });
  assert.deepEqual(reached({ zoom: 1, x: 0.2, y: 0.1 }), { zoom: 1, x: 0, y: 0 });
});

test("a box in sight is not moved, another one by as little as brings it there", () => {
  const at = { zoom: 2, x: 0, y: 0 };
  assert.deepEqual(revealed(at, [0.1, 0], [0.1, 0.1]), at);
  const moved = revealed(at, [0.4, 0], [0.1, 0.1]);
  assert.equal(moved.y, 0);
  // Its right edge is the stage's.
  assert.ok(Math.abs(moved.x + 2 * 0.45 - 0.5) < 1e-9);
});

test("a slider is moved within its track and by its steps", () => {
  const track = { min: 0, max: 1, step: 0.01 };
  assert.equal(onTrack(0.356, track), 0.36);
  assert.equal(onTrack(1.05, track), 1);
  assert.equal(onTrack(-0.05, track), 0);
  assert.equal(onTrack(7.6, { min: 0, max: 9, step: 1 }), 8);
});
