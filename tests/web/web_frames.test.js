import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { channelOf, frameKey, gridOf, mostKept, nearest, nextAhead, reachesAhead } from "../../app/web/frame_order.js";
import { createFrames } from "../../app/web/frames.js";
import { reachesBeside } from "../../app/web/reach_scale.js";
import { createStore } from "../../app/web/store.js";
import { controlsOf, scanOf } from "./scans.js";

/** @typedef {import("../../app/web/types").FrameEvent} FrameEvent */
/** @typedef {import("../../app/web/types").SliceAnswer} SliceAnswer */
/** @typedef {import("../../app/web/types").SliceRequest & {for: string, with_image: boolean}} Question */

const packed = (/** @type {ArrayLike<number>} */ bytes) => deflateSync(Uint8Array.from(bytes)).toString("base64");

/**
 * @param {Question} question
 * @returns {SliceAnswer}
 */
function answerTo({ strength, with_image: withImage }) {
  const byte = Math.round(100 * strength);
  return {
    labels: packed([byte, 1]),
    reconstruction: packed([byte, 2]),
    changes: packed([0, 0]),
    clean_codes: packed([7, 0, 0, 0]),
    codes: packed([byte, 0, 0, 0]),
    truth: null,
    image: withImage ? packed([5, 6]) : null,
    ...(withImage
      ? { values: packed([1, 2, 255, 255]), values_type: /** @type {const} */ ("int16"), clean_labels: packed([0, 1]) }
      : {}),
    ...(withImage ? { voxels: [1, 1], voxel_ml: 0.5 } : {}),
    agreement: 1,
    changed_share: strength,
    replaced_share: strength,
    dice_vs_clean: 1,
    psnr: 30,
    milliseconds: 1,
  };
}

/** A server whose answers are given by hand. */
function setUp() {
  const store = createStore();
  const frames = createFrames(store, 4);
  /** @type {{question: Question, give: (answer?: SliceAnswer) => void}[]} */
  const asked = [];
  /** @type {FrameEvent[]} */
  const events = [];
  frames.subscribe((event) => events.push(event));
  frames.connect((question) => new Promise((give) => asked.push({ question, give })));
  const wait = async (/** @type {() => unknown} */ condition) => {
    while (!condition()) await new Promise((again) => setTimeout(again, 1));
  };
  const answer = async () => {
    await wait(() => asked.length);
    const next = /** @type {typeof asked[0]} */ (asked.shift());
    const told = events.length;
    next.give(answerTo(next.question));
    await wait(() => events.length > told);
    return next.question;
  };
  return { store, frames, asked, events, wait, answer };
}

test("the grid of epsilon is fetched from the nearest outward", () => {
  const grid = gridOf(4);
  assert.deepEqual(grid, [0, 0.25, 0.5, 0.75, 1]);
  /** @type {Set<number>} */
  const there = new Set();
  const order = [];
  for (let next; (next = nextAhead(0.6, grid, (step) => there.has(step))) !== undefined; there.add(next))
    order.push(next);
  assert.deepEqual(order, [0.5, 0.75, 0.25, 1, 0]);
  assert.equal(nearest(0.6, 4), 0.5);
});

test("frames differ by everything that changes them", () => {
  const base = {
    token: "t",
    truth: false,
    plane: "axial",
    index: 1,
    strength: 0.5,
    mode: "resample",
    seed: 1,
    edits: [],
    reach: /** @type {number | null} */ (null),
    channel: /** @type {string | null} */ (null),
  };
  const others = [
    { token: "u" },
    { truth: true },
    { plane: "coronal" },
    { index: 2 },
    { strength: 0.4 },
    { mode: "shuffle" },
    { reach: 8 },
    { channel: "1" },
  ];
  const forced = /** @type {import("../../app/web/types").Edit[]} */ ([[1, 2, 3]]);
  const keys = [
    base,
    ...others.map((other) => ({ ...base, ...other })),
    { ...base, seed: 2 },
    { ...base, edits: forced },
  ];
  assert.equal(new Set(keys.map(frameKey)).size, keys.length);
});

test("the channel on show is one of the scan's, by default the first that it names", () => {
  const channels = /** @type {[string, string][]} */ ([
    ["As RGB", "rgb"],
    ["Red", "0"],
  ]);
  assert.deepEqual(
    ["0", "rgb", "2", null].map((chosen) => channelOf({ channels }, chosen)),
    ["0", "rgb", "rgb", "rgb"],
  );
  assert.equal(channelOf({ channels: [] }, "0"), null);
});

test("as many frames are kept as memory allows", () => {
  assert.deepEqual([mostKept(48 * 40), mostKept(512 * 512), mostKept(2 ** 25)], [256, 128, 24]);
});

test("frames of other reaches are fetched as long as those of epsilon stay", () => {
  const grid = gridOf(20);
  assert.deepEqual(
    [48 * 40, 1024 * 1024, 2 ** 25].map((pixels) => reachesAhead(pixels, grid)),
    [24, 10, 2],
  );
});

test("an answer is unpacked and published", async () => {
  const { store, frames, answer } = setUp();
  store.update(controlsOf({ strength: 0.3 }));
  const question = await answer();
  assert.equal(question.with_image, true);
  assert.deepEqual([...(frames.shown?.frame.labels ?? [])], [30, 1]);
  assert.deepEqual([...(frames.shown?.frame.codes ?? [])], [30]);
  assert.deepEqual([...(frames.shown?.image ?? [])], [5, 6]);
  assert.deepEqual([...(frames.shown?.values ?? [])], [513, -1]);
});

test("of many wishes only the newest is sent, and the input is asked for once", async () => {
  const { store, frames, answer } = setUp();
  store.update(controlsOf({ strength: 0.1 }));
  for (const strength of [0.2, 0.3, 0.4]) store.update(controlsOf({ strength }));
  assert.equal((await answer()).strength, 0.1);
  const last = await answer();
  assert.deepEqual([last.strength, last.with_image], [0.4, false]);
  assert.equal(frames.shown?.request.strength, 0.4);
});

test("a slice that was left is not published", async () => {
  const { store, frames, events, answer } = setUp();
  store.update(controlsOf({ index: 1 }));
  store.update(controlsOf({ index: 2 }));
  await answer();
  assert.deepEqual(
    events.filter(({ shown }) => shown),
    [],
  );
  await answer();
  assert.equal(frames.shown?.request.index, 2);
});

test("at rest the frames of the slice are fetched ahead, and scrubbing over them asks for nothing", async () => {
  const { store, frames, asked, answer } = setUp();
  store.update(controlsOf({ strength: 0.5, mode: "shuffle" }));
  const strengths = [];
  for (let i = 0; i < 5; i++) strengths.push((await answer()).strength);
  assert.deepEqual(strengths, [0.5, 0.25, 0.75, 0, 1]);
  assert.equal(frames.readyAhead, 5);
  store.update(controlsOf({ strength: 0.75, mode: "shuffle" }));
  assert.equal(frames.shown?.request.strength, 0.75);
  assert.equal(asked.length, 0);
  assert.deepEqual(
    frames.curve.map(({ strength }) => strength),
    [0, 0.25, 0.5, 0.75, 1],
  );
});

test("at rest the frames of the reaches beside come too, after a move of the reach first", async () => {
  const { store, frames, asked, answer } = setUp();
  store.update(controlsOf({ strength: 0.5 }));
  const questions = [];
  for (let i = 0; i < 29; i++) questions.push(await answer());
  assert.deepEqual(
    questions.slice(0, 5).map(({ reach }) => reach),
    [8, 8, 8, 8, 8],
  );
  const beside = reachesBeside(8, scanOf().reach, 24);
  assert.deepEqual(
    questions.slice(5).map(({ reach }) => reach),
    beside,
  );
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(asked.length, 0);
  store.moveReach(beside[3]);
  assert.equal(frames.shown?.request.reach, beside[3]);
  const { strength, reach } = await answer();
  assert.equal(strength, 0.5);
  assert.ok(reachesBeside(beside[3], scanOf().reach, 24).includes(reach) && !beside.includes(reach));
});

test("a reach that has not come is stood in for by one beside it", async () => {
  const { store, frames, answer } = setUp();
  store.update(controlsOf({ strength: 0.5 }));
  await answer();
  const [beside] = reachesBeside(8, scanOf().reach, 1);
  store.moveReach(beside);
  assert.equal(frames.shown?.request.reach, 8);
  while ((await answer()).reach !== beside);
  assert.equal(frames.shown?.request.reach, beside);
});

test("at epsilon 0 and in a mode without a reach there are none beside", async () => {
  for (const controls of [{ strength: 0 }, { strength: 0.5, mode: "shuffle" }]) {
    const { store, asked, answer } = setUp();
    store.update(controlsOf(controls));
    for (let i = 0; i < 5; i++) await answer();
    await new Promise((later) => setTimeout(later, 200));
    assert.equal(asked.length, 0);
  }
});

test("nothing is fetched ahead across the slices", async () => {
  const { store, asked, answer } = setUp();
  store.update(controlsOf({ plane: "coronal" }));
  await answer();
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(asked.length, 0);
});

test("a view gets a frame under other settings after the wish of the page", async () => {
  const { store, frames, answer } = setUp();
  store.update(controlsOf({ strength: 0.1 }));
  const other = frames.frameOf({ seed: 9 });
  assert.deepEqual([(await answer()).seed, (await answer()).seed], [0, 9]);
  assert.equal((await other)?.replaced_share, 0.1);
  assert.equal(frames.shown?.request.seed, 0);
  assert.equal(await frames.frameOf({ seed: 9 }), await other);
});

test("progress is told while it is wanted, and a newer wish takes its place", async () => {
  const { store, asked, events, wait, answer } = setUp();
  const unready = (/** @type {number} */ done) => /** @type {any} */ ({ done, of: 6 });
  store.update(controlsOf({ plane: "coronal", strength: 0.3 }));
  asked.shift()?.give(unready(2));
  await wait(() => asked.length);
  assert.deepEqual(events.at(-1)?.progress, { done: 2, of: 6 });
  store.update(controlsOf({ plane: "coronal", strength: 0.6 }));
  asked.shift()?.give(unready(4));
  assert.equal((await answer()).strength, 0.6);
  assert.deepEqual(events.filter(({ progress }) => progress).length, 1);
});

test("a wish does not wait for what is fetched ahead, and nothing is fetched ahead while it is under way", async () => {
  const { store, frames, asked, wait, answer } = setUp();
  store.update(controlsOf({ strength: 0.5, mode: "shuffle" }));
  assert.equal((await answer()).for, "shown");
  await wait(() => asked.length);
  store.update(controlsOf({ strength: 0.3, mode: "shuffle" }));
  assert.deepEqual(
    asked.map(({ question }) => [question.for, question.strength]),
    [
      ["ahead", 0.5 - 0.25],
      ["shown", 0.3],
    ],
  );
  const [ahead] = asked.splice(0, 1);
  ahead.give(answerTo(ahead.question));
  await wait(() => frames.readyAhead === 2);
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(asked.length, 1);
  assert.equal((await answer()).strength, 0.3);
  assert.equal(frames.shown?.request.strength, 0.3);
});

test("a wish that waits for long is followed by the newest one, and nothing comes of it", async () => {
  const { store, frames, asked, events, wait, answer } = setUp();
  store.update(controlsOf({ strength: 0.1 }));
  for (const strength of [0.2, 0.3]) store.update(controlsOf({ strength }));
  assert.equal(asked.length, 1);
  await wait(() => asked.length === 2);
  const [old] = asked.splice(0, 1);
  old.give(/** @type {any} */ ({ skipped: "newer" }));
  assert.equal((await answer()).strength, 0.3);
  assert.deepEqual(
    events.filter(({ shown }) => shown).map(({ shown }) => shown?.request.strength),
    [0.3],
  );
  assert.equal(frames.shown?.request.strength, 0.3);
  assert.equal(events.filter(({ error }) => error).length, 0);
});

test("what is not fetched ahead because others wait is asked for later", async () => {
  const { store, frames, asked, wait, answer } = setUp();
  store.update(controlsOf({ strength: 0.5, mode: "shuffle" }));
  await answer();
  await wait(() => asked.length);
  asked.shift()?.give(/** @type {any} */ ({ skipped: "busy" }));
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(asked.length, 0);
  assert.equal(frames.readyAhead, 1);
  assert.equal((await answer()).strength, 0.25);
});

test("a long wait is told, and a frame ends it", async () => {
  const { store, events, wait, answer } = setUp();
  store.update(controlsOf());
  await wait(() => events.length);
  assert.deepEqual(events.splice(0), [{ waiting: true }]);
  await answer();
  assert.ok(events[0].shown);
});

test("what went wrong is told, and nothing is fetched ahead until the next change", async () => {
  const { store, asked, events, wait, answer } = setUp();
  store.update(controlsOf());
  asked.shift()?.give(undefined);
  await wait(() => events.length);
  assert.match(events[0].error ?? "", /did not answer/);
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(asked.length, 0);
  store.update(controlsOf({ scan: scanOf({ token: "t2" }) }));
  assert.equal((await answer()).token, "t2");
});
