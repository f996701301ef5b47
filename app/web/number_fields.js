/* Numbers in fields. A browser writes them in its own language, whatever that of the page: so the page's own writing lies over a
   field until it is typed into. */

import { language, translated } from "./language.js";

/** Gradio's beside its sliders, and those that a view marks. */
export const FIELD = "[data-testid=number-input], .field > input[type=number]";

/* A browser takes the decimal sign of its own language and drops the other one: 0,7 would become 7. */
const ownSign = () => (0.5).toLocaleString(navigator.language)[1];

/** Takes the decimal sign that the page writes. @param {InputEvent} event */
function takeSign(event) {
  if (event.data !== language.signs[0] || event.data === ownSign()) return;
  event.preventDefault();
  document.execCommand("insertText", false, ownSign());
}

/** @type {WeakMap<HTMLInputElement, () => void>} */
const shown = new WeakMap();

/** Writes a field's number in the language of the page, from now on. @param {HTMLInputElement} field */
export function giveNumber(field) {
  if (!shown.has(field)) shown.set(field, cover(field));
  shown.get(field)?.();
}

/** @param {HTMLInputElement} field @returns {() => void} shows what the field holds */
function cover(field) {
  const value = /** @type {Required<Pick<PropertyDescriptor, "get" | "set">>} */ (
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
  );
  const words = document.createElement("span");
  words.className = "number-shown";
  words.ariaHidden = "true";
  words.translate = false;
  field.after(words);
  const show = () => void (words.textContent = translated(value.get.call(field)));
  // No event tells of a value that a program sets.
  Object.defineProperty(field, "value", {
    get: () => value.get.call(field),
    set: (/** @type {unknown} */ given) => {
      value.set.call(field, given);
      show();
    },
  });
  field.addEventListener("input", show);
  field.addEventListener("beforeinput", takeSign);
  field.form?.addEventListener("reset", () => queueMicrotask(show));
  return show;
}
