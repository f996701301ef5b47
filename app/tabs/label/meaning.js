/* The card of the token under the brush: its code, and what that code stood for in training. */

import { cellAt } from "../../web/cells.js";
import { make } from "../../web/dom.js";
import { typed } from "../../web/packed.js";
import { meaningText, mixOf } from "./meaning_words.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Pointed} Pointed */
/** @typedef {import("./types").Scene} Scene */

const REST = 700; // milliseconds without a move of the keyboard's brush before its token is read aloud
const WITHOUT = "This checkpoint has no statistics of its codebook, so nobody can say what its codes stand for.";

/** @param {Context} context */
export function createMeaning({ server, find, text, schedule }) {
  /** @type {Int32Array | null} */
  let counts = null; // of the checkpoint below
  let countsOf = "";
  let told = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let announcing;

  /** @param {Scene} scene */
  async function load({ scan, state }) {
    if (countsOf === scan.checkpoint) return;
    [counts, countsOf] = [null, scan.checkpoint];
    const answer = await server.meanings({ token: state.scan.token });
    if (countsOf !== scan.checkpoint) return;
    // After a failure the next move of the brush asks again.
    if (!answer || answer.error) countsOf = "";
    else counts = answer.counts ? await typed(Int32Array, answer.counts) : new Int32Array();
    schedule();
  }

  /**
   * @param {Scene} scene
   * @param {Pointed | null} pointed
   */
  function draw(scene, pointed) {
    void load(scene);
    const { scan, shown } = scene;
    const cell = pointed && cellAt(scan, shown.request.plane, pointed.pixel.row, pointed.pixel.column);
    // The card keeps the last token while nothing is pointed at.
    if (!cell || !shown.frame.clean_codes || !counts) return;
    const code = shown.frame.clean_codes[cell.at];
    const key = [scan.checkpoint, cell.row, cell.column, code].join(" ");
    if (key === told) return;
    told = key;
    const mix = mixOf(counts, scan.classes.length, code);
    text("code").textContent = "Row " + cell.row + ", column " + cell.column + " · code " + code;
    text("meaning").textContent = counts.length ? meaningText(mix, scan.classes) : WITHOUT;
    find(".mix").replaceChildren(
      ...mix.map(({ label, share }) => {
        const part = make("i");
        part.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
        part.style.setProperty("--share", String(share));
        return part;
      }),
    );
    clearTimeout(announcing);
    if (pointed.byKeyboard) announcing = setTimeout(announce, REST);
  }

  const announce = () =>
    void (text("announced").textContent = text("code").textContent + ". " + text("meaning").textContent);

  return { draw };
}
