import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { codeAt, createLesson, focusOf, fromAddress, inAddress, isCloser } from "../../app/tabs/learn/lesson.js";

const STEPS = ["pixels", "tokens", "swap"];
const START = { step: 0, language: "en", large: false, notes: false, cell: null, whole: null };
const read = (/** @type {Record<string, string>} */ address) => fromAddress(address, STEPS.length, ["en", "de"]);

/** @param {string} language @param {string} thousands */
function textsOf(language, thousands) {
  const words = { title: "", idea: "", question: "", reveal: "", why: "", note: "" };
  const steps = Object.fromEntries(STEPS.map((name) => [name, { name, ...words }]));
  return {
    language,
    numbers: { thousands, decimal: "." },
    terms: {},
    ui: { between: "{low} to {high}" },
    pictures: {},
    steps,
  };
}

const lessonOf = (/** @type {Record<string, string>} */ address) =>
  createLesson(
    {
      steps: STEPS,
      texts: { en: textsOf("English", ","), de: textsOf("Deutsch", ".") },
      strengths: [0, 0.8],
      high: 0.8,
      font: "",
    },
    address,
  );

test("an address leads to a step, a square and a language", () => {
  const state = read({ step: "2", lang: "de", cell: "1,12", notes: "1", large: "1", seed: "4" });
  assert.deepEqual(state, { ...START, step: 1, language: "de", large: true, notes: true, cell: [1, 12] });
});

test("what an address says wrongly is left out", () => {
  assert.deepEqual(read({}), START);
  for (const step of ["-3", "1.5", "one", "0", ""]) assert.equal(read({ step }).step, 0);
  assert.equal(read({ step: "99" }).step, 2);
  for (const lang of ["toString", "fr", ""]) assert.equal(read({ lang }).language, "en");
  for (const cell of ["1", "1,", "a,b", "1,2,3", "-1,2"]) assert.equal(read({ cell }).cell, null);
  assert.deepEqual(read({ notes: "maybe", large: "yes" }), START);
});

test("an address that was written is read as it was meant", () => {
  for (const address of /** @type {Record<string, string>[]} */ ([
    {},
    { step: "3", cell: "4,5", notes: "1", large: "1" },
  ])) {
    const written = Object.entries(inAddress(read(address))).filter(([, value]) => value !== null);
    assert.deepEqual(read(Object.fromEntries(written.map(([name, value]) => [name, String(value)]))), read(address));
  }
});

test("the teacher's page names what an address may hold", () => {
  const page = readFileSync(new URL("../../docs/teaching.md", import.meta.url), "utf8");
  const names = [...page.matchAll(/^\| `(\w+)=/gm)].map(([, name]) => name);
  assert.deepEqual(new Set(names), new Set(["lang", "room", ...Object.keys(inAddress(read({})))]));
});

test("a lesson speaks the language that is chosen", () => {
  const lesson = lessonOf({ lang: "de" });
  assert.equal(lesson.texts.language, "Deutsch");
  assert.equal(lesson.ui("between", { low: 0, high: 4096 }), "0 to 4.096");
  lesson.state.language = "en";
  assert.equal(lesson.n(4096), "4,096");
});

test("the last step begins at the strength that it asks about", () => {
  assert.equal(lessonOf({}).state.all, 0.8);
  assert.deepEqual(lessonOf({}).strengths, [0, 0.8]);
});

test("predictions belong to their step", () => {
  const lesson = lessonOf({ step: "3" });
  assert.equal(lesson.name, "swap");
  lesson.predictions.set("swap", { guess: 1, truth: 2, key: "" });
  assert.equal(lesson.prediction?.guess, 1);
  lesson.state.step = 0;
  assert.equal(lesson.prediction, undefined);
});

test("a question about the whole slice shows it, unless the visitor chose otherwise", () => {
  const lesson = lessonOf({ step: "2" });
  assert.equal(lesson.isWhole, true);
  lesson.state.step = 0;
  assert.equal(lesson.isWhole, false);
  lesson.state.whole = true;
  assert.equal(lesson.isWhole, true);
});

test("a closer look is a part of the picture", () => {
  assert.deepEqual(focusOf(true, [4, 6, 10, 20], [40, 30]), [0, 0, 30, 40]);
  assert.deepEqual(focusOf(false, [4, 6, 10, 20], [40, 30]), [4, 6, 10, 20]);
  assert.equal(isCloser([0, 0, 30, 40], [40, 30]), false);
  assert.equal(isCloser([0, 0, 29, 40], [40, 30]), true);
  assert.equal(isCloser([0, 0, 30, 39], [40, 30]), true);
});

test("a square's code stands in the deepest level", () => {
  assert.equal(codeAt({ levels: 1, grid_of_tokens: [5, 6] }, [2, 3]), 15);
  assert.equal(codeAt({ levels: 3, grid_of_tokens: [5, 6] }, [2, 3]), 75);
});
