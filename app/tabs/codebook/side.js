/* Beside the map stand either the selection or the card of one code: whichever the visitor has just asked for. */

/** @param {import("./types").Context} context */
export function createSide({ codebook, parts }) {
  const { state } = codebook;
  /** @type {HTMLInputElement[]} */
  const radios = parts("[name=codes-side]");
  let chosen = state.chosen;

  /** @param {string} side */
  function show(side) {
    for (const radio of radios) radio.checked = radio.value === side;
    for (const section of parts("[data-side]")) section.hidden = section.dataset.side !== side;
  }

  for (const radio of radios) radio.addEventListener("change", () => show(radio.value));
  codebook.subscribe(() => show(state.picked === null ? "selection" : "card"), "picked");
  codebook.subscribe(() => {
    const isAnother = state.chosen !== chosen;
    chosen = state.chosen;
    if (state.picked === null || (isAnother && chosen)) show("selection");
  }, "selection");
}
