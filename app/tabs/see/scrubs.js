/* Sliders below the pictures, for narrow screens: there the sidebar is far away. */

import { setSlider } from "../../web/keys.js";
import { createReachSlider } from "../../web/reach_slider.js";

/** @typedef {import("../../web/types").PageState} PageState */

/** @param {HTMLElement} root */
export function createScrubs(root) {
  /** @param {string} name */
  function scrub(name) {
    const label = /** @type {HTMLElement} */ (root.querySelector(".scrub[data-moves=" + name + "]"));
    const range = /** @type {HTMLInputElement} */ (label.querySelector("input"));
    const output = /** @type {HTMLOutputElement} */ (label.querySelector("output"));
    range.addEventListener("input", () => setSlider(name, Number(range.value)));
    return (/** @type {number} */ value, /** @type {number} */ max, /** @type {string} */ words) => {
      Object.assign(range, { max, value });
      output.textContent = words;
      return range;
    };
  }

  const strengthScrub = scrub("strength");
  const sliceScrub = scrub("slice");
  createReachSlider(/** @type {HTMLElement} */ (root.querySelector(".scrub[data-moves=reach]")));

  /** @param {PageState} state */
  function draw({ strength, index, plane, scan }) {
    const last = scan.planes[plane].count - 1;
    strengthScrub(strength, 1, strength.toFixed(2));
    sliceScrub(index, Math.max(1, last), last < 1 ? "only one" : String(index)).disabled = last < 1;
  }

  return { draw };
}
