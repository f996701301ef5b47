/* The film of the training: a slider over its moments, which can play by itself. */

import { nextMoment } from "./moments.js";

/** Milliseconds that each moment is shown. */
const PAUSE = 1100;

/**
 * @param {import("./types").Context} context
 * @param {() => boolean} isOpen whether the view is open; otherwise the film stops
 * @param {(moment: number) => void} show
 */
export function createPlayback({ part }, isOpen, show) {
  /** @type {HTMLInputElement} */
  const slider = part("[data-set=moment]");
  const button = part("[data-do=play]");
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let clock;

  const at = () => Number(slider.value);
  const last = () => Number(slider.max);

  /** @param {number} moment */
  function go(moment) {
    slider.value = String(moment);
    show(moment);
  }

  function pause() {
    clearInterval(clock);
    clock = undefined;
    tell();
  }

  function play() {
    // At the end it starts again.
    if (at() === last()) go(0);
    clock = setInterval(forward, PAUSE);
    tell();
  }

  function tell() {
    button.setAttribute("aria-pressed", String(clock !== undefined));
    button.textContent = clock === undefined ? "\u25B6\uFE0E Play" : "\u23F8\uFE0E Pause";
  }

  function forward() {
    if (!isOpen()) return pause();
    go(nextMoment(at(), last()));
    // It plays once and stops at the end.
    if (at() === last()) pause();
  }

  slider.addEventListener("input", () => {
    pause();
    show(at());
  });
  button.addEventListener("click", () => (clock === undefined ? play() : pause()));

  return {
    pause,
    /**
     * Loads another film and shows its last moment.
     * @param {number} moments
     */
    reset(moments) {
      slider.max = String(moments - 1);
      slider.value = slider.max;
    },
    moment: at,
    /** @param {string} words the moment, for a screen reader */
    describe(words) {
      slider.setAttribute("aria-valuetext", words);
    },
  };
}
