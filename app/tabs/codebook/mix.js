/* What every view uses to show a code: the bar of its classes and the button that opens its card. */

import { make } from "../../web/dom.js";
import { classShares } from "./book.js";
import { classColour } from "./colour.js";

/**
 * @param {import("./types").Book} book
 * @param {number} code
 * @param {string} grey
 */
export function mixBar(book, code, grey) {
  const bar = make("span", { className: "mix" });
  for (const [label, share] of classShares(book, code)) {
    const piece = make("i");
    Object.assign(piece.style, { background: classColour(book, label, grey), flexGrow: share });
    bar.append(piece);
  }
  return bar;
}

/**
 * @param {import("./types").CodebookStore} codebook
 * @param {number} code
 */
export function codeButton(codebook, code) {
  const button = make("button", { type: "button", className: "code", title: "Card of code " + code }, String(code));
  button.addEventListener("click", () => codebook.pick(code));
  return button;
}
