/* The text of a step: idea, question, the prediction and the scan's answer, and the teacher's note. */
import { make } from "../../web/dom.js";
import { placeBetween } from "./plots.js";
import { measuredStrip, sample, stripOf } from "./strips.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */
/** @typedef {import("./types").StepTexts} StepTexts */
/** @typedef {import("./types").Prediction} Prediction */

/**
 * @typedef {object} Actions
 * @property {(now: StepAnswer, guess: number | string) => void} predict
 * @property {() => void} again
 * @property {() => void} forward to the next step
 * @property {(notes: boolean) => void} showNotes
 */

/** @type {[number, number]} */
const PERCENT = [0, 100];

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {import("./types").Lesson} context.lesson
 * @param {import("./types").Answers} context.answers
 * @param {Record<string, string>} context.equations MathML by step
 * @param {import("./types").Walk} context.walk
 * @param {() => void} context.forward to the next step
 * @param {() => void} context.paint
 * @returns {import("./types").Words}
 */
export function createWords({ root, lesson, answers, equations, walk, forward, paint }) {
  const place = /** @type {HTMLElement} */ (root.querySelector(".say"));
  /** @type {Actions} */
  const actions = {
    forward,
    again: walk.again,
    showNotes: (notes) => walk.change({ notes }),
    predict(now, guess) {
      walk.predict(now, guess);
      paint();
      /** @type {HTMLElement | null} */ (place.querySelector(".outcome"))?.focus({ preventScroll: true });
    },
  };
  let told = "";

  /** Rewrites only what has changed, so that a number being typed stays. @param {StepAnswer | null} now */
  function speak(now) {
    const { state, prediction, stepTexts: texts } = lesson;
    const shown = [lesson.name, state.language, state.notes, now?.key, prediction?.key, answers.problem];
    if (JSON.stringify(shown) === told) return;
    told = JSON.stringify(shown);
    const idea = make("p", { className: "idea" }, lesson.fill(texts.idea, now?.facts));
    const notice = answers.problem && make("p", { className: "notice", role: "alert" }, answers.problem);
    const asked = prediction
      ? [outcome(lesson, prediction, now, actions), formula(lesson, equations[lesson.name])]
      : [question(lesson, now, actions)];
    say(make("h2", {}, texts.title), idea, notice, ...asked, note(lesson, actions));
  }

  /** @param {...(Node | string | null)} parts */
  function say(...parts) {
    place.replaceChildren(...parts.filter((part) => part !== null));
  }

  return {
    speak,
    instead(...parts) {
      told = "";
      say(...parts);
    },
  };
}

/**
 * @param {import("./types").Lesson} lesson
 * @param {StepAnswer | null} now
 * @param {Actions} actions
 */
function question(lesson, now, actions) {
  const { stepTexts: texts, name } = lesson;
  const lead = make("p", { className: "lead" }, lesson.ui("predict"));
  const asked = make("p", { className: "question", id: "question" }, lesson.fill(texts.question, now?.facts));
  const entry = texts.options ? choices(lesson, texts.options, now) : numberField(lesson, now);
  const label = now ? lesson.ui("reveal") : lesson.ui("waiting");
  const button = make("button", { className: "primary", disabled: !now }, label);
  const form = make("form", { className: "ask" }, lead, asked, entry, button);
  form.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement) lesson.drafts.set(name, target.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = new FormData(form).get("guess");
    if (now && guess !== null && guess !== "") actions.predict(now, texts.options ? String(guess) : Number(guess));
  });
  return form;
}

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now */
function numberField(lesson, now) {
  const [low, high] = now?.bounds ?? PERCENT;
  const input = make("input", { type: "number", name: "guess", inputMode: "numeric", required: true });
  Object.assign(input, { min: String(low), max: String(high), step: "1", autocomplete: "off" });
  input.value = lesson.drafts.get(lesson.name) ?? "";
  input.setAttribute("aria-labelledby", "question");
  return make("p", { className: "number" }, input, make("span", {}, lesson.ui("between", { low, high })));
}

/** @param {import("./types").Lesson} lesson @param {Record<string, string>} options @param {StepAnswer | null} now */
function choices(lesson, options, now) {
  const labels = Object.entries(options).map(([key, text]) => {
    const input = make("input", { type: "radio", name: "guess", value: key, required: true });
    input.checked = lesson.drafts.get(lesson.name) === key;
    return make("label", {}, input, make("span", {}, text), stripOf(now, key));
  });
  const group = make("div", { className: "options", role: "radiogroup" }, sample(lesson, now, "div"), ...labels);
  group.setAttribute("aria-labelledby", "question");
  return group;
}

/**
 * @param {import("./types").Lesson} lesson
 * @param {Prediction} prediction
 * @param {StepAnswer | null} now
 * @param {Actions} actions
 */
function outcome(lesson, prediction, now, actions) {
  const { stepTexts: texts } = lesson;
  const result = texts.options
    ? chosen(lesson, texts.options, prediction, now)
    : compared(lesson, prediction, now?.bounds ?? PERCENT);
  const moved = now && now.key !== prediction.key ? make("p", { className: "moved" }, lesson.ui("moved")) : null;
  const reveal = make("p", { className: "reveal" }, lesson.fill(texts.reveal, now?.facts));
  const why = make("p", { className: "why" }, lesson.fill(texts.why, now?.facts));
  const section = make("section", { className: "outcome", tabIndex: -1 }, result, moved, reveal, why);
  section.append(onward(lesson, actions));
  return section;
}

/** @param {import("./types").Lesson} lesson @param {Actions} actions */
function onward(lesson, actions) {
  const isLast = lesson.state.step === lesson.steps.length - 1;
  const next = isLast ? null : make("button", { className: "primary", type: "button" }, lesson.ui("next"));
  next?.addEventListener("click", actions.forward);
  const again = make("button", { className: "quiet", type: "button" }, lesson.ui("again"));
  again.addEventListener("click", actions.again);
  return make("p", { className: "on" }, next, again);
}

/** @param {import("./types").Lesson} lesson @param {Prediction} prediction @param {[number, number]} bounds */
function compared(lesson, { guess, truth }, bounds) {
  const said = (/** @type {string} */ kind, /** @type {string} */ name, /** @type {number | string} */ value) =>
    make("div", { className: kind }, make("dt", {}, name), make("dd", {}, lesson.n(value)));
  const tick = (/** @type {string} */ kind, /** @type {number | string} */ value) => {
    const mark = make("i", { className: kind });
    mark.style.left = placeBetween(Number(value), bounds) + "%";
    return mark;
  };
  const both = [said("guess", lesson.ui("you_said"), guess), said("truth", lesson.ui("scan_says"), truth)];
  const line = make("div", { className: "scale", ariaHidden: "true" }, tick("guess", guess), tick("truth", truth));
  return make("div", { className: "compared" }, make("dl", {}, ...both), line);
}

/**
 * @param {import("./types").Lesson} lesson
 * @param {Record<string, string>} options
 * @param {Prediction} prediction
 * @param {StepAnswer | null} now
 */
function chosen(lesson, options, prediction, now) {
  const truth = now?.truth ?? prediction.truth;
  const items = Object.entries(options).map(([key, text]) => {
    const roles = [];
    if (key === truth) roles.push(lesson.ui("right"));
    if (key === prediction.guess) roles.push(lesson.ui("chosen"));
    const item = make("li", { className: key === truth ? "truth" : "" }, make("span", {}, text));
    item.append(...measuredStrip(lesson, now, key));
    if (roles.length) item.append(make("b", {}, roles.join(" · ")));
    return item;
  });
  return make("ul", { className: "options chosen" }, sample(lesson, now, "li"), ...items);
}

/** @param {import("./types").Lesson} lesson @param {string} equation */
function formula(lesson, equation) {
  const text = lesson.stepTexts.equation;
  if (!text) return null;
  const signs = make("div", { className: "signs" });
  // innerHTML is safe: the MathML comes from the app's own file. It is the same in every language.
  signs.innerHTML = equation;
  const summary = make("summary", {}, lesson.ui("equation"));
  return make("details", { className: "equation" }, summary, signs, make("p", {}, text));
}

/** @param {import("./types").Lesson} lesson @param {Actions} actions */
function note(lesson, actions) {
  const summary = make("summary", {}, lesson.ui("notes"));
  const details = make("details", { className: "note", open: lesson.state.notes }, summary);
  details.append(make("p", {}, lesson.stepTexts.note));
  details.addEventListener("toggle", () => actions.showNotes(details.open));
  return details;
}
