/* One picture in place of four: by its button, by F over it, or by a double click. */

import { addKeys } from "../../web/keys.js";

/** @param {HTMLElement} root */
export function createEnlarge(root) {
  /** @type {HTMLElement[]} */
  const figures = [...root.querySelectorAll(".panels figure")].map((figure) => /** @type {HTMLElement} */ (figure));

  /** @param {HTMLElement | null} chosen null for all four */
  function show(chosen) {
    root.toggleAttribute("data-enlarged", chosen !== null);
    for (const figure of figures) {
      figure.toggleAttribute("data-chosen", figure === chosen);
      figure.querySelector("[data-do=enlarge]")?.setAttribute("aria-pressed", String(figure === chosen));
    }
  }

  /** @param {Element | null | undefined} figure */
  function toggle(figure) {
    const isLarge = root.hasAttribute("data-enlarged");
    show(isLarge ? null : /** @type {HTMLElement} */ (figure));
  }

  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-do=enlarge]") : null;
    if (button) toggle(button.closest("figure"));
  });
  addKeys({
    f() {
      if (root.offsetParent === null) return false;
      const pointed = figures.find((figure) => figure.contains(document.activeElement));
      toggle(pointed ?? figures.find((figure) => figure.matches(":hover")) ?? figures[1]);
      return true;
    },
    Escape() {
      if (root.offsetParent === null || !root.hasAttribute("data-enlarged")) return false;
      show(null);
      return true;
    },
  });
  return { toggle };
}
