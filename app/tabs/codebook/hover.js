/* The tip beside the pointer: the codeword under it. */

import { make } from "../../web/dom.js";
import { grey } from "./look.js";
import { mixBar } from "./mix.js";
import { mixInWords, usageInWords } from "./words.js";

/**
 * @param {import("./types").Context} context
 * @param {import("./types").Atoms} atoms
 */
export function createHover({ root, codebook, part }, atoms) {
  const tip = part(".tip");

  /** @param {MouseEvent} at */
  function place(at) {
    const box = root.getBoundingClientRect();
    const [x, y] = [at.clientX - box.left, at.clientY - box.top];
    // The tip goes to the other side of the pointer if it would leave the page.
    const beyond = x + tip.offsetWidth + 24 > box.width;
    tip.style.left = (beyond ? Math.max(0, x - tip.offsetWidth - 16) : x + 16) + "px";
    tip.style.top = Math.max(0, Math.min(y + 12, box.height - tip.offsetHeight)) + "px";
  }

  return {
    /**
     * @param {number} code
     * @param {MouseEvent} at
     */
    show(code, at) {
      const { book, presence } = codebook.state;
      if (!book) return;
      const usage = usageInWords(book, presence, code).join(" · ");
      const bar = mixBar(book, code, grey(root));
      const lines = make("span", {}, make("strong", {}, "Code " + code), usage, bar, mixInWords(book, code));
      tip.replaceChildren(atoms.picture(code), lines);
      tip.hidden = false;
      place(at);
    },
    hide() {
      tip.hidden = true;
    },
  };
}
