/* The scan's answer beside the prediction, and what the class has said. */
import { make } from "../../web/dom.js";
import { classSaid, rolesOf } from "./histogram.js";
import { placeBetween } from "./plots.js";
import { measuredStrip, sample } from "./strips.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */
/** @typedef {import("./types").Prediction} Prediction */
/** @typedef {import("./types").Reply} Reply */
/** @typedef {{again: () => void, forward: () => void}} Actions forward: to the next step */

/** @type {[number, number]} */
const PERCENT = [0, 100];

/**
 * @param {import("./types").Lesson} lesson
 * @param {Prediction} prediction
 * @param {StepAnswer | null} now
 * @param {import("./types").Room} room
 * @param {Actions} actions
 */
export function outcome(lesson, prediction, now, room, actions) {
  const { stepTexts: texts } = lesson;
  const said = room.role === "teacher" ? classSaid(lesson, room.report, now, prediction.guess) : null;
  // The bars of a class name all options, too; what else a list of them shows are strips.
  const isListed = said?.querySelector("dl") && !now?.data.choices;
  const list = (/** @type {Record<string, string>} */ options) =>
    isListed ? null : chosen(lesson, options, prediction, now);
  const result = texts.options ? list(texts.options) : compared(lesson, prediction, now);
  const moved = now && now.key !== prediction.key ? make("p", { className: "moved" }, lesson.ui("moved")) : null;
  const reveal = make("p", { className: "reveal" }, lesson.fill(texts.reveal, now?.facts));
  const why = make("p", { className: "why" }, lesson.fill(texts.why, now?.facts));
  const section = make(
    "section",
    { className: "outcome", tabIndex: -1, "data-skip-to": "" },
    result,
    said,
    moved,
    reveal,
    why,
  );
  section.append(onward(lesson, room, actions));
  return section;
}

/** @param {import("./types").Lesson} lesson @param {import("./types").Room} room @param {Actions} actions */
function onward(lesson, room, actions) {
  const isLast = lesson.state.step === lesson.steps.length - 1;
  const next = isLast ? null : make("button", { className: "primary", type: "button" }, lesson.ui("next"));
  next?.addEventListener("click", actions.forward);
  const again =
    room.role === "student" ? null : make("button", { className: "quiet", type: "button" }, lesson.ui("again"));
  again?.addEventListener("click", actions.again);
  return make("p", { className: "on" }, next, again);
}

/** @param {import("./types").Lesson} lesson @param {Prediction} prediction @param {StepAnswer | null} now */
function compared(lesson, { guess, truth }, now) {
  const bounds = now?.bounds ?? PERCENT;
  if (typeof truth !== "object") return twoValues(lesson, guess === null ? null : Number(guess), Number(truth), bounds);
  const parts = Object.entries(lesson.stepTexts.parts ?? {}).map(([part, text]) => {
    const name = make("p", {}, lesson.fill(text, now?.facts));
    return make("div", { className: "part" }, name, twoValues(lesson, partOf(guess, part), truth[part], bounds));
  });
  return make("div", { className: "parts" }, ...parts);
}

/** @param {Reply | null} guess @param {string} part */
const partOf = (guess, part) => (guess !== null && typeof guess === "object" ? guess[part] : null);

/** A prediction, if there is one, and the answer. @param {import("./types").Lesson} lesson @param {number | null} guess
 *  @param {number} truth @param {[number, number]} bounds */
function twoValues(lesson, guess, truth, bounds) {
  const said = (/** @type {string} */ kind, /** @type {string} */ name, /** @type {number} */ value) =>
    make("div", { className: kind }, make("dt", {}, name), make("dd", {}, lesson.n(value)));
  const tick = (/** @type {string} */ kind, /** @type {number} */ value) => {
    const mark = make("i", { className: kind });
    mark.style.left = placeBetween(value, bounds) + "%";
    return mark;
  };
  const own = guess === null ? null : said("guess", lesson.ui("you_said"), guess);
  const ticks = [guess === null ? null : tick("guess", guess), tick("truth", truth)];
  const line = make("div", { className: "scale", ariaHidden: "true" }, ...ticks);
  return make(
    "div",
    { className: "compared" },
    make("dl", {}, own, said("truth", lesson.ui("scan_says"), truth)),
    line,
  );
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
    const roles = rolesOf(lesson, key, truth, prediction.guess);
    const item = make("li", { className: key === truth ? "truth" : "" }, make("span", {}, text));
    item.append(...measuredStrip(lesson, now, key));
    if (roles) item.append(make("b", {}, roles));
    return item;
  });
  return make("ul", { className: "options chosen" }, sample(lesson, now, "li"), ...items);
}
