/* Strips of colours beside the letters of the choices: the visitor finds the nearest codeword by eye. */
import { make } from "../../web/dom.js";
import { strip } from "./draw.js";
import { extent } from "./plots.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */

// Colours reach full strength at this share of the largest feature.
const FULL = 0.6;

/** @param {StepAnswer | null} now @returns {import("./types").StepData["codeword"] | null} */
const codewords = (now) => (now?.data.choices ? now.data : null);

/** @param {import("./types").StepData["codeword"]} data */
const scale = (data) => FULL * extent([data.feature, ...data.choices.map((one) => one.values)]);

/** @param {import("./types").Lesson} lesson @param {StepAnswer | null} now @param {"div" | "li"} tag */
export function sample(lesson, now, tag) {
  const data = codewords(now);
  if (!data) return null;
  const name = make("span", {}, lesson.texts.pictures.feature);
  return make(tag, { className: "sample" }, name, strip(data.feature, scale(data)));
}

/** @param {StepAnswer | null} now @param {string} letter */
function choiceOf(now, letter) {
  return codewords(now)?.choices.find((choice) => choice.letter === letter) ?? null;
}

/** @param {StepAnswer | null} now @param {string} letter */
export function stripOf(now, letter) {
  const [data, choice] = [codewords(now), choiceOf(now, letter)];
  return data && choice && strip(choice.values, scale(data));
}

/** With its distance to the square's features. @param {import("./types").Lesson} lesson @param {StepAnswer | null} now
 *  @param {string} letter @returns {HTMLElement[]} */
export function measuredStrip(lesson, now, letter) {
  const [drawn, choice] = [stripOf(now, letter), choiceOf(now, letter)];
  if (!drawn || !choice) return [];
  const text = lesson.fill(lesson.texts.pictures.distance, { distance: choice.distance });
  return [drawn, make("small", {}, text)];
}
