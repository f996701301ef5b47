/* The sections of a code's card. */

import { make } from "../../web/dom.js";
import { number, percent } from "../../web/numbers.js";
import { tokensOf } from "./book.js";
import { greyPicture } from "./atoms.js";
import { codeButton, mixBar } from "./mix.js";
import { mixInWords } from "./words.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").CardOf} CardOf */

/**
 * @param {string} title
 * @param {HTMLElement[]} children
 */
export const section = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);

/**
 * @param {number} code
 * @param {Book} book
 * @param {HTMLElement} atom
 * @param {{pick: (code: number) => void, close: () => void}} act
 */
export function header(code, book, atom, { pick, close }) {
  const rank = book.rank[code];
  /**
   * @param {string} sign
   * @param {string} label
   * @param {number} by
   */
  const step = (sign, label, by) => {
    const other = book.order[rank - 1 + by];
    return iconButton(sign, label, label, () => pick(other), other === undefined);
  };
  const used = "rank " + number(rank) + " of " + number(book.size);
  const line = book.counts[code] ? used : "never chosen in " + book.source;
  const buttons = [step("‹", "Next code with more uses", -1), step("›", "Next code with fewer uses", 1)];
  buttons.push(iconButton("×", "Close the card", "Close (Esc)", close));
  const titles = make("div", {}, make("h2", {}, "Code " + code), make("p", {}, line));
  return make("header", {}, atom, titles, make("span", { className: "row" }, ...buttons));
}

/**
 * @param {string} sign
 * @param {string} ariaLabel
 * @param {string} title
 * @param {() => void} act
 * @param {boolean} [disabled]
 */
function iconButton(sign, ariaLabel, title, act, disabled = false) {
  const button = make("button", { type: "button", ariaLabel, title, disabled }, sign);
  button.addEventListener("click", act);
  return button;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [title]
 */
const fact = (name, value, title = "") => make("div", { title }, make("dt", {}, name), make("dd", {}, value));

/**
 * @param {number} code
 * @param {Book} book
 * @param {import("./types").Presence | null} presence
 */
export function facts(code, book, presence) {
  const total = Math.max(1, tokensOf(book));
  const list = [
    fact("Usage", number(book.counts[code]), "Tokens with this code in " + book.source),
    fact("Share", percent(book.counts[code] / total, 2)),
  ];
  if (presence)
    list.push(fact("This scan", number(presence.counts[code]), "Tokens with this code in the present scan"));
  if (book.ablated.size) list.push(ablationFact(book.ablated.get(code), book.ablated.size));
  return make("dl", { className: "facts" }, ...list);
}

/**
 * @param {number | undefined} change of the Dice
 * @param {number} measured how many codes
 */
function ablationFact(change, measured) {
  if (change === undefined) {
    return fact(
      "Dice if gone",
      "–",
      "Change of the Dice if the code is removed. Measured only for the " + measured + " most used codes.",
    );
  }
  return fact("Dice if gone", signed(change), "Change of the Dice if its nearest codeword replaces it everywhere");
}

/** @param {number} value */
export const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(4).replace("-", "−");

/**
 * @param {number} code
 * @param {Book} book
 * @param {number | null | undefined} label that the code decodes to on its own
 * @param {string} grey
 */
export function classes(code, book, label, grey) {
  const decoded = Number.isInteger(label) ? " On its own it decodes to " + book.classes[Number(label)] + "." : "";
  const words = mixInWords(book, code) + "." + decoded;
  return make("div", { className: "classes" }, mixBar(book, code, grey), make("p", {}, words));
}

/**
 * The slice as a square, with the mean place of the code's tokens and their spread.
 * @param {CardOf} answer
 */
export function position({ position: at, spread }) {
  if (!at) return null;
  const square = make("span", { className: "place", role: "img", ariaLabel: "Mean place in the slice" }, make("i"));
  square.style.setProperty("--row", String(at[0]));
  square.style.setProperty("--column", String(at[1]));
  square.style.setProperty("--spread", String(spread));
  const words = percent(at[0], 0) + " along, " + percent(at[1], 0) + " across the slice as stored, ± ";
  const row = make("div", { className: "row" }, square, make("p", {}, words + percent(spread ?? 0, 0)));
  return section("Where in the slice", row);
}

/**
 * @param {CardOf} answer
 * @param {import("./types").CodebookStore} codebook
 * @param {import("./types").Atoms} atoms
 */
export function partners({ partners: list }, codebook, atoms) {
  if (!list?.length) return null;
  const chips = list.map(([code, count]) => {
    const title = number(count) + " pairs of neighbouring tokens";
    return make("span", { title }, atoms.picture(code), codeButton(codebook, code));
  });
  return section("Most frequent neighbours in slices", make("p", { className: "chips" }, ...chips));
}

/** @param {CardOf} answer */
export function patches({ patches: found }) {
  if (!found) return null;
  const { pixels, side, count } = found;
  const area = side * side;
  const pictures = Array.from({ length: count }, (_, i) => {
    const grey = pixels.slice(i * area, (i + 1) * area);
    return make("span", { className: "patch" }, greyPicture({ grey, side }, "A place on a phantom that has this code"));
  });
  const none = make("p", { className: "hint" }, "None of the phantoms examined has this code.");
  return section("Places on phantoms with this code", count ? make("p", { className: "patches" }, ...pictures) : none);
}
