import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../../app/web/store.js";
import { controlsOf, scanOf } from "./scans.js";

/** @typedef {import("../../app/web/types").Edit} Edit */
/** @typedef {import("../../app/web/types").PageState} PageState */

/**
 * @param {Partial<import("../../app/web/types").Controls>} [more]
 */
function storeOf(more) {
  const store = createStore();
  store.update(controlsOf(more));
  return store;
}

test("nothing is on show until a scan is", () => {
  const store = createStore();
  assert.equal(store.state, null);
  store.edit([[0, 0, 1]]);
  store.light([3]);
  assert.equal(store.state, null);
});

test("combinations that do not exist are waited out", () => {
  const store = storeOf();
  const former = store.state;
  for (const wrong of [{ index: 5 }, { index: -1 }, { plane: "oblique" }, { seed: NaN }, { strength: NaN }]) {
    store.update(controlsOf(wrong));
    assert.equal(store.state, former);
  }
  // @ts-expect-error before the first scan Gradio has none
  store.update(controlsOf({ scan: null }));
  assert.equal(store.state, former);
});

test("a listener is told what there is, then every change, until it leaves", () => {
  const store = storeOf();
  /** @type {number[]} */
  const told = [];
  const leave = store.subscribe((state) => told.push(state.index));
  store.update(controlsOf({ index: 3 }));
  leave();
  store.update(controlsOf({ index: 4 }));
  assert.deepEqual(told, [2, 3]);
});

test("forced tokens belong to their slice and come back with it", () => {
  const store = storeOf();
  store.edit([[1, 2, 9]]);
  store.update(controlsOf({ index: 3 }));
  assert.deepEqual(store.state?.edits, []);
  store.update(controlsOf({ index: 2, strength: 0.5 }));
  assert.deepEqual(store.state?.edits, [[1, 2, 9]]);
});

test("tokens of a plane across the slices cannot be forced", () => {
  const store = storeOf({ plane: "coronal" });
  store.edit([[1, 2, 9]]);
  assert.deepEqual(store.state?.edits, []);
});

test("tokens forced in several slices at once are taken back alone, whatever was forced since then", () => {
  const store = storeOf();
  store.edit([[1, 2, 9]]);
  /** @type {Map<number, Edit[]>} */
  const lists = new Map([
    [2, [[0, 0, 5]]],
    [3, [[1, 1, 6]]],
  ]);
  const back = store.editSlices(lists);
  assert.deepEqual(store.state?.edits, [
    [1, 2, 9],
    [0, 0, 5],
  ]);
  store.edit([...(store.state?.edits ?? []), [3, 3, 1]]);
  store.update(controlsOf({ index: 3 }));
  assert.deepEqual(store.state?.edits, [[1, 1, 6]]);
  back();
  assert.deepEqual(store.state?.edits, []);
  assert.equal(store.canUnedit(), false);
  store.update(controlsOf({ index: 2 }));
  assert.deepEqual(store.state?.edits, [
    [1, 2, 9],
    [3, 3, 1],
  ]);
  store.unedit();
  assert.deepEqual(store.state?.edits, [[1, 2, 9]]);
});

test("tokens forced across the slices are kept for the acquired ones", () => {
  const store = storeOf({ plane: "coronal" });
  store.editSlices(new Map([[2, [/** @type {Edit} */ ([0, 0, 5])]]]));
  assert.deepEqual(store.state?.edits, []);
  store.update(controlsOf({ index: 2 }));
  assert.deepEqual(store.state?.edits, [[0, 0, 5]]);
});

test("a link's forced tokens are taken once, and undone as any", () => {
  /** @type {Edit[]} */
  const edits = [[0, 1, 7]];
  const scan = scanOf({ forced: { plane: "axial", index: 2, edits } });
  const store = storeOf({ scan });
  assert.deepEqual(store.state?.edits, edits);
  store.edit([]);
  store.update(controlsOf({ scan, strength: 0.1 }));
  assert.deepEqual(store.state?.edits, []);
});

test("a reset forgets what is forced on every slice and is told after that", () => {
  const store = storeOf();
  store.edit([[1, 2, 9]]);
  store.update(controlsOf({ index: 3 }));
  /** @type {(Edit[] | undefined)[]} */
  const told = [];
  const leave = store.onReset(() => void told.push(store.state?.edits));
  store.reset();
  leave();
  store.reset();
  assert.deepEqual(told, [[]]);
  store.update(controlsOf({ index: 2 }));
  assert.deepEqual(store.state?.edits, []);
});

test("lit codes stay with their codebook", () => {
  const store = storeOf();
  store.light([3, 5]);
  store.update(controlsOf({ index: 4 }));
  assert.deepEqual(store.state?.lit, [3, 5]);
  store.update(controlsOf({ scan: scanOf({ checkpoint: "second" }) }));
  assert.deepEqual(store.state?.lit, []);
});

test("a view starts with the reach of its link, else with that of the opening", () => {
  assert.equal(storeOf().state?.reach, 8);
  for (const asked of [20, null]) {
    const scan = scanOf({ reach: { ...scanOf().reach, asked } });
    assert.equal(storeOf({ scan }).state?.reach, asked);
  }
});

test("a chosen reach stays with another checkpoint as far as its codebook has it, any other is that of the opening", () => {
  const small = scanOf({ token: "t2", reach: { own: 2, last: 15, opening: 3, modes: ["resample"] } });
  const store = storeOf();
  store.update(controlsOf({ scan: small }));
  assert.equal(store.state?.reach, 3);
  store.update(controlsOf());
  store.moveReach(40);
  store.update(controlsOf({ scan: small }));
  assert.equal(store.state?.reach, 15);
  store.moveReach(null);
  store.update(controlsOf());
  assert.equal(store.state?.reach, null);
});

test("in a mode without a reach the chosen one waits", () => {
  const store = storeOf();
  store.moveReach(20);
  store.update(controlsOf({ mode: "shuffle" }));
  assert.deepEqual([store.state?.reach, store.state?.chosenReach], [null, 20]);
  store.moveReach(30);
  assert.equal(store.state?.reach, null);
  store.update(controlsOf());
  assert.equal(store.state?.reach, 30);
});

test("a reset restores the opening's reach", () => {
  const store = storeOf();
  store.moveReach(null);
  store.edit([[1, 2, 3]]);
  store.reset();
  assert.deepEqual([store.state?.reach, store.state?.edits], [8, []]);
});

test("a reset is undone with all that it has dropped, and what was forced since then stays", () => {
  const store = storeOf({ strength: 0.5 });
  store.edit([[1, 2, 3]]);
  store.moveReach(20);
  let zoom = 3;
  store.onReset(() => {
    const former = zoom;
    zoom = 1;
    return former > 1 ? () => void (zoom = former) : undefined;
  });
  assert.equal(store.canUndo, false);
  store.reset();
  store.update(controlsOf({ index: 2, strength: 0 }));
  store.edit([[0, 0, 7]]);
  assert.equal(store.canUndo, true);
  const controls = store.undo();
  assert.equal(controls?.strength, 0.5);
  assert.deepEqual([store.state?.strength, store.state?.chosenReach, zoom], [0.5, 20, 3]);
  assert.deepEqual(store.state?.edits, [
    [1, 2, 3],
    [0, 0, 7],
  ]);
  assert.equal(store.canUndo, false);
  assert.equal(store.undo(), null);
});

test("a second reset in a row leaves the first one to undo", () => {
  const store = storeOf({ strength: 0.5 });
  store.reset();
  store.update(controlsOf({ strength: 0 }));
  store.reset();
  store.update(controlsOf({ strength: 0 }));
  assert.equal(store.undo()?.strength, 0.5);
});

test("what was kept comes back by an undo, and tokens that were never dropped are not forced twice", () => {
  const store = storeOf({ strength: 0.5 });
  store.reset();
  store.edit([[1, 2, 3]]);
  const former = store.nextUndo;
  let undone = 0;
  const kept = store.keep([() => void undone++]);
  assert.notEqual(kept, former);
  assert.equal(store.nextUndo, kept);
  store.update(controlsOf({ strength: 1 }));
  assert.equal(store.undo()?.strength, 0.5);
  assert.equal(undone, 1);
  assert.deepEqual(store.state?.edits, [[1, 2, 3]]);
  // The reset before it is another thing to undo.
  assert.equal(store.nextUndo, former);
});

test("a reset of another scan cannot be undone", () => {
  const store = storeOf({ strength: 0.5 });
  store.reset();
  store.update(controlsOf({ scan: scanOf({ token: "another" }) }));
  assert.equal(store.canUndo, false);
  assert.equal(store.undo(), null);
});

test("each change of the forced tokens is undone, that which dropped all of them too", () => {
  const store = storeOf();
  store.edit([[1, 2, 3]]);
  store.edit([]);
  store.unedit();
  assert.deepEqual(store.state?.edits, [[1, 2, 3]]);
  store.unedit();
  assert.deepEqual(store.state?.edits, []);
  assert.equal(store.canUnedit(), false);
});
