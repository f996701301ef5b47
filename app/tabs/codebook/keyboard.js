/* The keyboard steps through the codes by rank while the map has the focus. */

import { codeInWords } from "./words.js";

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20 };

/**
 * The codes that the arrow keys step through: the marked ones, or all if none is marked.
 * @param {Pick<import("./types").Book, "order" | "rank">} book
 * @param {number[]} selected
 * @returns {ArrayLike<number> & {indexOf(code: number): number}}
 */
export const pathOf = ({ order, rank }, selected) =>
  selected.length ? [...selected].sort((a, b) => rank[a] - rank[b]) : order;

/**
 * The code some steps further along a path; the first one if none is picked.
 * @param {ReturnType<typeof pathOf>} path
 * @param {number | null} picked
 * @param {number} step
 */
export function stepAlong(path, picked, step) {
  const [at, by] = picked === null ? [-1, 1] : [path.indexOf(picked), step];
  return path[Math.min(path.length - 1, Math.max(0, at + by))];
}

/** @param {import("./types").Context} context */
export function createKeyboard({ codebook, part, text, onClick }) {
  const { state } = codebook;
  const map = part("#codewords");
  const card = part(".card");

  function clear() {
    codebook.pick(null);
    codebook.clear();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {import("./types").Book} book
   * @returns {boolean} whether the key means something here
   */
  function press({ key }, book) {
    const { picked, selected } = state;
    if (Object.hasOwn(STEPS, key)) codebook.pick(stepAlong(pathOf(book, selected), picked, STEPS[key]));
    else if (key === "Home") codebook.pick(book.order[0]);
    else if (key === "End") codebook.pick(book.order[book.size - 1]);
    else if (key === "Enter") card.focus();
    else if (key === "Escape") clear();
    else return false;
    return true;
  }

  map.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !state.book) return;
    if (event.target instanceof Element && event.target.closest("button")) return;
    if (press(event, state.book)) event.preventDefault();
  });
  onClick({
    clear() {
      codebook.clear();
      // The button goes with what was marked, and the keyboard would go with the button.
      map.focus({ preventScroll: true });
    },
  });
  card.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    clear();
    map.focus();
  });
  codebook.subscribe(() => {
    const { book, presence, picked } = state;
    text("said").textContent = picked === null || !book ? "" : codeInWords(book, presence, picked);
  }, "picked");
}
