import assert from "node:assert/strict";
import { test } from "node:test";

import { describe } from "../../app/page/opening.js";
import { begin, settle, stop, subscribe } from "../../app/web/openings.js";

/** @typedef {import("../../app/web/types").Opening} Opening */

test("how far an opening is, is told in words", () => {
  assert.equal(describe({ stage: "encoding", share: 0.404, ahead: 0 }), "encoding the slices 40 %");
  assert.equal(describe({ stage: "waiting", share: 0, ahead: 1 }), "waiting for 1 other scan");
  assert.equal(describe({ stage: "waiting", share: 0, ahead: 2 }), "waiting for 2 other scans");
  assert.equal(describe({ stage: "waiting", share: 0, ahead: 5, seconds: 7 }), "waiting for 5 other scans, about 7 s");
  assert.equal(describe({ stage: "waiting", share: 0, ahead: 5, seconds: null }), "waiting for 5 other scans");
  assert.equal(describe({ stage: "reading", share: 0, ahead: 0 }), "reading the file");
  assert.equal(describe(undefined), "the server is not answering");
});

test("the newest opening is shown, and one choice that is told twice is one", () => {
  /** @type {(Opening | null)[]} */
  const told = [];
  subscribe((opening) => told.push(opening));
  const first = begin("Heart", "Heart");
  assert.equal(begin("Heart", "Heart"), first);
  assert.match(first, /^[0-9a-f]{32}-\d+$/);
  const other = begin("Lung", "Lung");
  assert.equal(Number(other.split("-")[1]), Number(first.split("-")[1]) + 1);
  assert.equal(told.at(-1)?.ticket, other);
  stop();
  assert.equal(told.at(-1)?.stopped, true);
  assert.notEqual(begin("Lung", "Lung"), other);
  for (let i = 0; i < 4; i++) settle();
  assert.equal(told.at(-1), null);
});
