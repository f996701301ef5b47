/* The line at which view A, laid over B, is cut: wipe.css draws it. */

/** The wipes of a component move together. @param {HTMLElement} root */
export function joinWipes(root) {
  const wipes = /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll(".wipe"));
  for (const wipe of wipes) {
    wipe.addEventListener("input", () => {
      for (const each of wipes) each.value = wipe.value;
      root.style.setProperty("--wipe", String(Number(wipe.value) / 100));
    });
  }
}
