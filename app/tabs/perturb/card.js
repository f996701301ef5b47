/* The card beside the grids: the chosen token in words and pictures, and the codes that it can be forced to. */
import { make } from "../../web/dom.js";
import { ratio } from "../../web/numbers.js";
import { grey, paint } from "../../web/pictures.js";
import { written } from "../../web/translated.js";
import { editsText, moveText } from "./card_words.js";
import { elementIn } from "./tab.js";

/**
 * @typedef {import("../../web/types").Edit} Edit
 * @typedef {import("./types").Neighbours} Neighbours
 * @typedef {import("./types").Tab} Tab
 */

/**
 * @typedef {object} Token
 * @property {number} row
 * @property {number} column
 * @property {number} code before the perturbation
 * @property {number} to the code after it
 * @property {boolean} isForced
 */

/**
 * @param {Tab} tab
 * @param {(code: number) => void} force
 */
export function createCard(tab, force) {
  /** @type {{cell: string, move: Node[]} | null} */
  let atFirst = null; // what the card says while no token is chosen; a term stands in it
  /** @param {string} selector */
  const part = (selector) => elementIn(tab.panel, ".card " + selector);
  const cell = () => tab.text("cell");
  const move = () => tab.text("move");

  /**
   * @param {Token} token
   * @param {Neighbours} near
   * @param {Uint8Array} atoms their pictures, that of the token's own code first
   * @param {{strength: number, size: number}} codebook the strength on show and the number of codes
   */
  function show(token, near, atoms, { strength, size }) {
    atFirst ??= { cell: written(cell()), move: [...move().childNodes] };
    const last = near.codes.length - 1;
    const pixels = near.side ** 2;
    const pictures = [token.code, ...near.codes].map((code, i) => {
      return { code, atom: atoms.subarray(i * pixels, (i + 1) * pixels) };
    });
    const chances = near.probabilities.map((probability) => strength * probability);
    cell().textContent = "Token " + token.row + ", " + token.column;
    move().textContent = moveText({ ...token, probability: chances[last], distance: near.distances[last] });
    showSwap(pictures[0], pictures[last + 1]);
    const rows = pictures.slice(1, last + 1).map((picture, i) => {
      return neighbourRow(picture, [near.distances[i].toFixed(3), ratio(chances[i], 4)], () => force(picture.code));
    });
    part("tbody").replaceChildren(...rows);
    part("table").hidden = part("form").hidden = false;
    /** @type {HTMLInputElement} */ (part("input")).max = String(size - 1);
  }

  /**
   * The pictures that the code and its replacement decode to; one picture if the code was not replaced.
   * @param {CodePicture} before
   * @param {CodePicture} after
   */
  function showSwap(before, after) {
    [before, after].forEach((picture, i) => {
      const figure = ".swap figure:nth-of-type(" + (i + 1) + ") ";
      drawAtom(/** @type {HTMLCanvasElement} */ (part(figure + "canvas")), picture);
      part(figure + "figcaption").textContent = String(picture.code);
    });
    part(".swap figure:nth-of-type(2)").hidden = part(".swap span").hidden = before.code === after.code;
    part(".swap").hidden = false;
  }

  /** Shows that no token is chosen. */
  function clear() {
    if (!atFirst) return;
    part("table").hidden = part("form").hidden = part(".swap").hidden = true;
    cell().textContent = atFirst.cell;
    move().replaceChildren(...atFirst.move);
  }

  /**
   * @param {Edit[]} edits
   * @param {boolean} canUndo also when all of them were dropped
   */
  function tellEdits({ length }, canUndo) {
    tab.text("edits").textContent = editsText(length);
    /** @type {HTMLButtonElement} */ (part("[data-do=undo]")).disabled = !canUndo;
    /** @type {HTMLButtonElement} */ (part("[data-do=clear]")).disabled = length === 0;
  }

  /** The code in the field. */
  const typed = () => Number(/** @type {HTMLInputElement} */ (part("input")).value);

  return { show, clear, tellEdits, typed };
}

/** @typedef {{code: number, atom: Uint8Array}} CodePicture */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CodePicture} picture
 */
function drawAtom(canvas, { code, atom }) {
  const side = Math.sqrt(atom.length);
  paint(canvas, { shape: [side, side] }, (out) => grey(out, atom));
  canvas.setAttribute("aria-label", "What code " + code + " decodes to");
}

/**
 * @param {CodePicture} picture
 * @param {string[]} figures its distance and its probability
 * @param {() => void} force
 */
function neighbourRow(picture, figures, force) {
  const canvas = make("canvas", { role: "img" });
  drawAtom(canvas, picture);
  const label = "Force to code " + picture.code;
  const button = make("button", { type: "button", ariaLabel: label, on: { click: force } }, "Force");
  return make(
    "tr",
    {},
    make("td", {}, canvas, String(picture.code)),
    ...figures.map((figure) => make("td", {}, figure)),
    make("td", {}, button),
  );
}
