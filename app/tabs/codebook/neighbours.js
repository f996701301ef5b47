/* The nearest codewords on a code's card. pi(j|i) follows epsilon without another request. */

import { make } from "../../web/dom.js";
import { percent, ratio } from "../../web/numbers.js";
import { section } from "./card_sections.js";
import { codeButton } from "./mix.js";

/** @typedef {import("./types").CardAnswer["neighbours"]} List */

/** As many neighbours the server tells of. */
const MOST = 512;

/** How many neighbours are shown alone, as it was set last: a card is drawn anew for every code. */
let wanted = 20;

/**
 * A form that shows only the nearest codewords on the map.
 * @param {(count: number) => void} isolate
 */
function isolation(isolate) {
  const field = make("input", { type: "number", min: "1", max: String(MOST), value: String(wanted), required: true });
  field.addEventListener("input", () => {
    if (field.checkValidity()) wanted = Number(field.value);
  });
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    isolate(wanted);
  };
  return make(
    "form",
    { className: "near", on: { submit } },
    make("label", {}, "On the map only the nearest ", field),
    make("button", { type: "submit" }, "Show"),
  );
}

/**
 * @param {List} list
 * @param {import("./types").CodebookStore} codebook
 * @param {import("./types").Atoms} atoms
 * @param {(count: number) => void} isolate shows only so many neighbours on the map
 * @returns {{element: HTMLElement, tell: (strength: number) => void}} tell: fill in what a strength gives
 */
export function createNeighbours(list, codebook, atoms, isolate) {
  const shares = list.map(([, , probability]) => probability);
  const most = Math.max(...shares, 1e-12);
  const cells = shares.map((share) => {
    const cell = make("td", { className: "pi" });
    cell.style.setProperty("--share", String(share / most));
    return cell;
  });
  const rows = list.map(([code, distance], i) => {
    const button = codeButton(codebook, code);
    return make(
      "tr",
      {},
      make("td", {}, atoms.picture(code)),
      make("td", {}, button),
      make("td", {}, distance.toFixed(3)),
      cells[i],
    );
  });
  const heads = ["", "code", "distance", ""].map((name) => make("th", {}, name));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  const hint = make("p", { className: "hint" });
  return {
    element: section("Nearest codewords, in the codebook's own space", isolation(isolate), table, hint),
    tell(strength) {
      heads[3].textContent = "π(j|i), ε = " + strength.toFixed(2);
      shares.forEach((share, i) => (cells[i].textContent = ratio(strength * share, 4)));
      hint.textContent = replacementInWords(strength, shares);
    },
  };
}

/**
 * @param {number} strength
 * @param {number[]} shares of the replacements
 */
export function replacementInWords(strength, shares) {
  if (strength === 0) return "At ε = 0 no code is replaced. The bars show which codes a replacement would take.";
  const taken = percent(
    shares.reduce((sum, share) => sum + share, 0),
    0,
  );
  return (
    "With probability " +
    (1 - strength).toFixed(2) +
    " the code stays. These ten get " +
    taken +
    " of the replacements."
  );
}
