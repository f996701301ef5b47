/* The lesson's own state: its step, its language, the predictions. Knows nothing of the page or of the server. */
import { fill, number } from "./texts.js";

/** @typedef {import("./types").Cell} Cell */
/** @typedef {import("./types").Facts} Facts */
/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").LessonState} LessonState */
/** @typedef {import("./types").Rect} Rect */
/** @typedef {import("../../web/types").Scan} Scan */

/**
 * The steps with sliders, and what they move: epsilon and reach of the page, or the lesson's own value for all perturbations.
 * @type {Record<string, ("strength" | "reach" | "all")[] | undefined>}
 */
export const SLIDERS = { swap: ["strength", "reach"], decoders: ["strength", "reach"], radii: ["all"] };
// These steps ask about the whole slice, so a closer look is no help.
const WHOLE = new Set(["tokens"]);

/**
 * The state that an address asks for. Addresses may be mistyped or old, so wrong values are ignored.
 * @param {Record<string, string | undefined>} address
 * @param {number} steps
 * @param {string[]} languages
 * @param {string} [page] the page's language
 * @returns {Omit<LessonState, "all">}
 */
export function fromAddress({ step = "", lang = "", large, notes, cell = "" }, steps, languages, page = "en") {
  const wanted = /^\d+$/.test(step) ? Number(step) : 1;
  const place = /^(\d+),(\d+)$/.exec(cell);
  return {
    step: Math.min(steps, Math.max(1, wanted)) - 1,
    language: [lang, page].find((one) => languages.includes(one)) ?? "en",
    large: large === "1",
    notes: notes === "1",
    cell: place && [Number(place[1]), Number(place[2])],
    whole: null,
  };
}

/**
 * The inverse: the address of a state. null for values that the address leaves out. The language is the page's.
 * @param {Omit<LessonState, "all">} state
 */
export function inAddress({ step, large, notes, cell }) {
  return {
    step: step + 1,
    large: large ? 1 : null,
    notes: notes ? 1 : null,
    cell: cell?.join(",") ?? null,
  };
}

/**
 * @param {Pick<import("./types").LessonValue, "steps" | "texts" | "strengths" | "high" | "font">} value
 * @param {Record<string, string | undefined>} address
 * @param {string} [page] the page's language
 * @returns {Lesson}
 */
export function createLesson({ steps, texts, strengths, high, font }, address, page) {
  const state = { ...fromAddress(address, steps.length, Object.keys(texts), page), all: high };
  const predictions = new Map();
  /** @type {Lesson} */
  const lesson = {
    state,
    steps,
    strengths,
    font,
    predictions,
    visited: new Set(),
    drafts: new Map(),
    get name() {
      return steps[state.step];
    },
    get texts() {
      return texts[state.language];
    },
    get stepTexts() {
      return lesson.texts.steps[lesson.name];
    },
    get prediction() {
      return predictions.get(lesson.name);
    },
    get isWhole() {
      return state.whole ?? WHOLE.has(lesson.name);
    },
    n: (value) => number(value, lesson.texts.numbers),
    fill: (text, facts = {}) => fill(text, facts, lesson.texts.numbers),
    ui: (key, facts) => lesson.fill(lesson.texts.ui[key], facts),
  };
  return lesson;
}

/**
 * The part of the picture to show.
 * @param {boolean} isWhole
 * @param {Rect} focus
 * @param {number[]} shape rows and columns
 * @returns {Rect}
 */
export function focusOf(isWhole, focus, [rows, columns]) {
  return isWhole ? [0, 0, columns, rows] : focus;
}

/**
 * Whether a closer look hides a part of the picture.
 * @param {Rect} focus
 * @param {number[]} shape rows and columns
 */
export function isCloser([, , width, height], [rows, columns]) {
  return width < columns || height < rows;
}

/**
 * The index of a square in a slice's list of codes, in the deepest level.
 * @param {Pick<Scan, "levels" | "grid_of_tokens">} scan
 * @param {Cell} cell
 */
export function codeAt({ levels, grid_of_tokens: [rows, columns] }, [row, column]) {
  return (levels - 1) * rows * columns + row * columns + column;
}
