import assert from "node:assert/strict";
import { test } from "node:test";

import { frameAt, lineOf, MARGIN, scaleOf, stepOf } from "../../app/page/cine_curve.js";
import { curveText, moreOf, notesOf, phaseOf, progressOf, tableOf, valueText } from "../../app/page/cine_words.js";

/** @typedef {import("../../app/web/types").CineAnswer} CineAnswer */
/** @typedef {import("../../app/web/types").Heart} Heart */

/** @type {Heart} */
const HEART = {
  ed_frame: 0,
  es_frame: 2,
  spacing_known: true,
  lv: { edv_ml: 120.4, esv_ml: 48.2, stroke_volume_ml: 72.2, ejection_fraction_percent: 59.97 },
  rv: { edv_ml: 130, esv_ml: 60, stroke_volume_ml: 70, ejection_fraction_percent: 53.8 },
  myocardial_mass_g: 101.6,
  heart_rate_bpm: 60,
  notes: ["the frames are few"],
};

/**
 * @param {Partial<CineAnswer>} [more]
 * @returns {CineAnswer}
 */
const answerOf = (more) => ({
  frames: 4,
  ready: [0, 1, 2, 3],
  done: 4,
  keeps_all: true,
  paired: false,
  seconds: 0.25,
  unit: "ml",
  volumes: { LV: [120.4, 90, 48.2, 80], RV: [130, 90, 60, 90], MYO: [97, 97, 97, 97] },
  heart: HEART,
  problem: "",
  stopped: false,
  ...more,
});

const STATE = { token: "t", name: "Heart", frames: 4, paired: false, wanted: 0, frame: 0, told: null, playing: false };

test("the frames are told of until all are there", () => {
  assert.equal(progressOf({ ...STATE, told: answerOf({ done: 2 }) }), "2 of 4 frames");
  assert.equal(progressOf({ ...STATE, wanted: 3, told: answerOf({ done: 2 }) }), "2 of 4 frames, frame 3 comes next");
  assert.equal(progressOf({ ...STATE, wanted: 3, told: answerOf() }), "Encoding frame 3 again");
  assert.equal(progressOf({ ...STATE, told: answerOf() }), "");
});

test("the table has units, and says where the spacing is unknown", () => {
  assert.deepEqual(tableOf(answerOf()).rows, [
    { side: "LV", values: ["60 %", "120 ml", "48 ml", "72 ml"] },
    { side: "RV", values: ["54 %", "130 ml", "60 ml", "70 ml"] },
  ]);
  assert.equal(moreOf(answerOf()), "Mass 102 g · 60 beats/min");
  const nominal = answerOf({ heart: { ...HEART, spacing_known: false, rv: null, heart_rate_bpm: null } });
  assert.deepEqual(tableOf(nominal).rows, [{ side: "LV", values: ["60 %", "unknown spacing"] }]);
  assert.equal(moreOf(nominal), "Mass unknown spacing");
  assert.deepEqual(tableOf(answerOf({ heart: null })).rows[0].values, ["–", "–", "–", "–"]);
});

test("who does not see the curve hears its frames, its ends and its notes", () => {
  assert.equal(valueText(2, answerOf()), "frame 2, 500 ms, end-systole, LV 48 ml, RV 60 ml, MYO 97 ml");
  assert.equal(valueText(2, null), "frame 2");
  assert.equal(phaseOf(1, answerOf()), "");
  assert.match(curveText(answerOf()), /120 ml at end-diastole, frame 0, and 48 ml at end-systole, frame 2/);
  assert.equal(notesOf(answerOf()), "The frames are few.");
});

test("round numbers divide the axis", () => {
  assert.deepEqual([0, 3, 7, 199, 120].map(stepOf), [1, 1, 5, 100, 50]);
  const { ticks, y } = scaleOf(4, 199, { width: 300, height: 100 });
  assert.deepEqual(ticks, [0, 100, 200]);
  assert.equal(y(200), MARGIN.top);
});

test("a press on the curve finds the frame that is drawn there", () => {
  const { x } = scaleOf(20, 100, { width: 400, height: 100 });
  for (let frame = 0; frame < 20; frame++) assert.equal(frameAt(x(frame), 20, 400), frame);
  assert.deepEqual([frameAt(-10, 20, 400), frameAt(500, 20, 400)], [0, 19]);
});

test("frames that are still missing leave a gap", () => {
  const scale = { x: (/** @type {number} */ frame) => frame, y: (/** @type {number} */ volume) => volume };
  assert.deepEqual(lineOf([1, 2, null, 4, null, 6], scale), {
    path: "M0.0 1.0L1.0 2.0M3.0 4.0M5.0 6.0",
    dots: [
      [3, 4],
      [5, 6],
    ],
  });
});
