import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, bandTraces, figureOf, nextRate, tracesOf } from "../../app/tabs/perturb/curve_points.js";

/** @type {import("../../app/tabs/perturb/types").FigureName[]} */
const FIGURES = ["dice_vs_clean", "agreement", "truth", "psnr"];
/**
 * @param {number} value
 * @param {(number | null)[] | null} [truth]
 */
const point = (value, truth = null) => ({ dice_vs_clean: value, agreement: value + 1, truth, psnr: value + 2 });

test("rates of dropout come from coarse to fine, each once", () => {
  /** @type {number[]} */
  const rates = [];
  for (let rate = nextRate(rates, 20); rate !== null; rate = nextRate(rates, 20)) rates.push(rate);
  assert.deepEqual(rates.slice(0, 5), [0, 1, 0.5, 0.7, 0.9]);
  assert.deepEqual(
    rates.toSorted((a, b) => a - b),
    Array.from({ length: 21 }, (_, i) => i / 20),
  );
});

test("a rate that is there is not asked for again, nor one that another number of steps has not", () => {
  assert.equal(nextRate([0, 0.5], 20), 1);
  assert.equal(nextRate([0, 1, 0.5], 4), 0.75);
  assert.equal(nextRate([0, 0.25, 0.5, 0.75, 1], 4), null);
});

test("against the truth a figure is the mean over the structures that are there", () => {
  assert.equal(figureOf(point(0, [0.5, null, 1]), "truth"), 0.75);
  assert.equal(figureOf(point(0, [null]), "truth"), null);
  assert.equal(figureOf(point(0), "truth"), null);
  assert.equal(figureOf(point(3), "psnr"), 5);
});

test("traces are every figure over epsilon, then every figure over dropout in the order of its rates", () => {
  const swapped = [
    { strength: 0, ...point(1) },
    { strength: 1, ...point(2) },
  ];
  const dropped = [
    { rate: 1, ...point(4) },
    { rate: 0, ...point(3) },
  ];
  const { x, y, visible } = tracesOf(FIGURES, swapped, dropped, false);
  assert.deepEqual(x, new Array(8).fill([0, 1]));
  assert.deepEqual(y[0], [1, 2]);
  assert.deepEqual(y[4], [3, 4]);
  assert.deepEqual(y[7], [5, 6]);
  assert.deepEqual(visible, [true, true, false, true, true, true, false, true]);
  assert.ok(tracesOf(FIGURES, swapped, dropped, true).visible.every(Boolean));
});

test("axes fit what is drawn, without strong dropout, and say where they begin", () => {
  const constants = {
    figures: FIGURES,
    titles: { shares: "Dice", decibels: "PSNR" },
    shares: { step: 0.05, least: 0.1, top: 1 },
    decibels: { step: 5, least: 10, top: null },
    fitted_rate: 0.9,
  };
  const of = (/** @type {number} */ dice, /** @type {number} */ psnr) => ({
    dice_vs_clean: dice,
    agreement: 1,
    truth: [0.3],
    psnr,
  });
  const swapped = [
    { strength: 0, ...of(1, 31) },
    { strength: 1, ...of(0.97, 24) },
  ];
  const dropped = [
    { rate: 0.9, ...of(0.88, 22) },
    { rate: 1, ...of(0, 2) },
  ];
  const axes = axesOf(constants, tracesOf(FIGURES, swapped, dropped, false));
  assert.deepEqual([axes["yaxis.range"][0], axes["yaxis.title.text"]], [0.85, "Dice<br>(axis from 0.85)"]);
  assert.deepEqual([axes["yaxis2.range"][0], axes["yaxis2.title.text"]], [20, "PSNR<br>(axis from 20)"]);
  assert.ok(axes["yaxis.range"][1] > 1 && axes["yaxis2.range"][1] > 35);
  // With the truth, which is lower.
  assert.equal(axesOf(constants, tracesOf(FIGURES, swapped, dropped, true))["yaxis.range"][0], 0.3);
});

test("a band goes out along the upper edge and back along the lower one, over the means that there are", () => {
  const figures = {
    dice_vs_clean: { mean: [1, 0.8, null], spread: [0, 0.1, null] },
    psnr: { mean: [9, 8, 7], spread: [null, 1, 1] },
  };
  const bands = { strengths: [0, 0.5, 1], seeds: 2, done: 6, of: 6, figures };
  const { x, y, customdata } = bandTraces(["dice_vs_clean", "dice_vs_truth", "psnr"], bands);
  assert.deepEqual(x[0], [0, 0.5, 0.5, 0]);
  assert.deepEqual(y[0], [1, 0.9, 0.7000000000000001, 1]);
  assert.deepEqual([x[1], y[1]], [[], []]);
  assert.deepEqual(
    [y[3], customdata[3]],
    [
      [1, 0.8],
      [0, 0.1],
    ],
  );
  assert.deepEqual(y[2], [9, 9, 8, 6, 7, 9]);
  assert.deepEqual(bandTraces(["psnr"], null), { x: [[], []], y: [[], []], customdata: [[], []] });
});
