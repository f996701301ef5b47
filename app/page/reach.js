/* The slider "Reach" of the sidebar. */

import { createReachSlider } from "../web/reach_slider.js";

/** @param {HTMLElement} element */
export function mount(element) {
  createReachSlider(/** @type {HTMLElement} */ (element.querySelector(".reach")));
}
