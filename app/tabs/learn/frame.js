/* The controls around a step of the lesson: the list of steps, language, large text and handout. */
import { make } from "../../web/dom.js";
import { createCover } from "../../web/focus.js";
import { createSliders } from "./sliders.js";

/** @typedef {import("./types").Lesson} Lesson */

/**
 * @typedef {object} Context
 * @property {HTMLElement} root
 * @property {Lesson} lesson
 * @property {Record<string, import("./types").Texts>} languages
 * @property {() => void} forward
 * @property {() => void} backward
 * @property {(step: number) => void} go
 * @property {(values: Partial<import("./types").LessonState>) => void} change
 * @property {(language: string) => void} speak
 * @property {(button: HTMLButtonElement) => void} saveHandout
 */

/** @param {Context} context */
export function createFrame({ root, lesson, languages, forward, backward, go, change, speak, saveHandout }) {
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const button = (/** @type {string} */ name) => /** @type {HTMLButtonElement} */ (part(`[data-do=${name}]`));
  const language = /** @type {HTMLSelectElement} */ (part("[data-do=language]"));

  const options = Object.entries(languages).map(([code, texts]) => {
    return make("option", { value: code, lang: code }, texts.language);
  });
  language.append(...options);
  language.addEventListener("change", () => speak(language.value));
  button("large").addEventListener("click", () => change({ large: !lesson.state.large }));
  button("handout").addEventListener("click", () => saveHandout(button("handout")));
  button("back").addEventListener("click", backward);
  button("next").addEventListener("click", forward);
  const sliders = createSliders(root, lesson, change);
  const { cover } = createCover(root);
  // The same buttons at every step: the keyboard may be on one of them.
  const steps = lesson.steps.map((_, step) => stepButton(step, go));
  part(".progress").replaceChildren(...steps.map((one) => make("li", {}, one)));

  function draw() {
    const { state } = lesson;
    root.lang = state.language;
    root.setAttribute("aria-label", lesson.ui("lesson"));
    root.classList.toggle("large", state.large);
    cover(state.large);
    steps.forEach((one, step) => tellStep(one, lesson, step));
    button("back").textContent = lesson.ui("back");
    button("next").textContent = lesson.ui("next");
    button("back").disabled = state.step === 0;
    button("next").disabled = state.step === lesson.steps.length - 1;
    button("large").textContent = lesson.ui("larger");
    button("large").setAttribute("aria-pressed", String(state.large));
    button("handout").textContent = lesson.ui("handout");
    part("[data-text=language]").textContent = lesson.ui("language");
    part("[data-text=keys]").textContent = lesson.ui("keys");
    language.value = state.language;
  }

  return { draw, drawSliders: sliders.draw, uncover: () => cover(false) };
}

/** @param {number} step @param {(step: number) => void} go */
function stepButton(step, go) {
  const on = { click: () => go(step) };
  return make("button", { type: "button", on }, make("i", {}, String(step + 1)), make("span", {}));
}

/** @param {HTMLButtonElement} button @param {Lesson} lesson @param {number} step */
function tellStep(button, lesson, step) {
  const name = lesson.steps[step];
  const state = lesson.predictions.has(name) ? "done" : lesson.visited.has(name) ? "visited" : "";
  const place = lesson.ui("step", { step: step + 1, steps: lesson.steps.length });
  const title = state ? place + ", " + lesson.ui(state) : place;
  Object.assign(button, { className: state, title });
  /** @type {HTMLElement} */ (button.lastElementChild).textContent = lesson.texts.steps[name].name;
  if (step === lesson.state.step) button.setAttribute("aria-current", "step");
  else button.removeAttribute("aria-current");
}
