import assert from "node:assert/strict";
import { test } from "node:test";

import { lastPosition, positionOf, reachAsSetting, reachAt, roundedReach } from "../../app/web/reach_scale.js";

const CODEBOOKS = [1, 2, 63, 4095, 65535].flatMap((last) => [1, 3.7, last].map((own) => ({ own, last })));

test("the track goes from the nearest codeword to any, and rises", () => {
  for (const ends of CODEBOOKS.filter(({ own, last }) => own <= last)) {
    const reaches = Array.from({ length: lastPosition(ends) + 1 }, (_, i) => reachAt(i, ends) ?? ends.own);
    assert.ok(reaches[0] === 1 || positionOf(null, ends) === 0);
    assert.ok(reaches.at(-1) === ends.last || positionOf(null, ends) === lastPosition(ends));
    assert.deepEqual(
      reaches,
      reaches.toSorted((a, b) => a - b),
    );
    for (const reach of reaches) assert.ok(reach >= 1 && reach <= ends.last);
  }
});

test("a position is that of its reach, and the checkpoint's own reach has one too", () => {
  const ends = { own: 3.7, last: 4095 };
  for (let i = 0; i <= lastPosition(ends); i++) assert.equal(positionOf(reachAt(i, ends), ends), i);
  assert.equal(reachAt(positionOf(3.7, ends), ends), null);
  assert.equal(positionOf(99999, ends), lastPosition(ends));
});

test("a reach is rounded for reading", () => {
  assert.deepEqual([1, 2.24, 9.96, 511.6].map(roundedReach), ["1", "2.2", "10", "512"]);
  assert.deepEqual([null, 8].map(reachAsSetting), ["own reach", "reach 8"]);
});
