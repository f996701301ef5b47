/* Selections that are kept by a name: within the visit, and in the page's address. */

import { make } from "../../web/dom.js";
import { keepFocus } from "../../web/focus.js";
import { number } from "../../web/numbers.js";
import { plainName } from "./selection_text.js";

/** @param {import("./types").Context} context */
export function createSaved({ codebook, part }) {
  const { state } = codebook;
  /** @type {HTMLFormElement} */
  const form = part(".keep");
  /** @type {HTMLInputElement} */
  const field = part(".keep input");
  const list = part("[data-part=saved]");

  function draw() {
    const rewrite = () => {
      list.replaceChildren(...state.saved.map(chip));
      list.hidden = !state.saved.length;
    };
    keepFocus(list, rewrite, () => field);
  }

  /** @param {import("./types").Saved} saved */
  function chip({ name, codes }) {
    const recall = () => codebook.select(codes);
    const drop = () => codebook.save(state.saved.filter((one) => one.name !== name));
    return make(
      "span",
      {},
      make("button", { type: "button", on: { click: recall } }, name + " · " + number(codes.length)),
      make("button", { type: "button", ariaLabel: "Forget the selection " + name, on: { click: drop } }, "×"),
    );
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = plainName(field.value) || "Selection " + (state.saved.length + 1);
    // The same name again stands for the new codes.
    codebook.save([...state.saved.filter((one) => one.name !== name), { name, codes: state.selected }]);
    field.value = "";
  });
  codebook.subscribe(draw, "saved");
}
