/* The plots of the usage in plotly's form. Knows nothing of the page. */

import { MARK, TEAL, classColour } from "./colour.js";

/** @typedef {import("./types").Book} Book */

/**
 * Codes in use, from the most to the least used.
 * @param {Pick<Book, "order" | "counts">} book
 */
export const usedCodes = ({ order, counts }) => [...order].filter((code) => counts[code]);

/**
 * Codes in use by class, the purest of each first.
 * @param {Pick<Book, "order" | "counts" | "majority" | "purity">} book
 */
export function byClass(book) {
  const { majority, purity } = book;
  return usedCodes(book).sort((a, b) => majority[a] - majority[b] || purity[b] - purity[a] || a - b);
}

/**
 * Tokens by rank, and a point for the card's code.
 * @param {Book} book
 */
export function frequencyTraces(book) {
  const used = usedCodes(book);
  const curve = {
    type: "scattergl",
    mode: "lines",
    x: used.map((_, i) => i + 1),
    y: used.map((code) => book.counts[code]),
    customdata: used,
    line: { width: 3, color: TEAL },
    hovertemplate: "rank %{x:,}<br>code %{customdata}<br>%{y:,} tokens<extra></extra>",
  };
  const point = {
    type: "scatter",
    mode: "markers",
    x: [],
    y: [],
    marker: { size: 12, color: MARK },
    hoverinfo: "skip",
  };
  return [curve, point];
}

/**
 * One row a class. Its intensity is the class's share of each code.
 * @param {Book} book
 * @param {number[]} codes one a column
 * @param {string} grey
 */
export function classTraces(book, codes, grey) {
  const n = book.classes.length;
  return book.classes.map((name, label) => ({
    type: "heatmap",
    x0: 0,
    dx: 1,
    y0: label,
    dy: 1,
    z: [codes.map((code) => book.classCounts[code * n + label] / book.counts[code])],
    customdata: [codes],
    zmin: 0,
    zmax: 1,
    showscale: false,
    colorscale: [
      [0, "rgba(0,0,0,0)"],
      [1, classColour(book, label, grey)],
    ],
    hovertemplate: "code %{customdata}<br>" + plain(name) + " %{z:.2~%}<extra></extra>",
  }));
}

/**
 * A text without signs that plotly would read as HTML or as a template.
 * @param {string} name
 */
export const plain = (name) => name.replace(/[<>&%{}]/g, "");
