import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswers } from "../../app/tabs/learn/answers.js";
import { createLesson } from "../../app/tabs/learn/lesson.js";

const words = { title: "", idea: "", question: "", reveal: "", why: "", note: "" };
const texts = {
  language: "English",
  numbers: { thousands: ",", decimal: "." },
  terms: {},
  ui: { no_answer: "No answer." },
  pictures: {},
  steps: { one: { name: "one", ...words }, two: { name: "two", ...words } },
};

/** A lesson at its first step, and a server that answers when it is told to. @param {Record<string, string>} address */
function setUp(address = {}) {
  const lesson = createLesson(
    { steps: ["one", "two"], texts: { en: texts }, strengths: [0, 1], high: 1, font: "" },
    address,
  );
  /** @type {{request: any, answer: (given: any) => void}[]} */
  const asked = [];
  const place = { token: "t", plane: "axial", index: 3, mode: "resample", seed: 0 };
  const answers = createAnswers({
    lesson,
    ask: (request) => new Promise((answer) => asked.push({ request, answer })),
    unpack: async (packed) => Uint8Array.of(packed.length),
    place: () => place,
    changed() {},
  });
  return { lesson, answers, asked, place };
}

const answerTo = (/** @type {any} */ { step, cell }) => ({
  step,
  cell: cell ?? [2, 1],
  facts: {},
  truth: 1,
  bounds: null,
  data: {},
  pictures: { labels: "xxxx" },
  focus: [0, 0, 1, 1],
});
const rest = () => new Promise((done) => setTimeout(done));

test("the lesson chooses a square where none is named, and it stays marked", async () => {
  const { lesson, answers, asked } = setUp();
  const wish = answers.wish();
  assert.equal(Boolean(answers.present), false);
  assert.equal(asked[0].request.cell, null);
  asked[0].answer(answerTo(asked[0].request));
  await wish;
  assert.deepEqual(lesson.state.cell, [2, 1]);
  assert.deepEqual(answers.present?.pictures, { labels: Uint8Array.of(4) });
  // What is there is not asked for again.
  await answers.wish();
  assert.equal(asked.length, 1);
  assert.deepEqual([...lesson.visited], ["one"]);
});

test("one question is asked at a time, and the newest wish wins", async () => {
  const { lesson, answers, asked, place } = setUp({ cell: "1,1" });
  const wish = answers.wish();
  lesson.state.step = 1;
  answers.wish();
  place.index = 5;
  answers.wish();
  assert.equal(asked.length, 1);
  asked[0].answer(answerTo(asked[0].request));
  await rest();
  assert.equal(Boolean(answers.present), false);
  assert.deepEqual([asked[1].request.step, asked[1].request.index], ["two", 5]);
  asked[1].answer(answerTo(asked[1].request));
  await wish;
  assert.equal(answers.present?.step, "two");
  assert.equal(asked.length, 2);
});

test("a square that the scan does not have counts as not said", async () => {
  const { lesson, answers, asked } = setUp({ cell: "99,99" });
  const wish = answers.wish();
  asked[0].answer({ error: "row of the cell must be 0 to 4" });
  await rest();
  assert.equal(asked[1].request.cell, null);
  asked[1].answer(answerTo(asked[1].request));
  await wish;
  assert.deepEqual(lesson.state.cell, [2, 1]);
  assert.equal(answers.problem, null);
});

test("a failure is told where it belongs, and whoever comes back gets another try", async () => {
  const { lesson, answers, asked } = setUp();
  let wish = answers.wish();
  asked[0].answer(undefined);
  await wish;
  assert.equal(answers.problem, "No answer.");
  lesson.state.step = 1;
  wish = answers.wish();
  assert.equal(answers.problem, null);
  asked[1].answer({ error: "this scan is gone" });
  await wish;
  assert.equal(answers.problem, "this scan is gone");
  lesson.state.step = 0;
  wish = answers.wish();
  assert.equal(asked.length, 3);
  asked[2].answer(answerTo(asked[2].request));
  await wish;
  assert.equal(Boolean(answers.problem), false);
  assert.equal(answers.present?.step, "one");
});
