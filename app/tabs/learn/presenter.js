/* The presenter's window: notes, minutes and what the class has replied so far. It stays on the teacher's own screen, so that
   the projector shows none of it. */
import { make } from "../../web/dom.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").Room} Room */

const STYLE = `:root { color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif; }
body { margin: 1.2em 1.5em; } h1 { font-size: 1.3em; margin: .4em 0; } p { margin: .5em 0; max-width: 40em; }
.minutes { display: flex; justify-content: space-between; gap: 1em; opacity: .8; }
.question, .counts { font-weight: 650; } .note { font-size: 1.1em; }`;
const EVERY = 5000; // milliseconds between two looks at the clock
const MINUTE = 60000;

/**
 * How many minutes of the lesson are planned before a step.
 * @param {string[]} steps
 * @param {Record<string, number>} minutes
 * @param {string} step
 */
export const before = (steps, minutes, step) =>
  steps.slice(0, steps.indexOf(step)).reduce((sum, one) => sum + minutes[one], 0);

/**
 * @param {object} context
 * @param {Lesson} context.lesson
 * @param {Room} context.room
 * @param {Record<string, number>} context.minutes
 * @param {(text: string) => string} context.filled a text of the step with its facts in it
 * @param {() => void} context.forward
 * @param {() => void} context.backward
 */
export function createPresenter({ lesson, room, minutes, filled, forward, backward }) {
  /** @type {Window | null} */
  let notes = null;
  let begun = 0;
  let shown = "";

  function show() {
    if (!notes || notes.closed) {
      notes = window.open("", "vqseg-notes", "popup,width=620,height=760");
      begun ||= performance.now();
      shown = "";
      notes?.addEventListener("keydown", turn);
    }
    notes?.focus();
    draw();
  }

  /** A clicker turns the pages also while this window has the keyboard. @param {KeyboardEvent} event */
  function turn(event) {
    if (["n", "PageDown"].includes(event.key)) forward();
    else if (["p", "PageUp"].includes(event.key)) backward();
    else return;
    event.preventDefault();
  }

  function draw() {
    if (!notes || notes.closed) return;
    const parts = lines();
    const told = JSON.stringify(parts);
    if (told === shown) return;
    shown = told;
    const { document: page } = notes;
    page.title = lesson.ui("notes");
    page.documentElement.lang = lesson.state.language;
    const nodes = Object.entries(parts).map(([name, text]) => {
      return make(name === "title" ? "h1" : "p", { className: name }, text);
    });
    page.head.replaceChildren(make("title", {}, lesson.ui("notes")), make("style", {}, STYLE));
    page.body.replaceChildren(...nodes);
  }

  /** @returns {Record<string, string>} */
  function lines() {
    const { steps, name, stepTexts: texts } = lesson;
    const minute = Math.floor((performance.now() - begun) / MINUTE);
    const all = Object.values(minutes).reduce((sum, one) => sum + one, 0);
    const from = before(steps, minutes, name);
    return {
      step: lesson.ui("step", { step: steps.indexOf(name) + 1, steps: steps.length }) + ": " + texts.name,
      minutes: lesson.ui("clock", { minute, all, from, to: from + minutes[name] }),
      title: texts.title,
      question: filled(texts.question),
      counts: room.role === "teacher" ? lesson.ui("answered", { answered: room.report.answered }) : "",
      note: texts.note,
      next: steps[steps.indexOf(name) + 1] ? lesson.ui("next") + ": " + nextName() : "",
    };
  }

  const nextName = () => lesson.texts.steps[lesson.steps[lesson.steps.indexOf(lesson.name) + 1]].name;

  setInterval(draw, EVERY);
  return { show, draw };
}
