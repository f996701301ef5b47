import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, clustersByClass, clustersOf, densityOf } from "../../app/tabs/codebook/landscape.js";
import { boxBetween, inside, onScreen, product } from "../../app/tabs/codebook/projection.js";

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const SCREEN = { width: 200, height: 100 };
/** @param {number} x @param {number} y @param {number} z */
const shift = (x, y, z) => [...IDENTITY.slice(0, 12), x, y, z, 1];

/** Places around some centres, the same in every run. @param {[number, number][]} centres @param {number} each */
function crowds(centres, each) {
  const places = centres.flatMap(([x, y]) =>
    Array.from({ length: each }, (_, i) => {
      const [angle, far] = [i * 2.399963, Math.sqrt(i / each)];
      return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    }),
  );
  return Float32Array.from(places.flat());
}

test("the middle of clip space is the middle of the screen, and y points up", () => {
  const places = onScreen([0, 0, 0, 0.5, 0.5, 0], IDENTITY, [1, 1, 1], SCREEN);
  assert.deepEqual([...places], [100, 50, 150, 25]);
});

test("axes are scaled before they are projected, and matrices are applied from the last to the first", () => {
  assert.deepEqual([...onScreen([1, 1, 9], IDENTITY, [0.5, 0.25, 0], SCREEN)], [150, 37.5]);
  const double = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
  assert.deepEqual(product(shift(1, 0, 0), double).slice(12, 15), [1, 0, 0]);
  assert.deepEqual(product(double, shift(1, 0, 0)).slice(12, 15), [2, 0, 0]);
});

test("places behind the eye are on no screen", () => {
  const perspective = [...IDENTITY];
  [perspective[11], perspective[15]] = [-1, 0];
  const places = onScreen([0.5, 0, -1, 0.5, 0, 1], perspective, [1, 1, 1], SCREEN);
  assert.deepEqual([...places], [150, 50, NaN, NaN]);
  assert.deepEqual(inside(places, boxBetween([0, 0], [200, 100])), [0]);
});

test("a lasso in space holds exactly what a box on the screen holds", () => {
  const points = Array.from({ length: 3000 }, (_, i) => Math.sin(i * i));
  const places = onScreen(points, product(shift(0.1, 0, 0), IDENTITY), [0.8, 0.8, 0.8], SCREEN);
  const expected = [];
  for (let i = 0; i < 1000; i++) {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (x > 40 && x < 120 && y > 30 && y < 80) expected.push(i);
  }
  assert.ok(expected.length > 50);
  assert.deepEqual(inside(places, boxBetween([120, 80], [40, 30])), expected);
});

test("a line with a notch leaves the notch out", () => {
  /** @type {[number, number][]} */
  const line = [
    [0, 0],
    [10, 0],
    [10, 10],
    [5, 2],
    [0, 10],
  ];
  assert.deepEqual(inside(Float32Array.from([1, 5, 5, 5, 9, 5, 5, 1]), line), [0, 2, 3]);
});

test("the density holds every code, and is highest where most lie", () => {
  const points = crowds([[0, 0]], 400);
  const { heights, side } = densityOf(points);
  const sum = heights.reduce((all, height) => all + height, 0);
  assert.ok(Math.abs(sum - 400) < 0.5);
  const top = heights.indexOf(heights.reduce((a, b) => Math.max(a, b), 0));
  assert.ok(Math.abs((top % side) - side / 2) < side / 4 && Math.abs(Math.floor(top / side) - side / 2) < side / 4);
});

test("crowds apart are clusters of their own, with their middles, and no code is lost", () => {
  const centres = /** @type {[number, number][]} */ ([
    [0, 0],
    [12, 0],
    [0, 12],
  ]);
  const points = crowds(centres, 300);
  const clusters = clustersOf(densityOf(points), points);
  assert.equal(
    clusters.reduce((all, { codes }) => all + codes.length, 0),
    900,
  );
  assert.equal(clusters.length, 3);
  for (const [x, y] of centres) assert.ok(clusters.some((one) => Math.hypot(one.x - x, one.y - y) < 0.5));
});

test("each class is named where its own codes cluster, small clusters and codes without a class are not", () => {
  const points = crowds(
    [
      [0, 0],
      [12, 0],
      [0, 12],
      [12, 12],
    ],
    100,
  );
  // The last crowd was never chosen; one stray code of class 0 lies among those of class 1.
  const majority = Int16Array.from({ length: 400 }, (_, code) => [0, 0, 1, -1][Math.floor(code / 100)]);
  majority[250] = 0;
  const named = clustersByClass(points, { classes: ["background", "RV"], majority }, { each: 3, share: 0.1 });
  assert.deepEqual(
    named.map(({ label, size }) => [label, size]),
    [
      [0, 100],
      [0, 100],
      [1, 99],
    ],
  );
  assert.ok(Math.hypot(named[2].x, named[2].y - 12) < 0.5);
  const one = clustersByClass(points, { classes: ["background", "RV"], majority }, { each: 1, share: 0.1 });
  assert.deepEqual(
    one.map(({ label }) => label),
    [0, 1],
  );
});

test("of names that would cover each other a structure's stays, then the larger one's", () => {
  const map = { x0: 0, x1: 100, y0: 0, y1: 100 };
  const names = [
    { x: 50, y: 50, label: 0, size: 900 },
    { x: 52, y: 51, label: 1, size: 10 },
    { x: 55, y: 49, label: 2, size: 20 },
    { x: 50, y: 80, label: 0, size: 5 },
  ];
  assert.deepEqual(apart(names, map), [names[2], names[3]]);
});

test("16,384 codes become a landscape within 50 ms", () => {
  const points = crowds(
    Array.from({ length: 16 }, (_, i) => /** @type {[number, number]} */ ([(i % 4) * 3, Math.floor(i / 4) * 3])),
    1024,
  );
  const book = { classes: ["background", "RV"], majority: Int16Array.from({ length: 16384 }, (_, code) => code % 2) };
  // The processor's own time: other work on the machine is not what is measured.
  const run = () => {
    const start = process.cpuUsage();
    densityOf(points);
    clustersByClass(points, book, { each: 3, share: 0.1 });
    return process.cpuUsage(start).user / 1000;
  };
  run();
  assert.ok(Math.min(...Array.from({ length: 7 }, run)) < 50);
});
