/* A class as one page knows it, against a server that is played. */
import assert from "node:assert/strict";
import test from "node:test";

import { editsAsText, editsOf } from "../../app/web/edits.js";
import { squaresOf } from "../../app/tabs/learn/class.js";
import { nextOf } from "../../app/tabs/learn/follow.js";
import { binsOf, mostOf, timesOf } from "../../app/tabs/learn/histogram.js";
import { before } from "../../app/tabs/learn/presenter.js";
import { createRoom } from "../../app/tabs/learn/room.js";

const LEAD = { view: { step: "2" }, follows: true, rounds: {}, revealed: [] };
const REPORT = { here: 3, answered: 2, counts: { "": [[40, 2]] } };

/**
 * A room whose server gives the answers of a table, the last of a list for ever.
 * @param {Record<string, any[]>} answers
 * @param {string | null} text
 */
function played(answers, text = null) {
  /** @type {any[]} */
  const asked = [];
  const memory = {
    text,
    get: () => memory.text,
    /** @param {string | null} next */
    set: (next) => void (memory.text = next),
  };
  /** @param {any} request */
  const ask = async (request) => {
    asked.push(request);
    const list = answers[request.do] ?? [{}];
    return list.length > 1 ? list.shift() : list[0];
  };
  const room = createRoom({ ask, memory, place: () => ({ token: "t", question: "pixels" }), changed: () => {} });
  return { room, asked, memory };
}

const opened = { open: [{ code: "ABCDEF", key: "secret" }], lead: [{ lead: LEAD, ...REPORT }] };
const joined = { join: [{ student: "me", mine: {} }], news: [{ version: 1, lead: LEAD }, { version: 1 }] };

test("a teacher's page says what is new soon, and otherwise asks once a second", async () => {
  const { room, asked } = played(opened);
  await room.open("t", "nothing");
  room.say({ view: { step: "1" } });
  for (const now of [0, 100, 250, 900, 999, 1000, 1100, 1900, 2000]) await room.tick(now);
  assert.deepEqual(
    asked.slice(1).map(({ lead }) => lead?.view.step ?? null),
    ["1", null, null],
  );
  room.say({ view: { step: "1" } });
  room.say({ view: { step: "2" } });
  for (const now of [2100, 2249, 2250, 2300]) await room.tick(now);
  assert.deepEqual(asked.at(-1).lead.view, { step: "2" });
  assert.equal(asked.length, 5);
  assert.deepEqual(room.report, REPORT);
});

test("what a teacher said is said again when the server was not there or refused", async () => {
  const answers = { ...opened, lead: [undefined, { error: "too many", status: 429 }, { lead: LEAD, ...REPORT }] };
  const { room, asked } = played(answers);
  await room.open("t", "nothing");
  room.say({ view: { step: "7" } });
  for (const now of [0, 1000, 2000, 3000]) await room.tick(now);
  assert.deepEqual(
    asked.slice(1).map(({ lead }) => lead?.view.step),
    ["7", "7", "7", undefined],
  );
});

test("a teacher's page that was loaded again goes on with what it has led", async () => {
  const kept = JSON.stringify({ role: "teacher", code: "ABCDEF", key: "secret" });
  const held = { ...LEAD, rounds: { pixels: 2 }, revealed: ["pixels"] };
  const { room, asked } = played({ lead: [{ lead: held, ...REPORT }] }, kept);
  assert.ok(room.resume());
  room.say({ view: { step: "1" } });
  await room.tick(0);
  assert.equal(asked[0].lead, null);
  assert.deepEqual(room.lead, held);
  room.again(["pixels"]);
  assert.deepEqual([room.round("pixels"), room.isRevealed("pixels")], [3, false]);
});

test("a student's page asks for news alone, keeps its reply, and replies again when it is asked anew", async () => {
  const again = { ...LEAD, rounds: { pixels: 1 } };
  const news = [{ version: 1, lead: LEAD }, { version: 1 }, { version: 2, lead: again }];
  const { room, asked } = played({ ...joined, news, answer: [{ counts: true }] });
  await room.join("abcdef", "nothing");
  await room.tick(0);
  await room.send("pixels", 40);
  assert.equal(room.reply("pixels"), 40);
  await room.tick(1000);
  assert.equal(asked.at(-1).seen, 1);
  assert.equal(room.reply("pixels"), 40);
  await room.tick(2000);
  assert.equal(room.reply("pixels"), undefined);
  assert.equal(room.code, "ABCDEF");
});

test("a reply that came too late, or not at all, is open again", async () => {
  const { room } = played({ ...joined, answer: [{ counts: false }, undefined, { counts: true }] });
  await room.join("ABCDEF", "nothing");
  for (const expected of [undefined, undefined, 7]) {
    await room.send("pixels", 7);
    assert.equal(room.reply("pixels"), expected);
  }
});

test("a student whose connection drops is told, keeps the place, and joins again with the same key and replies", async () => {
  const news = [{ version: 1, lead: LEAD }, undefined, undefined, { version: 1 }];
  const { room, memory } = played({ ...joined, news });
  await room.join("ABCDEF", "nothing");
  for (const [second, isLost] of [false, false, true, false].entries()) {
    await room.tick(1000 * second);
    assert.equal(room.isLost, isLost);
    assert.equal(room.lead.view.step, "2");
  }
  const mine = { pixels: { "": 12 }, swap: { near: 1, far: 2 } };
  const back = played({ ...joined, join: [{ student: "me", mine }] }, memory.text);
  await back.room.join("abcdef", "nothing");
  assert.equal(back.asked[0].student, "me");
  await back.room.tick(0);
  assert.equal(back.room.reply("pixels"), 12);
  assert.deepEqual(back.room.reply("swap"), { near: 1, far: 2 });
});

test("a class that has ended is left with its reason, and nothing is kept", async () => {
  const { room, memory } = played({ ...joined, news: [{ error: "this class has ended", status: 404 }] });
  await room.join("ABCDEF", "nothing");
  await room.tick(0);
  assert.deepEqual([room.role, room.problem, memory.text], ["none", "this class has ended", null]);
});

test("a class that cannot be joined says why", async () => {
  const { room } = played({ join: [{ error: "no such class", status: 404 }, undefined] });
  assert.equal(await room.join("ABCDEF", "nothing came"), false);
  assert.equal(room.problem, "no such class");
  await room.join("ABCDEF", "nothing came");
  assert.equal(room.problem, "nothing came");
});

test("a page follows unless its student or the teacher does not want that", async () => {
  const free = { ...LEAD, follows: false };
  const { room } = played({
    ...joined,
    news: [
      { version: 1, lead: LEAD },
      { version: 2, lead: free },
    ],
  });
  await room.join("ABCDEF", "nothing");
  await room.tick(0);
  assert.ok(room.follows);
  room.follow(false);
  assert.ok(!room.follows);
  room.follow(true);
  await room.tick(1000);
  assert.ok(!room.follows);
});

test("every reply is in one bin, and the bins cover the bounds without gaps", () => {
  /** @type {[number, number][]} */
  const ranges = [
    [0, 100],
    [0, 20],
    [1, 1600],
    [0, 1],
    [5, 5],
  ];
  for (const bounds of ranges) {
    const values = [bounds[0] - 3, ...bounds, bounds[0], bounds[1] + 9];
    /** @type {import("../../app/tabs/learn/histogram.js").Counts} */
    const counts = values.map((value, i) => [value, i + 1]);
    const bins = binsOf(counts, bounds, bounds[1]);
    assert.ok(bins.length <= 12);
    assert.equal(bins[0].low, bounds[0]);
    assert.equal(bins.at(-1)?.high, bounds[1]);
    assert.ok(bins.slice(1).every(({ low }, i) => low === bins[i].high + 1));
    assert.equal(
      bins.reduce((sum, { times }) => sum + times, 0),
      15,
    );
    assert.deepEqual(
      bins.filter(({ holds }) => holds),
      [bins.at(-1)],
    );
  }
  assert.equal(timesOf([["a", 3]], "a") + timesOf(undefined, "a"), 3);
  assert.equal(mostOf([{ times: 0 }]), 1);
});

test("a view is put right in the order in which it can be", () => {
  const view = {
    case: "Heart",
    plane: "axial",
    slice: "3",
    eps: "0.4",
    reach: "32",
    edits: "1.2.3",
    mode: "resample",
    seed: "0",
  };
  const here = {
    case: "Other",
    plane: "axial",
    slice: 0,
    eps: 0,
    reach: "own",
    edits: null,
    mode: "resample",
    seed: 0,
  };
  const order = [];
  for (let next = nextOf(here, view); next; next = nextOf(here, view)) {
    order.push(next);
    Object.assign(here, next === "opened" ? { case: "Heart" } : { [next]: view[next] });
  }
  assert.deepEqual(order, ["opened", "slice", "eps", "reach", "edits"]);
  // Nobody else has her own scan.
  assert.equal(nextOf({ case: "Other" }, { slice: "3" }), null);
});

test("forced tokens are read as they are written", () => {
  /** @type {import("../../app/web/types").Edit[]} */
  const edits = [
    [0, 1, 22],
    [3, 0, 5],
  ];
  assert.deepEqual(editsOf(editsAsText(edits)), edits);
  assert.deepEqual(editsOf(""), []);
  assert.deepEqual(editsOf("1.2_x_1.2.3.4_7.8.9"), [[7, 8, 9]]);
});

test("a QR code is drawn with one square for each dark one", () => {
  assert.equal(squaresOf(["10", "01"]), "M0 0h1v1h-1zM1 1h1v1h-1z");
});

test("a step begins when those before it are over", () => {
  const minutes = { a: 4, b: 6, c: 5 };
  assert.deepEqual(
    ["a", "b", "c"].map((step) => before(["a", "b", "c"], minutes, step)),
    [0, 4, 10],
  );
});
