/* What every part of the tab needs: the elements, the store and the server's functions. */

import { createCodebook } from "./store.js";

/** @typedef {import("./types").Context} Context */

/**
 * @param {HTMLElement} element the component
 * @param {import("./types").CodebookServer} server
 * @returns {Context}
 */
export function createContext(element, server) {
  const root = found(element, ".codes");
  /** @type {Context["part"]} */
  const part = (selector) => found(root, selector);
  /** @type {Context["parts"]} */
  const parts = (selector) => Array.from(root.querySelectorAll(selector), (one) => /** @type {any} */ (one));
  /** @param {string} message */
  const say = (message) => {
    const notice = part(".notice");
    notice.hidden = !message;
    notice.textContent = message;
  };
  const visible = () => element.offsetParent !== null;
  return {
    element,
    root,
    server,
    codebook: createCodebook({ server, visible, say }),
    part,
    parts,
    text: (name) => part("[data-text=" + name + "]"),
    onClick(actions) {
      root.addEventListener("click", (event) => {
        const button = event.target instanceof Element ? event.target.closest("[data-do]") : null;
        if (button instanceof HTMLElement) actions[button.dataset.do ?? ""]?.();
      });
    },
    visible,
    say,
  };
}

/**
 * @template {HTMLElement} T
 * @param {HTMLElement} place
 * @param {string} selector
 * @returns {T}
 */
function found(place, selector) {
  const element = place.querySelector(selector);
  if (!element) throw new Error("The Codebook tab has no element " + selector);
  return /** @type {T} */ (element);
}
