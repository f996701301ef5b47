/* The slices of the scan in a row: how uncertain each is, which of them are corrected, and which one is on show. */

import { make } from "../../web/dom.js";
import { setSlider } from "../../web/keys.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */

/**
 * @param {Context} context
 * @param {(scene: Scene) => (number | null)[]} scoresOf how much the network contradicts itself, by slice
 */
export function createStrip({ find, text, corrections }, scoresOf) {
  const [strip, slider] = [find(".strip"), /** @type {HTMLInputElement} */ (find(".slices input"))];

  slider.addEventListener("input", () => setSlider("slice", Number(slider.value)));
  strip.addEventListener("click", ({ target }) => {
    const { index } = (target instanceof Element ? target.closest("span") : null)?.dataset ?? {};
    if (index) setSlider("slice", Number(index));
  });

  /** @param {Scene} scene */
  function draw(scene) {
    const { scan, view, key, index } = scene;
    const scores = scoresOf(scene);
    const most = Math.max(1, ...scores.map((score) => score ?? 0));
    const corrected = new Set(corrections.corrected(key).map((slice) => slice.index));
    text("name").textContent = scan.name;
    text("slice").textContent = `slice ${index} (0–${view.count - 1})`;
    text("state").hidden = !corrected.size;
    text("state").textContent = corrected.size === 1 ? "1 slice corrected" : corrected.size + " slices corrected";
    Object.assign(slider, { max: String(Math.max(1, view.count - 1)), value: String(index), disabled: view.count < 2 });
    slider.setAttribute("aria-valuetext", index + (corrected.has(index) ? ", corrected" : ""));
    strip.toggleAttribute("data-measured", scores.length > 0);
    strip.replaceChildren(
      ...Array.from({ length: view.count }, (_, at) => {
        const bar = make("span", { title: titleOf(at, scores[at]) }, make("i"));
        bar.style.setProperty("--score", String((scores[at] ?? 0) / most));
        bar.dataset.index = String(at);
        bar.toggleAttribute("data-corrected", corrected.has(at));
        bar.toggleAttribute("data-here", at === index);
        return bar;
      }),
    );
  }

  return { draw };
}

/** @param {number} index @param {number | null | undefined} score in pixels */
const titleOf = (index, score) =>
  typeof score === "number" ? `Slice ${index}: ${Math.round(score)} pixels uncertain` : `Slice ${index}`;
