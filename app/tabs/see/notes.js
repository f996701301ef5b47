/* What a person should know of how the scan's file was read, in a quiet line below the pictures. */

import { make } from "../../web/dom.js";

/**
 * @param {string[]} notes
 * @returns {string} one of them whole, of several only how many there are
 */
export function heading(notes) {
  return notes.length === 1 ? sentence(notes[0]) : notes.length + " notes on how the file was read";
}

/** @param {string} note */
const sentence = (note) => note.charAt(0).toUpperCase() + note.slice(1) + ".";

/** @param {HTMLElement} root */
export function createNotes(root) {
  const line = /** @type {HTMLElement} */ (root.querySelector("[data-text=note]"));
  const several = /** @type {HTMLDetailsElement} */ (root.querySelector("details.notes"));

  /** @param {string[]} notes */
  function tell(notes) {
    line.hidden = notes.length !== 1;
    several.hidden = notes.length < 2;
    several.open = false;
    line.textContent = notes.length === 1 ? heading(notes) : "";
    /** @type {HTMLElement} */ (several.querySelector("summary")).textContent = heading(notes);
    several.querySelector("ul")?.replaceChildren(...notes.map((note) => make("li", {}, sentence(note))));
  }

  return { tell };
}
