/* Puts a step on the screen: its words and its pieces, or a way to slices that have them. */
import { make } from "../../web/dom.js";
import { keepFocus } from "../../web/focus.js";
import { frames } from "../../web/frames.js";
import { store } from "../../web/store.js";
import { focusOf, isCloser } from "./lesson.js";
import { LOOKS } from "./looks.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").Shown} Shown */
/** @typedef {import("./types").StepAnswer} StepAnswer */

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {Lesson} context.lesson
 * @param {import("./types").Answers} context.answers
 * @param {import("./types").Walk} context.walk
 * @param {import("./types").Classroom} context.classroom
 * @param {{draw(): void, drawSliders(): void}} context.frame
 * @param {import("./types").Words} context.words
 */
export function createScreen({ root, lesson, answers, walk, classroom, frame, words }) {
  const pieces = /** @type {HTMLElement} */ (root.querySelector(".pieces"));
  /** @type {import("./types").Painted | null} */
  let painted = null;

  function paint() {
    const [page, { shown }] = [store.state, frames];
    frame.draw();
    classroom.draw();
    if (!page) return words.instead(make("p", {}, lesson.ui("opening")));
    if (!page.scan.planes[page.plane].acquired) {
      pieces.replaceChildren();
      return words.instead(...elsewhere(lesson, page));
    }
    const now = shown?.request.token === page.scan.token ? answers.present : null;
    classroom.keepUp(now);
    words.speak(now);
    frame.drawSliders();
    const isReady = now && shown?.request.plane === page.plane && shown.request.index === page.index;
    root.toggleAttribute("data-waiting", !isReady);
    if (isReady) look(page, now, shown);
  }

  /** @param {PageState} page @param {StepAnswer} now @param {Shown} shown */
  function look(page, now, shown) {
    const nodes = LOOKS[lesson.name](lookOf(lesson, page, now, shown, walk.pick)).filter((node) => node !== null);
    keepFocus(
      pieces,
      () => {
        pieces.replaceChildren(...nodes);
        if (!isCloser(now.focus, page.scan.planes[page.plane].shape)) return;
        pieces.querySelector(".frame:has([role=application])")?.append(closer(lesson, walk));
      },
      () => root.querySelector(".outcome, .question"),
    );
    const revealed = lesson.prediction !== undefined;
    painted = { step: lesson.name, cell: now.cell, revealed, strength: shown.request.strength };
  }

  return { paint, painted: () => painted };
}

/**
 * @param {Lesson} lesson
 * @param {PageState} page
 * @param {StepAnswer} now
 * @param {Shown} shown
 * @param {(cell: import("./types").Cell) => void} pick
 * @returns {import("./types").Look<any>}
 */
function lookOf(lesson, page, now, shown, pick) {
  const { facts, data, pictures, cell: mark } = now;
  const texts = lesson.texts.pictures;
  return {
    ...{ where: page, shown, facts, data, pictures, mark, pick },
    focus: focusOf(lesson.isWhole, now.focus, page.scan.planes[page.plane].shape),
    all: lesson.state.all,
    revealed: lesson.prediction !== undefined,
    hint: lesson.ui("mark"),
    n: lesson.n,
    say: (key, more) => lesson.fill(texts[key], { ...facts, ...more }),
    option: (key) => lesson.stepTexts.options?.[key] ?? key,
    part: (key) => lesson.fill(lesson.stepTexts.parts?.[key] ?? key, facts),
  };
}

/** @param {Lesson} lesson @param {import("./types").Walk} walk */
function closer(lesson, walk) {
  const text = lesson.isWhole ? lesson.ui("closer") : lesson.ui("whole");
  const button = make("button", { type: "button", className: "whole" }, text);
  button.addEventListener("click", () => walk.change({ whole: !lesson.isWhole }));
  return button;
}

/** Other planes have no squares. One click leads to a plane that has them. @param {Lesson} lesson @param {PageState} page */
function elsewhere(lesson, { scan }) {
  const plane = Object.keys(scan.planes).find((one) => scan.planes[one].acquired) ?? "";
  /** @type {HTMLInputElement | null} */
  const control = document.querySelector(`#plane input[value=${plane}]`);
  const name = control?.parentElement?.textContent?.trim() ?? plane;
  const button = make("button", { type: "button", className: "primary" }, lesson.ui("show_plane", { plane: name }));
  button.addEventListener("click", () => control?.click());
  return [
    make("h2", { tabIndex: -1 }, lesson.stepTexts.title),
    make("p", { className: "notice" }, lesson.ui("plane")),
    button,
  ];
}
