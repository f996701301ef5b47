/* The top of the page: the panel "About", the languages, and the tour. */

import { attachPopover } from "../web/popovers.js";
import { offerLanguages } from "./languages.js";
import { createTour } from "./tour.js";

/** @param {HTMLElement} element */
export function mount(element) {
  const button = /** @type {HTMLButtonElement} */ (element.querySelector("[data-do=about]"));
  attachPopover(button, /** @type {HTMLElement} */ (element.querySelector("#about")), { isBeside: true });
  offerLanguages(/** @type {HTMLElement} */ (element.querySelector(".languages")));
  createTour(element);
}
