/* The sliders under the lesson's pictures. They move epsilon and reach of the page, or the last step's own strength. */
import { make } from "../../web/dom.js";
import { setSlider } from "../../web/keys.js";
import { lastPosition, positionOf, reachAt, roundReach } from "../../web/reach_scale.js";
import { store } from "../../web/store.js";
import { SLIDERS } from "./lesson.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").PageState} PageState */

/**
 * @typedef {object} Slider
 * @property {string} text of "ui"
 * @property {(page: PageState) => {max: number, step: number, value: number, shown: string}} track
 * @property {(value: number) => void} moved
 */

/**
 * @param {HTMLElement} root
 * @param {Lesson} lesson
 * @param {(values: Partial<import("./types").LessonState>) => void} change
 */
export function createSliders(root, lesson, change) {
  const { strengths } = lesson;
  /** @type {Record<string, Slider>} */
  const sliders = {
    strength: {
      text: "strength",
      track: ({ strength }) => ({ max: 1, step: 0.01, value: strength, shown: lesson.n(strength) }),
      moved: (value) => setSlider("strength", value),
    },
    reach: {
      text: "reach",
      track: ({ scan, chosenReach }) => ({
        max: lastPosition(scan.reach),
        step: 1,
        value: positionOf(chosenReach, scan.reach),
        shown: lesson.n(roundReach(chosenReach ?? scan.reach.own)),
      }),
      moved: (value) => store.state && store.moveReach(reachAt(value, store.state.scan.reach)),
    },
    all: {
      text: "rate",
      // The pictures were decoded at these strengths only.
      track: () => {
        const value = strengths.indexOf(lesson.state.all);
        return { max: strengths.length - 1, step: 1, value, shown: lesson.n(lesson.state.all) };
      },
      moved: (value) => change({ all: strengths[value] }),
    },
  };
  const drawn = Object.entries(sliders).map(([name, slider]) => ({ name, slider, ...labelOf(name, slider) }));
  /** @type {HTMLElement} */ (root.querySelector(".scrubs")).append(...drawn.map(({ label }) => label));

  function draw() {
    for (const { name, slider, label, said, range, output } of drawn) {
      label.hidden = !store.state || !lesson.prediction || !SLIDERS[lesson.name]?.includes(/** @type {"all"} */ (name));
      if (label.hidden || !store.state) continue;
      const { max, step, value, shown } = slider.track(store.state);
      Object.assign(range, { max: String(max), step: String(step) });
      range.value = String(value);
      said.textContent = lesson.ui(slider.text);
      output.textContent = shown;
      range.setAttribute("aria-valuetext", shown);
    }
  }

  return { draw };
}

/** @param {string} name @param {Slider} slider */
function labelOf(name, slider) {
  const [said, output] = [make("span"), make("output")];
  const range = make("input", { type: "range", min: "0" });
  range.addEventListener("input", () => slider.moved(Number(range.value)));
  const label = make("label", { className: "scrub", hidden: true }, said, output, range);
  label.dataset.moves = name;
  return { label, said, range, output };
}
