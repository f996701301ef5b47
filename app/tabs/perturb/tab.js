/* What the parts of the tab share: the elements that they write to, and the present picture. */
import { store } from "../../web/store.js";

/**
 * @typedef {import("../../web/types").Shown} Shown
 * @typedef {import("./types").Constants} Constants
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Server} Server
 * @typedef {import("./types").Tab} Tab
 */

/**
 * @param {HTMLElement} element of the component
 * @param {Constants} constants
 * @param {Server} server
 * @param {() => Shown | null} onShow the present picture
 * @param {() => void} schedule requests a painting with the screen's next frame
 * @returns {Tab}
 */
export function createTab(element, constants, server, onShow, schedule) {
  const panel = element.closest("[role=tabpanel]") ?? document.body;
  const root = elementIn(element, ".perturb");
  const notice = elementIn(root, ".notice");

  /** @returns {Scene | null} */
  function scene() {
    const [shown, { state }] = [onShow(), store];
    if (!shown || state?.scan.token !== shown.request.token) return null;
    return { shown, view: state.scan.planes[shown.request.plane], scan: state.scan, state };
  }

  /** @param {string} message */
  function say(message) {
    notice.hidden = !message;
    notice.textContent = message;
  }

  return {
    root,
    panel,
    server,
    constants,
    scene,
    schedule,
    say,
    isVisible: () => element.offsetParent !== null,
    settingsKey: () => JSON.stringify({ ...onShow()?.request, sequence: 0, truth: 0 }),
    tell: (message) => (elementIn(root, "[data-text=tool]").textContent = message),
    find: (selector) => elementIn(root, selector),
    text: (name) => elementIn(panel, "[data-text=" + name + "]"),
    canvasOf: (name) => canvasIn(root, "[data-panel=" + name + "]"),
  };
}

/**
 * @param {Element} place
 * @param {string} selector of an element that must exist
 */
export function elementIn(place, selector) {
  const found = place.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error("The page has no " + selector + ".");
  return found;
}

/**
 * The first canvas in a panel. It belongs to the present view; the pinned view's canvas comes after it.
 * @param {Element} place
 * @param {string} selector
 */
export function canvasIn(place, selector) {
  return /** @type {HTMLCanvasElement} */ (elementIn(place, selector + " canvas"));
}
