/* A slider for the reach: a range, its value in words, and a mark at the checkpoint's own reach. The sidebar and See have
   one each. */

import { lastPosition, positionOf, reachAt, reachInWords, whyFixed } from "./reach_scale.js";
import { store } from "./store.js";

/** @typedef {import("./types").PageState} PageState */

/**
 * Lets a slider follow the page, and the page the slider.
 * @param {HTMLElement} root with a range and an output; with .own, .why and the two [data-end] if there is room for them
 */
export function createReachSlider(root) {
  const range = /** @type {HTMLInputElement} */ (root.querySelector("input[type=range]"));
  const output = /** @type {HTMLOutputElement} */ (root.querySelector("output"));
  const own = /** @type {HTMLButtonElement | null} */ (root.querySelector(".own"));
  const why = root.querySelector(".why");
  const ends = /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll("[data-end]"));

  range.addEventListener("input", () => {
    if (store.state) store.moveReach(reachAt(Number(range.value), store.state.scan.reach));
  });
  own?.addEventListener("click", () => store.moveReach(null));
  for (const end of ends) {
    end.addEventListener("click", () => {
      if (store.state) store.moveReach(end.dataset.end === "last" ? store.state.scan.reach.last : 1);
    });
  }

  /** @param {PageState} state */
  function draw(state) {
    const { chosenReach, scan } = state;
    const words = reachInWords(chosenReach, scan.reach);
    const reason = whyFixed(state);
    const isOwn = chosenReach === null;
    range.max = String(Math.max(1, lastPosition(scan.reach)));
    // Near 1 several positions have the same reach: the thumb stays where it was put.
    if (reachAt(Number(range.value), scan.reach) !== chosenReach) {
      range.value = String(positionOf(chosenReach, scan.reach));
    }
    range.setAttribute("aria-valuetext", isOwn ? words + ", as trained" : words);
    range.style.setProperty("--range_progress", (100 * Number(range.value)) / Number(range.max) + "%");
    output.textContent = why ? words : reason || words;
    if (why) why.textContent = reason;
    root.classList.toggle("fixed", reason !== "");
    for (const control of [range, ...ends, ...(own ? [own] : [])]) control.disabled = reason !== "";
    if (!own) return;
    const place = positionOf(null, scan.reach) / Math.max(1, lastPosition(scan.reach));
    root.style.setProperty("--own", String(place));
    own.setAttribute("aria-pressed", String(isOwn));
    own.title = "The reach of this checkpoint in its training: " + reachInWords(null, scan.reach);
  }

  store.subscribe(draw);
}
