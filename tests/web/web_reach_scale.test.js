import assert from "node:assert/strict";
import { test } from "node:test";

import {
  lastPosition,
  positionOf,
  reachAsSetting,
  reachAt,
  reachInWords,
  reachesBeside,
  roundedReach,
  whyFixed,
} from "../../app/web/reach_scale.js";
import { controlsOf, scanOf } from "./scans.js";

const ENDS = { own: 29.8, last: 4095 };
const CODEBOOKS = [1, 2, 63, 4095, 65535].flatMap((last) => [1, 3.7, last].map((own) => ({ own, last })));

test("the track goes from the nearest codeword to any, and rises", () => {
  for (const ends of CODEBOOKS.filter(({ own, last }) => own <= last)) {
    const reaches = Array.from({ length: lastPosition(ends) + 1 }, (_, i) => reachAt(i, ends) ?? ends.own);
    assert.equal(reaches[0], 1);
    assert.equal(reaches.at(-1), ends.last);
    assert.deepEqual(
      reaches,
      reaches.toSorted((a, b) => a - b),
    );
  }
});

test("the track is logarithmic and has few enough positions to keep their frames", () => {
  assert.equal(lastPosition(ENDS), 90);
  assert.equal(reachAt(45, ENDS), 63);
  assert.equal(reachAt(25, ENDS), 10);
});

test("a position is that of its reach, and the checkpoint's own reach has one too", () => {
  for (let i = 0; i <= lastPosition(ENDS); i++) assert.equal(positionOf(reachAt(i, ENDS), ENDS), i);
  assert.equal(reachAt(positionOf(29.8, ENDS), ENDS), null);
  assert.equal(positionOf(99999, ENDS), lastPosition(ENDS));
});

test("the reaches beside one are those of the next positions, without itself and each once", () => {
  assert.deepEqual(reachesBeside(63, ENDS, 4), [69, 58, 76, 52]);
  assert.deepEqual(reachesBeside(3072, ENDS, 5), [3020, 3311, 2754, 3631, 2512]);
  const all = reachesBeside(null, ENDS, 999);
  assert.equal(new Set(all).size, all.length);
  assert.equal(all.length, lastPosition(ENDS));
  assert.deepEqual(reachesBeside(1, { own: 1, last: 1 }, 4), [null]);
});

test("a reach is told in words", () => {
  assert.deepEqual([1, 2.24, 9.96, 3071.6].map(roundedReach), ["1", "2.2", "10", "3,072"]);
  assert.deepEqual([null, 8].map(reachAsSetting), ["own reach", "reach 8"]);
  assert.deepEqual(
    [1, null, 3072, 4095].map((reach) => reachInWords(reach, ENDS)),
    ["nearest only", "about 30 lookalikes", "about 3,072 codewords", "any codeword"],
  );
});

test("a slider that cannot move says why", () => {
  assert.equal(whyFixed(controlsOf()), "");
  assert.equal(whyFixed(controlsOf({ mode: "shuffle" })), "The shuffle replacement has no reach.");
  const scan = scanOf({ reach: { own: 1, last: 1, opening: null, modes: ["resample"] } });
  assert.equal(whyFixed(controlsOf({ scan })), "With two codewords there is only one replacement.");
});
