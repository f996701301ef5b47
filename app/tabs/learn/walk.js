/* The way through the lesson: going to a step, marking a square, predicting, and the change to another scan. */
import { setSlider } from "../../web/keys.js";
import { links } from "../../web/links.js";
import { store } from "../../web/store.js";
import { inAddress, SLIDERS } from "./lesson.js";

/** @typedef {import("./types").Cell} Cell */
/** @typedef {import("./types").StepAnswer} StepAnswer */

/**
 * @param {object} context
 * @param {import("./types").Lesson} context.lesson
 * @param {import("./types").Answers} context.answers
 * @param {() => boolean} context.visible
 * @param {() => void} context.draw
 * @returns {import("./types").Walk}
 */
export function createWalk({ lesson, answers, visible, draw }) {
  /** @type {string | null} */
  let token = null;

  /** @param {Partial<import("./types").LessonState>} values */
  function change(values) {
    Object.assign(lesson.state, values);
    links.more(inAddress(lesson.state));
    draw();
  }

  /** Request the numbers of the present step. */
  function wish() {
    if (!visible() || !store.state) return;
    const { scan, plane } = store.state;
    if (scan.planes[plane].acquired) answers.wish();
    else draw();
  }

  /** @param {number} step */
  function go(step) {
    if (!visible() || step < 0 || step >= lesson.steps.length) return false;
    change({ step });
    wish();
    return true;
  }

  /** @param {Cell} cell */
  function pick(cell) {
    change({ cell });
    wish();
  }

  /** @param {StepAnswer} now @param {import("./types").Reply | null} guess null without one */
  function predict(now, guess) {
    lesson.predictions.set(lesson.name, { guess, truth: now.truth, key: now.key });
    for (const field of lesson.drafts.keys()) if (field.startsWith(lesson.name + " ")) lesson.drafts.delete(field);
    // The picture then shows the epsilon of the question, and its reach if there is only one.
    if (SLIDERS[lesson.name]?.includes("strength")) setSlider("strength", Number(now.facts.strength));
    if ("reach" in now.facts) store.moveReach(Number(now.facts.reach));
  }

  function again() {
    lesson.predictions.delete(lesson.name);
    draw();
  }

  /** @param {import("./types").PageState} page @returns {boolean} whether another scan has come */
  function follow({ scan }) {
    // Another scan has other squares and other answers.
    const isOther = token !== null && token !== scan.token;
    if (isOther) {
      lesson.state.cell = null;
      lesson.predictions.clear();
    }
    token = scan.token;
    wish();
    return isOther;
  }

  return { change, wish, go, pick, predict, again, follow };
}
