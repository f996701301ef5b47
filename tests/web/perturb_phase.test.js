import assert from "node:assert/strict";
import { test } from "node:test";

import {
  cellAt,
  cellBeside,
  cellInWords,
  effectsInWords,
  equalEffect,
  filled,
  fullEffect,
  phaseInWords,
  placeOf,
  shadeOf,
  strengthOf,
} from "../../app/tabs/perturb/phase_points.js";
import { tableTexts } from "../../app/tabs/perturb/phase_table.js";
import { phaseLayout, phaseTraces } from "../../app/tabs/perturb/phase_traces.js";

/** @typedef {import("../../app/tabs/perturb/types").PhaseLine} PhaseLine */

const STRENGTHS = [0, 0.25, 0.5, 0.75, 1];
const LAST = 16;

/**
 * A row at a reach; its effect where every token is replaced is that reach / 8.
 * @param {number | null} reach
 * @param {(number | null)[]} dice
 * @param {string} [title]
 * @returns {PhaseLine}
 */
const line = (reach, dice, title = "QPM") => ({
  title,
  symbol: "epsilon",
  reach,
  dice,
  truth: dice.map((value) => value && value - 0.1),
  effects: STRENGTHS.map((strength) => strength * ((reach ?? 4) / 8)),
});

const PHASE = {
  strengths: STRENGTHS,
  rows: [
    line(1, [1, 0.999, 0.998, 0.997, 0.996]),
    line(4, [1, null, 0.98, null, 0.96]),
    line(LAST, [1, 0.9, 0.5, 0.2, 0.1]),
  ],
  strips: [line(null, [1, 0.99, 0.98, 0.9, 0], "dropout")],
  done: 18,
  of: 20,
  waiting: false,
  has_truth: true,
};

/** @type {import("../../app/tabs/perturb/types").PhaseView} */
const VIEW = {
  against: "clean",
  strength: 0.5,
  place: 0.5,
  isThere: true,
  effect: 0.25,
  own: 4,
  cell: null,
  narrow: false,
};

test("a reach lies on its logarithm, from the nearest codeword to any", () => {
  assert.deepEqual(
    [1, 4, 16].map((reach) => placeOf(reach, LAST)),
    [0, 0.5, 1],
  );
  assert.equal(placeOf(1, 1), 0);
});

test("colours tell small losses apart as well as large ones", () => {
  const shades = [1, 0.999, 0.997, 0.97, 0.9, 0.7, 0].map(shadeOf);
  assert.deepEqual([shades[0], shades[1], shades[6]], [1, 1, 0]);
  for (let i = 3; i < shades.length; i++) assert.ok(shades[i] < shades[i - 1]);
  assert.ok(Math.abs(shadeOf(0.97) - shadeOf(0.7) - (shadeOf(0.9) - shadeOf(0))) < 1e-9);
});

test("the nearest cell that is known stands for one that is not", () => {
  const known = filled([
    [1, null, null, null, 5],
    [null, null, null, null, null],
    [7, null, null, null, null],
  ]);
  assert.deepEqual(known[0], [1, 1, 1, 5, 5]);
  assert.deepEqual(known[2], [7, 7, 7, 7, 5]);
  assert.deepEqual(filled([[null, null]]), [[null, null]]);
});

test("the effect between two rows is interpolated, and not known beyond those that are", () => {
  assert.equal(fullEffect(PHASE.rows, 0.5), 0.5);
  assert.ok(Math.abs(Number(fullEffect(PHASE.rows, 0.75)) - 1) < 1e-9);
  const unknown = { ...PHASE.rows[2], effects: STRENGTHS.map(() => null) };
  assert.equal(fullEffect([PHASE.rows[0], PHASE.rows[1], unknown], 0.75), null);
});

test("along a line of equal effect strength times full effect is the same, and it ends at epsilon 1", () => {
  const { x, y } = equalEffect(PHASE.rows, 0.25);
  assert.ok(x.length > 2);
  for (const [i, strength] of x.entries()) {
    assert.ok(strength <= 1);
    assert.ok(Math.abs(strength * Number(fullEffect(PHASE.rows, y[i])) - 0.25) < 1e-9);
  }
  assert.equal(x[0], 1);
  assert.deepEqual(equalEffect(PHASE.rows, 99), { x: [], y: [] });
});

test("the strength at which a strip has an effect lies between its columns", () => {
  assert.equal(strengthOf(STRENGTHS, PHASE.strips[0], 0.1875), 0.375);
  assert.equal(strengthOf(STRENGTHS, PHASE.strips[0], 0), 0);
  assert.equal(strengthOf(STRENGTHS, PHASE.strips[0], 9), null);
  // Dropout's effect falls at 1.
  const falling = { ...PHASE.strips[0], effects: [0, 2, 1] };
  assert.deepEqual(
    [1, 1.5, 3].map((effect) => strengthOf([0, 0.5, 1], falling, effect)),
    [0.25, 0.375, null],
  );
});

test("arrow keys move a cell and stop at the edges", () => {
  assert.deepEqual(cellAt(PHASE, 0.6, 0.9), { row: 2, column: 2 });
  assert.deepEqual(cellBeside(PHASE, { row: 1, column: 1 }, "ArrowUp"), { row: 2, column: 1 });
  assert.deepEqual(cellBeside(PHASE, { row: 2, column: 4 }, "ArrowUp"), { row: 2, column: 4 });
  assert.deepEqual(cellBeside(PHASE, { row: 0, column: 0 }, "ArrowLeft"), { row: 0, column: 0 });
  assert.equal(cellBeside(PHASE, { row: 0, column: 0 }, "Enter"), null);
});

test("a cell tells its setting, Dice against both and effect", () => {
  assert.equal(
    cellInWords(PHASE, PHASE.rows[2], 2),
    "reach any, ε 0.50: Dice against ε = 0 0.500, against the truth 0.400, effect 1",
  );
  assert.equal(cellInWords(PHASE, PHASE.rows[1], 1), "reach 4, ε 0.25: not decoded yet");
  assert.match(
    cellInWords({ ...PHASE, has_truth: false }, PHASE.strips[0], 3),
    /^dropout, p 0\.75: .* 0\.900, effect 0\.38$/,
  );
});

test("the words say up to which reach Dice is kept and from which it is lost", () => {
  assert.equal(
    phaseInWords(PHASE),
    "With every token replaced, Dice against ε = 0 stays at 0.95 or above up to reach 4; it is below 0.5 where any codeword may come.",
  );
  const kept = { ...PHASE, rows: PHASE.rows.map((row) => ({ ...row, dice: [1, 1, 1, 1, 0.99] })) };
  assert.match(phaseInWords(kept), /^Even with every token replaced/);
  const lower = { ...PHASE, rows: PHASE.rows.map((row) => ({ ...row, dice: [1, 1, 1, 1, 0.8] })) };
  assert.match(phaseInWords(lower), /is below 0\.95 at every reach, and never falls below 0\.5\.$/);
});

test("the words name where dropout has as large an effect", () => {
  assert.equal(effectsInWords(PHASE, 0.25), "Effect at the sliders: 0.25. As much: dropout at p = 0.50: Dice 0.980.");
  assert.equal(effectsInWords(PHASE, 9), "Effect at the sliders: 9.");
  assert.equal(effectsInWords(PHASE, null), "");
});

test("the table has the strips last and says what is not known", () => {
  const [head, ...body] = tableTexts(PHASE, "truth");
  assert.deepEqual(head.slice(1), ["0.00"]);
  assert.deepEqual(body, [
    ["nearest only", "0.900"],
    ["dropout", "0.900"],
  ]);
});

test("the plot draws the map, the strips, and the sliders only where they are a place on it", () => {
  const traces = /** @type {any[]} */ (phaseTraces(PHASE, VIEW));
  assert.equal(traces[0].z[1][2], shadeOf(0.98));
  assert.equal(traces[0].text[1][1], "reach 4, ε 0.25: not decoded yet");
  assert.equal(traces[1].z[0][4], 0);
  const ring = traces.findIndex(({ marker }) => marker?.symbol === "circle");
  assert.deepEqual([traces[ring].x, traces[ring].y], [[0.5], [0.5]]);
  const elsewhere = /** @type {any[]} */ (phaseTraces(PHASE, { ...VIEW, isThere: false }));
  assert.deepEqual(elsewhere[ring].x, []);
});

test("the axis names both ends in words, and the checkpoint's own reach", () => {
  const layout = /** @type {any} */ (phaseLayout(PHASE, VIEW));
  assert.deepEqual(layout.yaxis.ticktext, ["nearest only", "4", "any"]);
  assert.equal(layout.shapes[0].y0, 0.5);
  assert.match(layout.annotations[0].text, /own reach, 4$/);
});
