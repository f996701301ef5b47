/* Accessible names that Gradio leaves out: those of groups of choices, of fields for files and of sliders. Gradio redraws
   its controls, so the names are set again after every change of the page. */

import { translated } from "../web/language.js";

const FILES = {
  upload: "Your scan",
  truth: "Ground truth, for Dice",
  "phase-file": "Other phase, for ejection fraction",
};
const KINDS = { number: "as a number", range: "as a slider" };
/** @type {WeakMap<HTMLElement, string | null>} */
const said = new WeakMap(); // of the fields for files, the text that their names contain
const INFO = "[data-testid=block-info]";

/**
 * @param {Element | null} element
 * @param {string} text
 */
function name(element, text) {
  const present = element?.getAttribute("aria-label");
  if (present !== text && present !== translated(text)) element?.setAttribute("aria-label", text);
}

/** @param {Element | null | undefined} block */
const titleOf = (block) => block?.querySelector(INFO)?.textContent?.trim() ?? "";

function nameGroups() {
  for (const group of document.querySelectorAll(`fieldset:has(> ${INFO})`)) name(group, titleOf(group));
}

function nameFiles() {
  for (const [id, text] of Object.entries(FILES)) {
    /** @type {HTMLElement | null} */
    const field = document.querySelector("#" + id + " button.upload-container");
    if (!field || said.get(field) === field.textContent) continue;
    // Voice control finds a field by its visible text, so the name contains that text. To ask for it has the page laid out.
    said.set(field, field.textContent);
    name(field, translated(text) + ": " + field.innerText.replace(/\s+/g, " ").trim());
  }
}

function nameSliders() {
  for (const [kind, text] of Object.entries(KINDS)) {
    for (const input of document.querySelectorAll(
      `#sidebar .block:has(${INFO}):has(input[type=range]) input[type=${kind}]`,
    )) {
      name(input, titleOf(input.closest(".block")) + " " + text);
    }
  }
}

let waiting = 0;

function give() {
  waiting = 0;
  nameGroups();
  nameFiles();
  nameSliders();
}

/** Sets the names now and after every change of the page. */
export function nameControls() {
  const observer = new MutationObserver(() => (waiting ||= requestAnimationFrame(give)));
  observer.observe(document, { childList: true, subtree: true });
  give();
}
