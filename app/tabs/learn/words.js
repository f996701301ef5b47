/* The text of a step: idea, question, the prediction and the scan's answer, and the teacher's note. */
import { make } from "../../web/dom.js";
import { keepFocus } from "../../web/focus.js";
import { partsOf } from "./explained.js";
import { offerFont } from "./font.js";
import { outcome } from "./outcome.js";
import { sample, stripOf } from "./strips.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */
/** @typedef {import("./types").StepTexts} StepTexts */
/** @typedef {import("./types").Reply} Reply */

/**
 * @typedef {object} Actions
 * @property {(now: StepAnswer, guess: Reply | null) => void} predict
 * @property {() => void} again
 * @property {() => void} amend open the question again, whose reply was sent
 * @property {() => void} forward to the next step
 * @property {(notes: boolean) => void} showNotes
 */

/** @param {string} text @param {Record<string, string>} terms of the lesson's language */
const explained = (text, terms) =>
  partsOf(text, terms).map(({ words, term }) => (term ? make("span", { "data-term": term }, words) : words));

/** @type {[number, number]} */
const PERCENT = [0, 100];

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {import("./types").Lesson} context.lesson
 * @param {import("./types").Answers} context.answers
 * @param {Record<string, string>} context.equations MathML by step
 * @param {import("./types").Walk} context.walk
 * @param {import("./types").Room} context.room
 * @param {() => void} context.forward to the next step
 * @param {() => void} context.paint
 * @returns {import("./types").Words}
 */
export function createWords({ root, lesson, answers, equations, walk, room, forward, paint }) {
  const place = /** @type {HTMLElement} */ (root.querySelector(".say"));
  /** @type {Actions} */
  const actions = {
    forward,
    again() {
      room.again([lesson.name]);
      walk.again();
    },
    amend() {
      isAmended = true;
      paint();
      asked()?.focus({ preventScroll: true });
    },
    showNotes: (notes) => walk.change({ notes }),
    predict(now, guess) {
      isAmended = false;
      // In a class the teacher shows the answer to everybody.
      if (room.role === "student" && guess !== null) void room.send(lesson.name, guess);
      else {
        room.reveal(lesson.name);
        walk.predict(now, guess);
      }
      paint();
      /** @type {HTMLElement | null} */ (place.querySelector(".outcome"))?.focus({ preventScroll: true });
    },
  };
  let told = "";
  let isAmended = false;
  let isTurned = false; // the page of the lesson, and the keyboard goes to the new question

  /** Rewrites only what has changed, so that a number being typed stays. @param {StepAnswer | null} now */
  function speak(now) {
    const { state, prediction, stepTexts: texts } = lesson;
    const sent = room.role === "student" && !isAmended ? room.reply(lesson.name) : undefined;
    const inClass = [room.role, sent, prediction && room.report.counts, !now && answers.isSlow];
    const shown = [lesson.name, state.language, state.notes, now?.key, prediction?.key, answers.problem, ...inClass];
    if (JSON.stringify(shown) === told && !isTurned) return;
    told = JSON.stringify(shown);
    const idea = make(
      "p",
      { className: "idea" },
      ...explained(lesson.fill(texts.idea, now?.facts), lesson.texts.terms),
    );
    const notice = answers.problem && make("p", { className: "notice", role: "alert" }, answers.problem);
    const answered = prediction
      ? [outcome(lesson, prediction, now, room, actions), formula(lesson, equations[lesson.name])]
      : [
          sent === undefined
            ? question(lesson, now, answers.isSlow, room, actions)
            : waiting(lesson, now, sent, actions),
        ];
    // What is said to the teacher is not said to a class.
    const aside = room.role === "student" ? null : note(lesson, actions);
    say(make("h2", { tabIndex: -1 }, texts.title), idea, notice, ...answered, aside);
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
    turn() {
      isTurned = true;
      isAmended = false;
    },
    instead(...parts) {
      told = "";
      say(...parts);
    },
  };
}

/**
 * @param {import("./types").Lesson} lesson
 * @param {StepAnswer | null} now
 * @param {boolean} isSlow whether the numbers have been on their way for long
 * @param {import("./types").Room} room
 * @param {Actions} actions
 */
function question(lesson, now, isSlow, room, actions) {
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
  const label = room.role === "student" ? lesson.ui("send") : lesson.ui("reveal");
  const pending = isSlow ? lesson.ui("busy") : lesson.ui("waiting");
  const button = make("button", { className: "primary", disabled: !now }, now ? label : pending);
  const form = make("form", { className: "ask" }, lead, asked, entry, button);
  // The class has predicted: its teacher need not.
  const isTeaching = room.role === "teacher";
  form.noValidate = isTeaching;
  form.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement) lesson.drafts.set(draftOf(lesson, target.name), target.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = guessOf(texts, new FormData(form));
    if (now && (guess !== null || isTeaching)) actions.predict(now, guess);
  });
  return form;
}

/**
 * A student's reply was sent, and the teacher has not shown the answer yet.
 * @param {import("./types").Lesson} lesson
 * @param {StepAnswer | null} now
 * @param {Reply} sent
 * @param {Actions} actions
 */
function waiting(lesson, now, sent, actions) {
  const { stepTexts: texts } = lesson;
  const asked = make(
    "p",
    { className: "question", id: "question", tabIndex: -1, "data-skip-to": "" },
    lesson.fill(texts.question, now?.facts),
  );
  const said = make(
    "p",
    { className: "sent", role: "status" },
    lesson.ui("sent", { reply: asText(lesson, now, sent) }),
  );
  const amend = make(
    "button",
    { type: "button", className: "quiet", on: { click: actions.amend } },
    lesson.ui("amend"),
  );
  return make("section", { className: "ask" }, asked, said, amend);
}

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now @param {Reply} reply */
function asText(lesson, now, reply) {
  const { options, parts } = lesson.stepTexts;
  if (typeof reply === "object") {
    return Object.entries(reply)
      .map(([part, value]) => lesson.fill(parts?.[part] ?? part, now?.facts) + ": " + lesson.n(value))
      .join("; ");
  }
  return options?.[reply] ?? lesson.n(reply);
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
