/* The search for codes: one field, with words that fill it. */

import { number } from "../../web/numbers.js";
import { attachPopover } from "../../web/popovers.js";
import { search } from "./search.js";

/** Milliseconds without a key before the codes are looked for. */
const REST = 150;

/** @param {import("./types").Context} context */
export function createFind({ codebook, part, parts, text }) {
  const { state } = codebook;
  /** @type {HTMLFormElement} */
  const form = part(".find");
  /** @type {HTMLInputElement} */
  const field = part(".find input");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  /** @type {number[] | null} what the search has chosen last */
  let found = null;

  function look() {
    clearTimeout(resting);
    const { book, presence, spacing } = state;
    if (!book) return;
    const answer = search(field.value, { book, presence, spacing });
    text("found").textContent = answer ? answerInWords(answer) : "";
    codebook.select(answer?.codes ?? []);
    found = state.chosen;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  field.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(look, REST);
  });
  for (const button of parts("[data-search]")) {
    button.addEventListener("click", () => {
      field.value = button.dataset.search ?? "";
      look();
    });
  }
  // Codes that were drawn around take the place of those that were searched.
  codebook.subscribe(() => {
    if (state.chosen === found || !found) return;
    [found, field.value, text("found").textContent] = [null, "", ""];
  }, "selection");
  attachPopover(part(".find > button"), part("#codes-search"), { isBeside: true });
}

/** @param {import("./search.js").Found} found */
export function answerInWords({ codes, unread }) {
  const count = codes.length === 1 ? "1 code found." : number(codes.length) + " codes found.";
  return unread.length ? count + " Not understood: " + unread.join(", ") + "." : count;
}
