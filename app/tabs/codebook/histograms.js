/* Three small histograms over all codes. Each has a brush that holds back the codes of other bars: by dragging over the bars, or
   by two sliders from the keyboard. */

import { make } from "../../web/dom.js";
import { number } from "../../web/numbers.js";
import { BARS, MEASURES, brushBetween, countedBars } from "./measures.js";

/** @typedef {import("./types").Measure} Measure */

/** @type {Record<Measure, string>} */
const TITLES = { usage: "Usage", purity: "Purity", nearest: "Distance to the nearest" };

/** @param {import("./types").Context} context */
export function createHistograms({ codebook, part, text }) {
  const { state } = codebook;
  const made = MEASURES.map((measure) => createHistogram(measure, codebook));
  part("[data-part=histograms]").replaceChildren(...made.map(({ element }) => element));
  let drawing = 0;

  function draw() {
    drawing = 0;
    for (const one of made) one.draw();
    const { book, passing, isolated } = state;
    const isHeld = Boolean(book && passing);
    part("[data-part=held]").hidden = !isHeld;
    if (!book || !passing) return;
    const shown = passing.reduce((sum, passes) => sum + passes, 0);
    const near = isolated ? `Code ${isolated.code} and its ${number(isolated.codes.length - 1)} nearest. ` : "";
    text("held").textContent = `${near}The map shows ${number(shown)} of ${number(book.size)} codes.`;
  }

  const drawSoon = () => {
    if (!drawing) drawing = requestAnimationFrame(draw);
  };
  codebook.subscribe(drawSoon, "book", "spacing", "selection");
}

/**
 * @param {Measure} measure
 * @param {import("./types").CodebookStore} codebook
 */
function createHistogram(measure, codebook) {
  const { state } = codebook;
  const bars = make("div", { className: "bars", "aria-hidden": "true" });
  const [from, to] = ["from", "to"].map((end) => {
    const label = `${TITLES[measure]}: ${end === "from" ? "lower" : "upper"} end of what the map shows`;
    return make("input", { type: "range", min: "0", max: String(BARS), step: "1", ariaLabel: label });
  });
  const told = make("output");
  const title = make(
    "span",
    { "data-term": { usage: "usage", purity: "purity", nearest: null }[measure] },
    TITLES[measure],
  );
  const track = make("div", { className: "track" }, bars, from, to);
  const element = make("figure", { className: "histogram" }, make("figcaption", {}, title, told), track);

  /** @param {number} first @param {number} last */
  const brush = (first, last) => codebook.brush(measure, brushBetween(first, last));
  for (const one of [from, to]) {
    one.addEventListener("input", () => {
      // The moved end stays a bar away from the other one.
      const [low, high] = [Number(from.value), Number(to.value)];
      if (one === from) brush(Math.min(low, high - 1), high);
      else brush(low, Math.max(high, low + 1));
    });
  }
  letDrag(bars, brush, () => codebook.brush(measure, null));

  function draw() {
    const { book, selected, chosen, passing } = state;
    const histogram = state.histograms[measure];
    element.classList.toggle("waits", !histogram);
    const [low, high] = state.brushes[measure] ?? [0, BARS];
    [from.value, to.value] = [String(low), String(high)];
    track.style.setProperty("--from", String(low / BARS));
    track.style.setProperty("--to", String(high / BARS));
    for (const one of [from, to]) one.disabled = !histogram;
    if (!histogram || !book) return;
    const { edges, tell } = histogram;
    const ends = [tell(edges[low]), tell(edges[high])];
    told.textContent = state.brushes[measure] ? `${ends[0]} to ${ends[1]}` : "";
    [from, to].forEach((one, i) => one.setAttribute("aria-valuetext", ends[i]));
    const all = countedBars(histogram, book.order);
    const kept = chosen || passing ? countedBars(histogram, selected) : all;
    // Counts differ by orders of magnitude.
    const most = Math.log1p(Math.max(...all));
    const shares = [...all].map((count, i) => [Math.log1p(count) / most, Math.log1p(kept[i]) / most]);
    bars.replaceChildren(
      ...shares.map(([whole, part], i) => {
        const words = `${tell(edges[i])} to ${tell(edges[i + 1])}: ${number(kept[i])} of ${number(all[i])} codes`;
        const bar = make("i", { title: words });
        bar.style.setProperty("--all", String(whole));
        bar.style.setProperty("--kept", String(part));
        return bar;
      }),
    );
  }

  return { element, draw };
}

/**
 * Dragging over the bars brushes them; a click takes the brush away.
 * @param {HTMLElement} bars
 * @param {(first: number, last: number) => void} brush
 * @param {() => void} free
 */
function letDrag(bars, brush, free) {
  /** @type {number | null} */
  let begun = null;
  /** @param {PointerEvent} event */
  const placeOf = ({ clientX }) => {
    const { left, width } = bars.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - left) / width)) * BARS;
  };
  bars.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    begun = placeOf(event);
    bars.setPointerCapture(event.pointerId);
  });
  bars.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const now = placeOf(event);
    if (Math.abs(now - begun) >= 0.3) brush(Math.floor(Math.min(begun, now)), Math.ceil(Math.max(begun, now)));
  });
  bars.addEventListener("pointerup", (event) => {
    if (begun !== null && Math.abs(placeOf(event) - begun) < 0.3) free();
    begun = null;
  });
  bars.addEventListener("pointercancel", () => (begun = null));
}
