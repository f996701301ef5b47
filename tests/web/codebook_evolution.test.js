import assert from "node:assert/strict";
import { test } from "node:test";

import { countedInWords, momentInWords } from "../../app/tabs/codebook/evolution.js";
import { boundsOf, codewordsOf, countedAt, nextMoment, pointsAt } from "../../app/tabs/codebook/moments.js";
import {
  costLayout,
  costTraces,
  effectLayout,
  effectTraces,
  legendOf,
  radiusTraces,
  topOf,
} from "../../app/tabs/codebook/radii_traces.js";
import {
  above,
  belowInWords,
  boundInWords,
  comparedInWords,
  costInWords,
  radiiInWords,
} from "../../app/tabs/codebook/radii_words.js";

/* Two moments of three codes; at the first one the last code was not there yet. */
const STORY = {
  steps: [0, 1000],
  places: Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
  counts: Int32Array.from([5, 0, -1, 1, 2, 0]),
  utilisation: [1 / 3, 2 / 3],
  perplexity: [1, 1234.4],
};

const THEORY = {
  strengths: [0, 0.5, 0.9, 1],
  quantized: [0, 0.1, 0.2, 0.234],
  dropout: [0, 0.15, 3.35, null],
  low: [0, 0, 0, 0],
  high: [0, 1, 2, 12.345],
};

test("a moment says over how many tokens it is counted, and over how many the whole codebook", () => {
  assert.deepEqual([countedAt(STORY, 0), countedAt(STORY, 1)], [5, 3]);
  const words = countedInWords(5, { counts: Float64Array.from([4000, 0, 1]), source: "ACDC", scans: 150 });
  assert.match(words, /over 5 tokens: .* over all 4,001 tokens of ACDC \(150 scans\)/);
});

test("points of a moment are in use, not in use, or not there", () => {
  assert.equal(codewordsOf(STORY), 3);
  assert.deepEqual(pointsAt(STORY, 0, true), { x: [0], y: [1], customdata: [0] });
  assert.deepEqual(pointsAt(STORY, 0, false), { x: [2], y: [3], customdata: [1] });
  assert.deepEqual(pointsAt(STORY, 1, true), { x: [6, 8], y: [7, 9], customdata: [0, 1] });
  assert.deepEqual(pointsAt(STORY, 1, false), { x: [10], y: [11], customdata: [2] });
});

test("bounds hold all moments, with a rim", () => {
  assert.deepEqual(boundsOf(STORY.places, 0), [-0.4, 10.4]);
  assert.deepEqual(boundsOf(STORY.places, 1), [0.6, 11.4]);
});

test("a film begins again after its last moment", () => {
  assert.deepEqual(
    [0, 1, 2].map((moment) => nextMoment(moment, 2)),
    [1, 2, 0],
  );
});

test("a moment tells its step and what was in use", () => {
  assert.equal(momentInWords(STORY, 1), "step 1,000 · 66.7 % in use · perplexity 1,234");
});

test("a bound is the next number of two digits above", () => {
  assert.deepEqual([0.234, 0.2, 1.99, 99, 0.00123].map(above), [0.24, 0.21, 2, 100, 0.0013]);
  for (const value of [1e-5, 0.03, 0.7, 12.34, 987]) assert.ok(above(value) > value && above(value) <= 1.1 * value);
});

test("the radii are told with the codebook's own numbers", () => {
  const words = radiiInWords(THEORY);
  assert.match(words, /from 0\.15 nats at p = 0\.5 to 3\.35 at p = 0\.9/);
  assert.match(words, /stays below 0\.24 nats/);
});

test("what is said of the bound fits the slice and the mode", () => {
  assert.match(boundInWords(12.345, true, "resample"), /^The bounds of Appendix B reach 12 nats/);
  assert.match(boundInWords(12.345, true, "shuffle"), /^Under shuffling .* reach 12 nats/);
  assert.match(boundInWords(12.345, false, "shuffle"), /Choose another plane\.$/);
});

test("the axis ends above dropout at 0.9, not where it leaves the picture", () => {
  assert.equal(topOf(THEORY), 1.15 * 3.35);
  assert.equal(topOf({ ...THEORY, dropout: [0, null, null, null] }), 1.15 * 0.2);
});

const STRENGTHS = [0, 0.5, 0.9, 1];
/** @param {string} title @param {boolean} swaps @param {(number | null)[]} radius @param {number[]} effect */
const kind = (title, swaps, radius, effect) => ({
  name: title,
  title,
  symbol: "",
  swaps,
  reaches: false,
  radius,
  effect,
});
const KINDS = {
  strengths: STRENGTHS,
  usage: "made-up scans",
  kinds: [
    kind("QPM", true, [0, 0.1, 0.2, 0.234], [0, 0.1, 0.2, 0.3]),
    kind("shuffled", true, [0, 0, 0, 0], [0, 1, 1.8, 2]),
    kind("dropout", false, [0, 0.15, 3.35, null], [0, 2, 42, 5]),
    kind("channels", false, [0, 0.15, 3.35, null], [0, 2, 42, 5]),
  ],
};
const COSTS = [
  [1, 0.99, 0.98, 0.97],
  [1, 0.6, 0.1, 0],
  [1, 0.99, 0.95, 0],
  [1, 0.98, 0.8, 0],
].map((dice) => ({ strengths: STRENGTHS, dice }));

test("the bounds lie below the lines, and what a logarithmic axis cannot have is a gap", () => {
  const ys = radiusTraces(THEORY, KINDS).map((trace) => trace.y);
  assert.deepEqual(ys.slice(2), [
    [null, 0.1, 0.2, 0.234],
    [null, null, null, null],
    [null, 0.15, 3.35, null],
    [null, 0.15, 3.35, null],
  ]);
  assert.deepEqual(ys[1].slice(1), THEORY.high.slice(1));
});

test("every kind has one colour in all plots, and those whose lines coincide have other dashes", () => {
  const looks = legendOf(KINDS.kinds);
  assert.equal(new Set(looks.map(({ colour }) => colour)).size, 4);
  assert.deepEqual(
    looks.map(({ dash }) => dash),
    ["solid", "solid", "dash", "dot"],
  );
  const [effects, costs] = [effectTraces(KINDS), costTraces(KINDS, COSTS)];
  assert.deepEqual(
    effects.map((trace) => trace.line.color),
    costs.map((trace) => trace.line.color),
  );
  assert.deepEqual(costs[1].y, COSTS[1].dice);
});

test("the axis of Dice fits what is drawn up to a strength, and that of effects all of them", () => {
  const constants = { shares: { step: 0.05, least: 0.1, top: 1 }, fitted_rate: 0.9 };
  const [near] = [costLayout(COSTS.slice(2, 3), constants)];
  assert.deepEqual([/** @type {any} */ (near).yaxis.range[0], near.yaxis.title.text], [0.9, "Dice (axis from 0.9)"]);
  const { range } = /** @type {any} */ (effectLayout(KINDS)).yaxis;
  assert.ok(range[0] <= Math.log10(0.1) && range[1] >= Math.log10(42));
});

test("the sentence on what a decoder feels follows from the numbers", () => {
  const words = comparedInWords(KINDS, COSTS);
  assert.match(
    words,
    /At 0\.9, “shuffled” has less radius than “QPM” \(0 against 0\.2\) and costs more \(Dice 0\.100 against 0\.980\)/,
  );
  assert.match(
    words,
    /Nor does the effect alone: “shuffled” has less effect than “dropout” .*: a decoder averages noise/,
  );
  const ordered = [0, 1, 2, 3].map((i) => ({ strengths: STRENGTHS, dice: [1, 1, [0.99, 0.995, 0.6, 0.6][i], 0] }));
  assert.match(
    comparedInWords(KINDS, ordered),
    /the larger radius also cost more\. The effect orders them as Dice does\./,
  );
  assert.equal(comparedInWords(KINDS, [...COSTS.slice(1), { strengths: [], dice: [] }]), "");
});

test("a kind whose radius is nothing is named, since the axis does not show it", () => {
  assert.match(belowInWords(KINDS), /“shuffled” is 0 at every strength/);
  assert.equal(belowInWords({ ...KINDS, kinds: KINDS.kinds.slice(0, 1) }), "");
});

test("what a kind costs is said to be measured until every kind is there", () => {
  const [there, missing] = [
    { strengths: [0, 1], dice: [1, 0.9] },
    { strengths: [], dice: [] },
  ];
  const page = { plane: "axial", index: 3 };
  assert.match(costInWords(page, [there, missing]), /axial slice 3 · measuring, 1 of 2 are there/);
  assert.match(costInWords(page, [there, there]), /axial slice 3$/);
  assert.match(costInWords(page, []), /axial slice 3$/);
});
