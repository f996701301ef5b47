import assert from "node:assert/strict";
import { test } from "node:test";

import { createCine, durationOf, nextReady } from "../../app/web/cine.js";
import { caseOf, frameOf, frameToken } from "../../app/web/cine_frames.js";
import { createStore } from "../../app/web/store.js";
import { controlsOf, scanOf } from "./scans.js";

/** @typedef {import("../../app/web/types").CineAnswer} CineAnswer */

/**
 * @param {Partial<CineAnswer>} [more]
 * @returns {CineAnswer}
 */
const answerOf = (more) => ({
  frames: 5,
  ready: [0, 1, 2, 3, 4],
  done: 5,
  keeps_all: true,
  paired: false,
  seconds: 0.05,
  unit: "ml",
  volumes: { LV: [5, 3, 1, 2, 4] },
  heart: null,
  problem: "",
  stopped: false,
  ...more,
});

/** A cine of five frames on show, with answers to come one after the other. @param {CineAnswer[]} answers */
function opened(answers, cineOf = {}) {
  const store = createStore();
  /** @type {{token: string, frame: number}[]} */
  const asked = [];
  /** @type {(number | null)[]} */
  const addresses = [];
  /** @type {import("../../app/web/types").FrameSettings[]} */
  const fetched = [];
  const frames = {
    frameOf: async (/** @type {import("../../app/web/types").FrameSettings} */ one) => fetched.push(one),
  };
  const cine = createCine(store, frames, (frame) => addresses.push(frame));
  store.update(controlsOf({ scan: scanOf({ cine: { frames: 5, paired: false, ...cineOf } }) }));
  cine.connect(async (request) => {
    asked.push(request);
    return answers.length > 1 ? answers.shift() : answers[0];
  });
  return { store, cine, asked, addresses, fetched };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a frame has a token of its own, and the first has that of the cine", () => {
  assert.equal(frameToken("abc", 0), "abc");
  assert.equal(frameToken("abc", 7), "abc.7");
  for (const frame of [0, 7]) {
    assert.equal(caseOf(frameToken("abc", frame)), "abc");
    assert.equal(frameOf(frameToken("abc", frame)), frame);
  }
});

test("a frame that is ready is shown at once, as a scan of its own", async () => {
  const { store, cine, addresses } = opened([answerOf()]);
  await settled();
  cine.go(3);
  assert.equal(store.state?.scan.token, "t1.3");
  assert.equal(store.state?.scan.frame, 3);
  assert.deepEqual([cine.state?.wanted, cine.state?.frame, addresses.at(-1)], [3, 3, 3]);
  cine.go(0);
  assert.equal(store.state?.scan.token, "t1");
  assert.equal(addresses.at(-1), null);
});

test("a frame that is not ready is asked for and shown when it has come", async () => {
  const { store, cine, asked } = opened([
    answerOf({ ready: [0], done: 1 }),
    answerOf({ ready: [0, 3], done: 2 }),
    answerOf(),
  ]);
  await settled();
  cine.go(3);
  assert.equal(store.state?.scan.token, "t1");
  assert.deepEqual([cine.state?.wanted, cine.state?.frame], [3, 0]);
  assert.deepEqual(asked.at(-1), { token: "t1", frame: 3 });
  await settled();
  assert.equal(store.state?.scan.token, "t1.3");
  // Nothing of it keeps this process alive: the next answer is the last.
  cine.go(2);
});

test("a link's frame is shown as soon as it is there, and another scan begins at its first", async () => {
  const { store, cine } = opened([answerOf()], { asked: 4 });
  await settled();
  assert.equal(store.state?.scan.token, "t1.4");
  store.update(controlsOf({ scan: scanOf({ token: "t2", name: "Another" }) }));
  assert.equal(store.state?.scan.token, "t2");
  assert.equal(cine.state, null);
});

test("the same scan under another checkpoint stays at its frame", async () => {
  const { store, cine } = opened([answerOf()]);
  await settled();
  cine.go(2);
  store.update(controlsOf({ scan: scanOf({ token: "t2", checkpoint: "second", cine: { frames: 5, paired: false } }) }));
  await settled();
  assert.equal(store.state?.scan.token, "t2.2");
});

test("forced tokens belong to their frame", async () => {
  const { store, cine } = opened([answerOf()]);
  await settled();
  store.edit([[1, 2, 9]]);
  cine.go(1);
  assert.deepEqual(store.state?.edits, []);
  cine.go(0);
  assert.deepEqual(store.state?.edits, [[1, 2, 9]]);
});

test("a reset shows the first frame and stops playing", async () => {
  const { store, cine } = opened([answerOf()]);
  await settled();
  cine.go(4);
  cine.play();
  store.reset();
  assert.deepEqual([cine.state?.wanted, cine.state?.playing, store.state?.scan.token], [0, false, "t1"]);
});

test("playing waits for each frame's pictures and for the views, and goes round", async () => {
  const { store, cine, fetched } = opened([answerOf()]);
  await settled();
  /** @type {string[]} */
  const shown = [];
  const waited = { times: 0 };
  cine.waitFor(async () => void waited.times++);
  const done = new Promise((resolve) => {
    store.subscribe(({ scan }) => {
      shown.push(scan.token);
      if (shown.length === 7) resolve(cine.pause());
    });
  });
  cine.play();
  await done;
  assert.deepEqual(shown, ["t1", "t1.1", "t1.2", "t1.3", "t1.4", "t1", "t1.1"]);
  assert.deepEqual(fetched.slice(0, 2), [{ token: "t1.1" }, { token: "t1.2" }]);
  assert.equal(waited.times, 6);
});

test("playing leaves out what is not ready, and lasts as long as the heart beats", () => {
  assert.equal(nextReady(1, { frames: 5, ready: [0, 1, 4] }), 4);
  assert.equal(nextReady(4, { frames: 5, ready: [0, 1, 4] }), 0);
  assert.equal(nextReady(0, { frames: 5, ready: [0] }), 0);
  assert.equal(durationOf(0.05, false), 50);
  assert.equal(durationOf(0.001, false), 40);
  assert.equal(durationOf(null, false), 80);
  assert.equal(durationOf(0.05, true), 700);
});
