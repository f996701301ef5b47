/* The line over the segmentation of a slice on which nothing was found: it says so, and leads to a slice with something. */

import { setSlider } from "../../web/keys.js";
import { fullName } from "../../web/structures.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */

/**
 * What is said of a slice without any structure.
 * @param {Pick<Scan, "classes">} scan
 * @param {{count: number, first: number | null}} plane
 */
export function nothingFound({ classes }, { count, first }) {
  const structures = classes.length === 2 ? `No ${fullName(classes[1])}` : "No structure";
  if (first !== null) return structures + " on this slice.";
  return structures + (count > 1 ? " was found in this scan." : " was found in this picture.");
}

/** @param {HTMLElement} root */
export function createNothing(root) {
  const line = /** @type {HTMLElement} */ (root.querySelector(".nothing"));
  const words = /** @type {HTMLElement} */ (line.querySelector("span"));
  const button = /** @type {HTMLButtonElement} */ (line.querySelector("button"));
  let target = 0;

  button.addEventListener("click", () => setSlider("slice", target));

  /**
   * The labels at epsilon 0 count: what a perturbation takes away is told elsewhere.
   * @param {Shown} shown
   * @param {PageState} state
   */
  function draw({ request, clean_labels: clean }, { scan }) {
    const plane = scan.planes[request.plane];
    const isEmpty = !clean.some((label) => label > 0);
    if (isEmpty) words.textContent = nothingFound(scan, plane);
    button.hidden = plane.first === null;
    target = plane.first ?? 0;
    button.textContent = "Go to slice " + target;
    line.hidden = !isEmpty;
  }

  return { draw };
}
