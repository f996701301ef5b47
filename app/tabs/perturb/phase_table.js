/* The phase diagram as a table, for those who do not see it and for those who want its numbers. */
import { decimals, diceOf, reachInWords } from "./phase_points.js";

/**
 * @typedef {import("./types").Against} Against
 * @typedef {import("./types").Phase} Phase
 */

// Every n-th row and column: what fits beside the map.
const [ROWS, COLUMNS] = [8, 5];

/**
 * What the table says: the head, then the rows by falling reach as on the map, then the strips.
 * @param {Phase} phase
 * @param {Against} against
 * @returns {string[][]}
 */
export function tableTexts({ rows, strips, strengths }, against) {
  const last = Number(rows[rows.length - 1].reach);
  const columns = strengths.flatMap((_, column) => (column % COLUMNS ? [] : [column]));
  const shown = rows.filter((_, row) => row % ROWS === 0).reverse();
  return [
    ["reach, then ε or p", ...columns.map((column) => strengths[column].toFixed(2))],
    ...[...shown, ...strips].map((line) => [
      line.reach === null ? line.title : reachInWords(line.reach, last),
      ...columns.map((column) => decimals(diceOf(line, against)[column])),
    ]),
  ];
}

/**
 * @param {Phase} phase
 * @param {Against} against
 */
export function tableRows(phase, against) {
  const [head, ...body] = tableTexts(phase, against);
  const parts = [
    ["thead", [head]],
    ["tbody", body],
  ];
  return parts.map(([name, texts]) => {
    const part = document.createElement(/** @type {string} */ (name));
    part.append(.../** @type {string[][]} */ (texts).map(rowOf));
    return part;
  });
}

/** @param {string[]} texts */
function rowOf(texts) {
  const row = document.createElement("tr");
  row.append(
    ...texts.map((text, i) => {
      const place = document.createElement(i ? "td" : "th");
      place.textContent = text;
      return place;
    }),
  );
  return row;
}
