/* The searchable list of the codes. */

import { make } from "../../web/dom.js";
import { save } from "../../web/files.js";
import { number } from "../../web/numbers.js";
import { chooseView } from "./head.js";
import { COLUMNS, NAMES, asCsv, listedCodes, sortBy } from "./listing.js";
import { grey } from "./look.js";
import { codeButton, mixBar } from "./mix.js";

/** @typedef {import("./types").Book} Book */
/** @typedef {import("./types").Column} Column */

/** How many rows are added at once. */
const PAGE = 100;

/** @param {import("./types").Context} context */
export function createList(context) {
  const { root, codebook, part, text } = context;
  const { state } = codebook;
  /** @type {HTMLSelectElement} */
  const filter = part("[data-set=filter]");
  const body = part(".list tbody");
  const head = part(".list thead tr");
  /** @type {import("./types").Sort} */
  let sort = { column: "rank", rising: true };
  /** @type {number[]} */
  let listed = [];
  let rows = 0;

  function list() {
    if (state.view !== "usage" || !state.book) return;
    listed = listedCodes({ ...state, book: state.book }, filter.value, sort);
    rows = 0;
    body.replaceChildren();
    more();
    text("listed").textContent = number(listed.length) + (listed.length === 1 ? " code" : " codes");
    for (const name of ["mark-list", "save-list"]) button(name).disabled = !listed.length;
    head.replaceChildren(...NAMES.map(columnHead));
  }

  /**
   * @param {string} name
   * @returns {HTMLButtonElement}
   */
  const button = (name) => part("[data-do=" + name + "]");

  /** @param {Column} name */
  function columnHead(name) {
    const isSorted = sort.column === name;
    const arrow = isSorted ? (sort.rising ? " ↑" : " ↓") : "";
    const click = () => {
      sort = sortBy(sort, name);
      list();
      // Redrawing has replaced the heads, so the focus is put back.
      head.querySelectorAll("button")[NAMES.indexOf(name)].focus();
    };
    const title = make("button", { type: "button", className: "code", on: { click } }, COLUMNS[name].title + arrow);
    const order = isSorted ? (sort.rising ? "ascending" : "descending") : "none";
    return make("th", { scope: "col", "aria-sort": order }, title);
  }

  function more() {
    const { book } = state;
    if (!book) return;
    const next = listed.slice(rows, rows + PAGE);
    const colour = grey(root);
    body.append(
      ...next.map((code) => make("tr", {}, ...NAMES.map((name) => make("td", {}, ...cell(name, code, book, colour))))),
    );
    rows += next.length;
    button("more").hidden = rows >= listed.length;
  }

  /**
   * @param {Column} name
   * @param {number} code
   * @param {Book} book
   * @param {string} colour
   */
  function cell(name, code, book, colour) {
    const words = COLUMNS[name].tell({ book, presence: state.presence }, code);
    if (name === "class") return [mixBar(book, code, colour), " ", words];
    if (name !== "code") return [words];
    const open = codeButton(codebook, code);
    open.addEventListener("click", () => showCard(context));
    return [open];
  }

  filter.addEventListener("change", list);
  context.onClick({
    more,
    "save-list"() {
      if (state.book) save(asCsv({ ...state, book: state.book }, listed), "text/csv", "codes_" + filter.value + ".csv");
    },
    "mark-list"() {
      codebook.select(listed);
      chooseView(context, "map");
    },
  });
  codebook.subscribe(list, "view", "book", "presence");
  codebook.subscribe(() => {
    if (filter.value === "marked") list();
  }, "selection");
}

/**
 * Opens the card, which stands beside the map.
 * @param {import("./types").Context} context
 */
export function showCard(context) {
  chooseView(context, "map");
  context.part(".card").focus();
}
