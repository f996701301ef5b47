/* The tables below the pictures: Dice by structure, and the codes that stand for each other. */

import { make } from "../../web/dom.js";
import { number, percent } from "../../web/numbers.js";
import { diceTable } from "./pairing.js";

/** @typedef {import("./types").Aligned} Aligned */
/** @typedef {import("./types").Pair} Pair */

const MOST = 12; // codes in the table

/** @param {string[]} names */
const headOf = (names) => make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name))));

/**
 * @param {HTMLElement} table
 * @param {string[]} classes
 * @param {import("./types").Agreement} found
 */
export function drawDice(table, classes, found) {
  const [head, ...rows] = diceTable(classes, found);
  const body = rows.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, text))),
  );
  table.replaceChildren(headOf(head), make("tbody", {}, ...body));
}

/**
 * @param {HTMLElement} table
 * @param {Aligned} aligned
 * @param {Pair | null} chosen the pair whose places are lit
 * @param {(pair: Pair) => void} choose
 */
export function drawPairs(table, aligned, chosen, choose) {
  const rows = aligned.codes.slice(0, MOST).map((code, row) => {
    const pair = { code, partner: aligned.partners[row][0] };
    const button = make(
      "button",
      { type: "button", "data-code": code, "aria-pressed": String(chosen?.code === code) },
      code,
    );
    button.title = "Light the places of this code in A, and those of its usual partner in B";
    button.addEventListener("click", () => choose(pair));
    const partners = aligned.partners[row].flatMap((partner, i) =>
      partner < 0 ? [] : [`${partner} (${percent(aligned.shares[row][i], 0)})`],
    );
    const matched = aligned.matched[row] < 0 ? "–" : aligned.matched[row];
    const cells = [number(aligned.counts[row]), partners.join(", "), matched].map((text) => make("td", {}, text));
    return make("tr", {}, make("th", { scope: "row" }, button), ...cells);
  });
  const head = headOf(["Code of A", "Tokens", "Codes of B at their places", "One to one"]);
  table.replaceChildren(head, make("tbody", {}, ...rows));
}

const ONE_TO_ONE =
  "The last column gives every code one partner alone, so that together they share as many places as possible" +
  " (linear assignment).";

/** @param {Aligned} aligned */
export function toldInWords({ told, codes }) {
  const usual = `For ${percent(told)} of its tokens, the code of B is the usual partner of the code of A.`;
  return [`${number(codes.length)} codes of A fire in this scan.`, usual, ONE_TO_ONE].join(" ");
}
