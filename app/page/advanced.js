/* The fold with the controls that a visitor can do without. It tells what of them is not as the page opens. */

import { store } from "../web/store.js";

/** @typedef {Pick<import("../web/types").PageState, "mode" | "seed" | "range" | "convention"> & {scan:
    Pick<import("../web/types").Scan, "checkpoint" | "brought">}} Settings */

const KEPT = "vqseg-advanced"; // in the storage of this visit
const OPEN = "open";

/**
 * In words, the folded settings that are not as the page opens.
 * @param {Settings} settings
 * @param {string} checkpoint that the page opens with
 */
export function setApart({ mode, seed, range, convention, scan }, checkpoint) {
  const words = [
    scan.checkpoint !== checkpoint && !scan.brought && "another checkpoint",
    mode !== "resample" && mode,
    seed !== 0 && "seed " + seed,
    range !== "network" && "window",
    convention !== "radiological" && convention,
  ];
  return words.filter((word) => word !== false).join(", ");
}

/** Whether this visit has opened the fold. A browser may refuse to keep anything. */
function wasOpen() {
  try {
    return sessionStorage.getItem(KEPT) === OPEN;
  } catch {
    return false;
  }
}

/** @param {boolean} isOpen */
function keep(isOpen) {
  try {
    sessionStorage.setItem(KEPT, isOpen ? OPEN : "");
  } catch {
    // The fold then opens folded at the next load.
  }
}

/** @param {HTMLElement} element */
export function mount(element) {
  const button = /** @type {HTMLButtonElement} */ (element.querySelector(".fold"));
  const told = /** @type {HTMLElement} */ (button.querySelector("[data-text=set]"));
  const own = button.dataset.checkpoint ?? "";

  /** @param {boolean} isOpen */
  function show(isOpen) {
    button.setAttribute("aria-expanded", String(isOpen));
    document.body.toggleAttribute("data-advanced", isOpen);
  }

  button.addEventListener("click", () => {
    const isOpen = button.getAttribute("aria-expanded") !== "true";
    show(isOpen);
    keep(isOpen);
  });
  store.subscribe((state) => void (told.textContent = setApart(state, own)));
  show(wasOpen());
}
