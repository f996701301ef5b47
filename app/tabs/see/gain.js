/* How many times brighter than it is the difference is drawn. A link brings it along. */

import { links } from "../../web/links.js";

const KEY = "gain"; // in the page's address
const PLAIN = "1";

/**
 * @param {HTMLElement} root
 * @param {() => void} repaint
 */
export function createGain(root, repaint) {
  const select = /** @type {HTMLSelectElement} */ (root.querySelector("[data-set=gain]"));

  /** @param {string} value an unknown one is the plain difference */
  function choose(value) {
    select.value = [...select.options].some((option) => option.value === value) ? value : PLAIN;
    links.more({ [KEY]: select.value === PLAIN ? null : select.value });
  }

  choose(links.asked()[KEY] ?? PLAIN);
  select.addEventListener("change", () => {
    choose(select.value);
    repaint();
  });

  /** Draw the plain difference again. Returns what undoes that, undefined if nothing changed. */
  function reset() {
    const before = select.value;
    choose(PLAIN);
    return before === PLAIN ? undefined : () => choose(before);
  }

  return { value: () => Number(select.value), reset };
}
