/* What a class has replied, as bars: one for each option, or for each range of numbers. */

import { make } from "../../web/dom.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {[value: number | string, times: number][]} Counts */
/** @typedef {{low: number, high: number, times: number, holds: boolean}} Bin from low to high, both included */

const MOST_BINS = 12;

/**
 * Ranges of whole numbers, all as wide, that cover the bounds.
 * @param {Counts} counts
 * @param {[number, number]} bounds smallest and largest number; those beyond count in the ends
 * @param {number | null} truth
 * @returns {Bin[]}
 */
export function binsOf(counts, [low, high], truth) {
  const width = Math.max(1, Math.ceil((high - low + 1) / MOST_BINS));
  const last = Math.floor((high - low) / width);
  const bins = Array.from({ length: last + 1 }, (_, i) => {
    const [from, to] = [low + i * width, Math.min(high, low + (i + 1) * width - 1)];
    return { low: from, high: to, times: 0, holds: truth !== null && truth >= from && truth <= to };
  });
  for (const [value, times] of counts) {
    const at = Math.floor((Number(value) - low) / width);
    bins[Math.min(last, Math.max(0, at))].times += times;
  }
  return bins;
}

/**
 * How often an option was chosen.
 * @param {Counts | undefined} counts
 * @param {string} option
 */
export const timesOf = (counts, option) => counts?.find(([value]) => value === option)?.[1] ?? 0;

/** The most frequent, at least 1, so that shares are numbers. @param {{times: number}[]} bars */
export const mostOf = (bars) => Math.max(1, ...bars.map(({ times }) => times));

/**
 * What a class has replied to the present step, beside the scan's answer.
 * @param {Lesson} lesson
 * @param {import("./types").Report} report
 * @param {import("./types").StepAnswer | null} now
 * @param {import("./types").Reply | null} guess the teacher's own
 */
export function classSaid(lesson, { answered, counts }, now, guess) {
  if (!now) return null;
  const { options, parts } = lesson.stepTexts;
  const caption = make("figcaption", {}, lesson.ui("class_said", { answered }));
  if (!answered) return make("figure", { className: "said" }, caption);
  if (options)
    return make("figure", { className: "said" }, caption, optionBars(lesson, options, counts[""], now.truth, guess));
  const bounds = now.bounds ?? [0, 100];
  const drawn = Object.entries(parts ?? { "": "" }).map(([part, text]) => {
    const truth = typeof now.truth === "object" ? now.truth[part] : now.truth;
    const name = text ? make("p", {}, lesson.fill(text, now.facts)) : null;
    return make("div", {}, name, columns(lesson, binsOf(counts[part] ?? [], bounds, Number(truth))));
  });
  return make("figure", { className: "said" }, caption, make("div", { className: "parts" }, ...drawn));
}

/**
 * @param {Lesson} lesson
 * @param {Record<string, string>} options
 * @param {Counts | undefined} counts
 * @param {import("./types").Reply} truth
 * @param {import("./types").Reply | null} guess
 */
function optionBars(lesson, options, counts, truth, guess) {
  const bars = Object.entries(options).map(([key, text]) => ({ key, text, times: timesOf(counts, key) }));
  const most = mostOf(bars);
  const rows = bars.flatMap(({ key, text, times }) => {
    const bar = make("i", { className: key === truth ? "holds" : "" });
    bar.style.width = (100 * times) / most + "%";
    const roles = rolesOf(lesson, key, truth, guess);
    const name = make("dt", { className: key === truth ? "truth" : "" }, text, roles && make("b", {}, roles));
    return [name, make("dd", {}, make("span", {}, bar), make("b", {}, lesson.n(times)))];
  });
  return make("dl", {}, ...rows);
}

/**
 * What an option is besides: the scan's answer, or one's own. Empty for most.
 * @param {Lesson} lesson
 * @param {string} key of the option
 * @param {import("./types").Reply} truth
 * @param {import("./types").Reply | null} guess
 */
export function rolesOf(lesson, key, truth, guess) {
  return [key === truth && lesson.ui("right"), key === guess && lesson.ui("chosen")].filter(Boolean).join(" · ");
}

/** @param {Lesson} lesson @param {Bin[]} bins */
function columns(lesson, bins) {
  const most = mostOf(bins);
  const named = (/** @type {Bin} */ { low, high }) => lesson.n(low) + (high > low ? "–" + lesson.n(high) : "");
  const drawn = bins.map((bin) => {
    const bar = make("i", { className: bin.holds ? "holds" : "" });
    bar.style.height = (100 * bin.times) / most + "%";
    return make(
      "div",
      { title: named(bin) },
      make("b", {}, bin.times ? lesson.n(bin.times) : ""),
      make("span", {}, bar),
    );
  });
  const spoken = bins.filter(({ times }) => times).map((bin) => named(bin) + ": " + lesson.n(bin.times));
  const ends = [lesson.n(bins[0].low), lesson.n(bins[bins.length - 1].high)].map((end) => make("span", {}, end));
  const chart = make("div", { className: "columns", role: "img", "aria-label": spoken.join("; ") }, ...drawn);
  return make("div", {}, chart, make("p", { className: "ends", "aria-hidden": "true" }, ...ends));
}
