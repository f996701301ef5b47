/* The bars below the slice: how many marked tokens each slice has. A click opens the slice. */

import { make } from "../../web/dom.js";
import { setSlider } from "../../web/keys.js";
import { number } from "../../web/numbers.js";
import { litCodes } from "./marks.js";

/** Milliseconds without a change before the server is asked: a brush changes the marks at every move. */
const REST = 100;

/** @param {import("./types").Context} context */
export function createStrip({ codebook, part, server }) {
  const strip = part("[data-part=strip]");
  let asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  // Token of the scan that was counted.
  let counted = "";

  async function draw() {
    const mine = ++asked;
    const codes = [...litCodes(codebook.state)];
    const token = codebook.onShow()?.scan.token ?? "";
    counted = token;
    const answer = codes.length && token ? await server.where({ token, codes }) : null;
    if (mine !== asked) return;
    const counts = answer?.slices ?? [];
    codebook.fire(counts);
    const most = Math.max(1, ...counts);
    strip.replaceChildren(...counts.map((count, index) => bar(count, index, most)));
    point();
  }

  /**
   * @param {number} count
   * @param {number} index
   * @param {number} most
   */
  function bar(count, index, most) {
    const title = "slice " + index + ": " + number(count) + " tokens";
    const made = make("button", { type: "button", title, tabIndex: -1 });
    made.style.setProperty("--share", String(count / most));
    made.addEventListener("click", () => setSlider("slice", index));
    return made;
  }

  /* Marks the bar of the present slice. */
  function point() {
    const on = codebook.onShow();
    [...strip.children].forEach((one, index) => {
      one.toggleAttribute("data-here", Boolean(on?.codes) && index === on?.request.index);
    });
  }

  function drawSoon() {
    asked++;
    clearTimeout(resting);
    resting = setTimeout(draw, REST);
  }

  codebook.subscribe(drawSoon, "selection", "picked", "presence");
  codebook.subscribe(() => {
    const on = codebook.onShow();
    // The first picture of another scan may come after its counts.
    if (on && counted !== on.scan.token) draw();
    point();
  }, "frame");
}
