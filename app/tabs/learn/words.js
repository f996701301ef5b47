/* The text of a step: idea, question, the prediction and the scan's answer, and the teacher's note. */
import { make } from "../../web/dom.js";
import { keepFocus } from "../../web/focus.js";
import { placeBetween } from "./plots.js";
import { measuredStrip, sample, stripOf } from "./strips.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */
/** @typedef {import("./types").StepTexts} StepTexts */
/** @typedef {import("./types").Prediction} Prediction */
/** @typedef {import("./types").Reply} Reply */

/**
 * @typedef {object} Actions
 * @property {(now: StepAnswer, guess: Reply) => void} predict
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
  let isTurned = false; // the page of the lesson, and the keyboard goes to the new question

  /** Rewrites only what has changed, so that a number being typed stays. @param {StepAnswer | null} now */
  function speak(now) {
    const { state, prediction, stepTexts: texts } = lesson;
    const shown = [lesson.name, state.language, state.notes, now?.key, prediction?.key, answers.problem];
    if (JSON.stringify(shown) === told && !isTurned) return;
    told = JSON.stringify(shown);
    const idea = make("p", { className: "idea" }, lesson.fill(texts.idea, now?.facts));
    const notice = answers.problem && make("p", { className: "notice", role: "alert" }, answers.problem);
    const answered = prediction
      ? [outcome(lesson, prediction, now, actions), formula(lesson, equations[lesson.name])]
      : [question(lesson, now, actions)];
    say(make("h2", { tabIndex: -1 }, texts.title), idea, notice, ...answered, note(lesson, actions));
  }

  /** @returns {HTMLElement | null} */
  const asked = () => place.querySelector(".outcome, .question") ?? place.querySelector("h2");

  /** @param {...(Node | string | null)} parts */
  function say(...parts) {
    keepFocus(place, () => place.replaceChildren(...parts.filter((part) => part !== null)), asked);
    if (!isTurned) return;
    isTurned = false;
    const goal = asked();
    goal?.focus({ preventScroll: true });
    // Who goes by keyboard has to see where it is.
    if (goal?.matches(":focus-visible")) goal.scrollIntoView({ block: "nearest" });
  }

  return {
    speak,
    turn: () => void (isTurned = true),
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
  const { stepTexts: texts } = lesson;
  const lead = make("p", { className: "lead" }, lesson.ui("predict"));
  const asked = make(
    "p",
    { className: "question", id: "question", tabIndex: -1, "data-skip-to": "" },
    lesson.fill(texts.question, now?.facts),
  );
  const entry = texts.options
    ? choices(lesson, texts.options, now)
    : texts.parts
      ? numberFields(lesson, texts.parts, now)
      : numberField(lesson, now);
  const label = now ? lesson.ui("reveal") : lesson.ui("waiting");
  const button = make("button", { className: "primary", disabled: !now }, label);
  const form = make("form", { className: "ask" }, lead, asked, entry, button);
  form.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement) lesson.drafts.set(draftOf(lesson, target.name), target.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = guessOf(texts, new FormData(form));
    if (now && guess !== null) actions.predict(now, guess);
  });
  return form;
}

/** @param {import("./types").Lesson} lesson @param {string} field */
const draftOf = (lesson, field) => lesson.name + " " + field;

/** What was entered; null if something is missing. @param {StepTexts} texts @param {FormData} form @returns {Reply | null} */
function guessOf(texts, form) {
  const fields = texts.parts ? Object.keys(texts.parts) : ["guess"];
  const entered = fields.map((field) => form.get(field));
  if (entered.some((one) => one === null || one === "")) return null;
  if (texts.parts) return Object.fromEntries(fields.map((field, i) => [field, Number(entered[i])]));
  return texts.options ? String(entered[0]) : Number(entered[0]);
}

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now */
function numberField(lesson, now) {
  const input = numberInput(lesson, now, "guess");
  input.setAttribute("aria-labelledby", "question");
  return make("p", { className: "number" }, input, between(lesson, now));
}

/** One for each part of the question.
 *  @param {import("./types").Lesson} lesson @param {Record<string, string>} parts @param {StepAnswer | null} now */
function numberFields(lesson, parts, now) {
  const fields = Object.entries(parts).map(([part, text]) => {
    return make("label", { className: "number" }, numberInput(lesson, now, part), lesson.fill(text, now?.facts));
  });
  const group = make("div", { className: "numbers", role: "group" }, ...fields, between(lesson, now));
  group.setAttribute("aria-labelledby", "question");
  return group;
}

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now @param {string} name */
function numberInput(lesson, now, name) {
  const [low, high] = now?.bounds ?? PERCENT;
  const input = make("input", { type: "number", name, inputMode: "numeric", required: true });
  Object.assign(input, { min: String(low), max: String(high), step: "1", autocomplete: "off" });
  input.value = lesson.drafts.get(draftOf(lesson, name)) ?? "";
  return input;
}

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now */
function between(lesson, now) {
  const [low, high] = now?.bounds ?? PERCENT;
  return make("span", {}, lesson.ui("between", { low, high }));
}

/** @param {import("./types").Lesson} lesson @param {Record<string, string>} options @param {StepAnswer | null} now */
function choices(lesson, options, now) {
  const labels = Object.entries(options).map(([key, text]) => {
    const input = make("input", { type: "radio", name: "guess", value: key, required: true });
    input.checked = lesson.drafts.get(draftOf(lesson, "guess")) === key;
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
  const result = texts.options ? chosen(lesson, texts.options, prediction, now) : compared(lesson, prediction, now);
  const moved = now && now.key !== prediction.key ? make("p", { className: "moved" }, lesson.ui("moved")) : null;
  const reveal = make("p", { className: "reveal" }, lesson.fill(texts.reveal, now?.facts));
  const why = make("p", { className: "why" }, lesson.fill(texts.why, now?.facts));
  const section = make(
    "section",
    { className: "outcome", tabIndex: -1, "data-skip-to": "" },
    result,
    moved,
    reveal,
    why,
  );
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

/** @param {import("./types").Lesson} lesson @param {Prediction} prediction @param {StepAnswer | null} now */
function compared(lesson, { guess, truth }, now) {
  const bounds = now?.bounds ?? PERCENT;
  if (typeof guess !== "object" || typeof truth !== "object")
    return twoValues(lesson, Number(guess), Number(truth), bounds);
  const parts = Object.entries(lesson.stepTexts.parts ?? {}).map(([part, text]) => {
    const name = make("p", {}, lesson.fill(text, now?.facts));
    return make("div", { className: "part" }, name, twoValues(lesson, guess[part], truth[part], bounds));
  });
  return make("div", { className: "parts" }, ...parts);
}

/** A prediction and the answer. @param {import("./types").Lesson} lesson @param {number} guess @param {number} truth
 *  @param {[number, number]} bounds */
function twoValues(lesson, guess, truth, bounds) {
  const said = (/** @type {string} */ kind, /** @type {string} */ name, /** @type {number} */ value) =>
    make("div", { className: kind }, make("dt", {}, name), make("dd", {}, lesson.n(value)));
  const tick = (/** @type {string} */ kind, /** @type {number} */ value) => {
    const mark = make("i", { className: kind });
    mark.style.left = placeBetween(value, bounds) + "%";
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

const FONT = "VQ-Seg formulas";
let isOffered = false;

/** The font of the formulas; the browser fetches it when it first draws one. @param {string} address relative to the page */
function offerFont(address) {
  if (isOffered) return;
  isOffered = true;
  document.fonts.add(new FontFace(FONT, `url(${new URL(address, document.baseURI)})`));
}

/** @param {import("./types").Lesson} lesson @param {string} equation */
function formula(lesson, equation) {
  const text = lesson.stepTexts.equation;
  if (!text) return null;
  const signs = make("div", { className: "signs" });
  // innerHTML is safe: the MathML comes from the app's own file. It is the same in every language.
  signs.innerHTML = equation;
  offerFont(lesson.font);
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
