/* The sections of a code's card. */

import { make } from "../../web/dom.js";
import { number, percent } from "../../web/numbers.js";
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
  const line = book.counts[code] ? used : "never chosen over " + book.source;
  const buttons = [step("‹", "The next more used code", -1), step("›", "The next less used code", 1)];
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
  const total = Math.max(
    1,
    book.counts.reduce((sum, count) => sum + count, 0),
  );
  const list = [
    fact("Usage", number(book.counts[code]), "Tokens with this code over " + book.source),
    fact("Share", percent(book.counts[code] / total, 2)),
  ];
  if (presence)
    list.push(fact("This scan", number(presence.counts[code]), "Tokens with this code in the scan on show"));
  if (book.ablated.size) list.push(ablationFact(book.ablated.get(code), book.ablated.size));
  return make("dl", { className: "facts" }, ...list);
}

/**
 * @param {number | undefined} change of the Dice
 * @param {number} measured how many codes
 */
function ablationFact(change, measured) {
  if (change === undefined) {
    return fact("Dice if gone", "–", "Dice change when removed: measured for the " + measured + " most used codes");
  }
  return fact("Dice if gone", signed(change), "Dice change when its nearest codeword stands in for it everywhere");
}

/** @param {number} value */
export const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(4).replace("-", "−");

/**
 * @param {number} code
 * @param {Book} book
 * @param {number | null | undefined} label that the code decodes to alone
 * @param {string} grey
 */
export function classes(code, book, label, grey) {
  const decoded = Number.isInteger(label) ? " Alone it decodes to " + book.classes[Number(label)] + "." : "";
  const words = mixInWords(book, code) + "." + decoded;
  return make("div", { className: "classes" }, mixBar(book, code, grey), make("p", {}, words));
}

/**
 * The slice as a square: where the code's tokens lie on average, and how far around.
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
  return section("Most often beside it", make("p", { className: "chips" }, ...chips));
}

/** @param {CardOf} answer */
export function patches({ patches: found }) {
  if (!found) return null;
  const { pixels, side, count } = found;
  const area = side * side;
  const pictures = Array.from({ length: count }, (_, i) => {
    const grey = pixels.slice(i * area, (i + 1) * area);
    return make(
      "span",
      { className: "patch" },
      greyPicture({ grey, side }, "A place on a phantom where the code fires"),
    );
  });
  const none = make("p", { className: "hint" }, "Nowhere on the phantoms that were looked at.");
  return section("Where it fires on phantoms", count ? make("p", { className: "patches" }, ...pictures) : none);
}
