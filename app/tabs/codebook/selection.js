/* The panel of the marked codes: how many, their classes and usage, their atoms, where they fire, and a file of them. */

import { make } from "../../web/dom.js";
import { save } from "../../web/files.js";
import { setSlider } from "../../web/keys.js";
import { number, percent } from "../../web/numbers.js";
import { tokensOf } from "./book.js";
import { classColour } from "./colour.js";
import { asCsv } from "./listing.js";
import { grey } from "./look.js";
import { classMix, firesInWords, mixInWords } from "./selection_facts.js";
import { usageInWords } from "./words.js";

/** @typedef {import("./types").Book} Book */

/** How many atoms are shown at first, and how many are added at once. */
const FIRST = 16;
const PAGE = 48;
/** Milliseconds without a change before the panel follows: a brush changes the selection at every move. */
const REST = 120;

/**
 * @param {import("./types").Context} context
 * @param {import("./types").Atoms} atoms
 */
export function createSelection({ root, codebook, part, text, onClick }, atoms) {
  const { state } = codebook;
  /** @type {number[]} the marked codes, the most used first */
  let ranked = [];
  let pictures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  function draw() {
    const { book, selected } = state;
    part(".selected").hidden = !selected.length;
    part("[data-text=invited]").hidden = selected.length > 0;
    if (!book || !selected.length) return;
    text("selected").textContent = selected.length === 1 ? "1 code" : number(selected.length) + " codes";
    const mix = classMix(book, selected);
    text("mixed").textContent = mixInWords(book, mix);
    part("[data-part=mixed]").replaceChildren(...mix.map(([label, share]) => piece(book, label, share)));
    tellUsage(book, selected);
    ranked = [...selected].sort((a, b) => book.rank[a] - book.rank[b]);
    pictures = 0;
    part("[data-part=atoms]").replaceChildren();
    more();
  }

  /**
   * @param {Book} book
   * @param {number} label
   * @param {number} share
   */
  function piece(book, label, share) {
    const made = make("i");
    Object.assign(made.style, { background: classColour(book, label, grey(root)), flexGrow: share });
    return made;
  }

  /**
   * @param {Book} book
   * @param {number[]} codes
   */
  function tellUsage(book, codes) {
    const { presence } = state;
    const used = codes.reduce((sum, code) => sum + book.counts[code], 0);
    text("used").textContent = number(used);
    text("used-share").textContent = percent(used / Math.max(1, tokensOf(book)), 2);
    const here = presence && codes.reduce((sum, code) => sum + presence.counts[code], 0);
    text("here").textContent = here === null ? "–" : number(here);
  }

  function more() {
    const { book, presence } = state;
    if (!book) return;
    const next = ranked.slice(pictures, pictures + (pictures ? PAGE : FIRST));
    part("[data-part=atoms]").append(
      ...next.map((code) => {
        const title = ["Code " + code, ...usageInWords(book, presence, code)].join(", ");
        const click = () => codebook.pick(code);
        return make("button", { type: "button", title, ariaLabel: title, on: { click } }, atoms.picture(code));
      }),
    );
    pictures += next.length;
    const rest = ranked.length - pictures;
    part("[data-do=more-atoms]").hidden = rest <= 0;
    part("[data-do=more-atoms]").textContent = `Show ${number(Math.min(PAGE, rest))} more of ${number(rest)}`;
  }

  function drawSoon() {
    clearTimeout(resting);
    resting = setTimeout(draw, REST);
  }

  onClick({
    "more-atoms": more,
    free: codebook.clear,
    busiest() {
      const { fires } = state;
      if (fires?.length) setSlider("slice", fires.indexOf(Math.max(...fires)));
    },
    "save-selection"() {
      const { book } = state;
      if (book) save(asCsv({ ...state, book }, ranked), "text/csv", `codes_${ranked.length}_selected.csv`);
    },
  });
  codebook.subscribe(drawSoon, "book", "selection", "presence");
  codebook.subscribe(() => {
    const { fires } = state;
    text("fires").textContent = fires ? firesInWords(fires) : "Counting ...";
    part("[data-do=busiest]").hidden = !fires?.some((count) => count > 0);
  }, "fires");
}
