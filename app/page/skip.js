/* The first stop of the Tab key: a link that leads past the sidebar to what the open tab is about. */

import { make } from "../web/dom.js";

/* The place within a tab to which the link leads; without one it leads to the tab. */
const PLACE = "[data-skip-to]";

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  /** @type {HTMLElement[]} */
  const tabs = [...document.querySelectorAll("[role=tabpanel]")].map((one) => /** @type {HTMLElement} */ (one));
  const tab = tabs.find((one) => one.checkVisibility());
  const place = /** @type {HTMLElement | null | undefined} */ (tab?.querySelector(PLACE)) ?? tab;
  if (!place) return;
  if (place.tabIndex < 0) place.tabIndex = -1;
  place.focus();
}

export function addSkipLink() {
  const link = make("a", { id: "skip", href: "#", on: { click: skip } }, "Skip the controls");
  // In a landmark: a screen reader's list of landmarks leads to it, too.
  document.body.prepend(make("nav", { "aria-label": "Shortcut" }, link));
}
