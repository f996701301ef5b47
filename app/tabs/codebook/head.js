/* The part above the views: figures of the codebook, the warning about the scan and the choice of the view. */

import { number, percent } from "../../web/numbers.js";
import { tokensOf } from "./book.js";

/** @typedef {import("./types").Context} Context */

/** @param {Context} context */
export function createHead({ codebook, part, parts, text }) {
  const { state } = codebook;

  function open() {
    for (const section of parts("[data-view]")) section.hidden = state.none || section.dataset.view !== state.view;
  }

  function describe() {
    const { book, none } = state;
    part(".none").hidden = !none;
    part(".top").hidden = none;
    open();
    if (!book) return;
    text("size").textContent = number(book.size);
    text("utilisation").textContent = percent(book.utilisation);
    text("perplexity").textContent = number(Math.round(book.perplexity));
    text("counted").textContent = number(tokensOf(book));
    part(".figures").title = "Counted in " + book.source + ", " + number(book.scans) + " scans";
  }

  /* Warns if the scan is unlike all training scans. */
  function judge() {
    const { presence } = state;
    const drift = presence?.drift;
    text("present").textContent = presence ? number(presence.counts.filter((count) => count > 0).length) : "–";
    const banner = part(".banner");
    banner.hidden = !drift?.outside;
    if (!drift?.outside) return;
    banner.title =
      "Distance " +
      drift.distance.toFixed(3) +
      " between the codes of this scan and those of all training scans together";
    // Outside: farther away than every single training scan.
    banner.textContent =
      "This scan is unlike the training scans: it uses the codes differently from each of them. " +
      "Check its labels with care.";
  }

  for (const radio of radios(parts)) radio.addEventListener("change", () => codebook.show(viewOf(radio)));
  codebook.subscribe(open, "view");
  codebook.subscribe(describe, "book");
  codebook.subscribe(judge, "presence");
}

/**
 * Open a view as if the visitor had chosen its button.
 * @param {Context} context
 * @param {string} view a name; an unknown one changes nothing
 */
export function chooseView({ codebook, parts }, view) {
  const radio = radios(parts).find((one) => one.value === view);
  if (!radio) return;
  radio.checked = true;
  codebook.show(viewOf(radio));
}

/**
 * @param {Context["parts"]} parts
 * @returns {HTMLInputElement[]}
 */
const radios = (parts) => parts("[name=codes-view]");

/** @param {HTMLInputElement} radio */
const viewOf = (radio) => /** @type {import("./types").View} */ (radio.value);
