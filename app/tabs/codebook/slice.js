/* The slice beside the map. The two are linked both ways: marked codes light their cells, and a click or a brush on cells
   marks their codes. The tokens are the encoder's own, before any perturbation. */

import { setSlider } from "../../web/keys.js";
import { shapeStages } from "../../web/pictures.js";
import { cellMarks, litCodes } from "./marks.js";
import { createSliceInput } from "./slice_input.js";
import { paintSlice } from "./slice_paint.js";
import { hintInWords, markedInWords, titleInWords } from "./slice_words.js";

/** @param {import("./types").Context} context */
export function createSlice(context) {
  const { codebook, part, text, visible } = context;
  const { state } = codebook;
  /** @type {HTMLCanvasElement} */
  const canvas = part(".lens canvas");
  let painting = 0;
  let mirrored = false;
  const input = createSliceInput(context, canvas, { mirrored: () => mirrored, repaint: schedule });

  function schedule() {
    if (!painting && visible()) painting = requestAnimationFrame(paint);
  }

  function paint() {
    painting = 0;
    const on = codebook.onShow();
    if (!on || state.view !== "map") return;
    mirrored = shapeStages(part(".lens .stage"), on.view, on.request.plane, on.page);
    const lit = litCodes(state);
    const marks = on.codes && cellMarks(on.codes, on.scan, lit, state.picked);
    paintSlice(canvas, on, { marks, brushed: marks && input.brushed, cursor: marks && input.cursor }, lit.size > 0);
    tell(on, lit.size, marks ? marks.filter(Boolean).length : 0);
  }

  /**
   * @param {import("./types").OnShow} on
   * @param {number} lit codes that are lit
   * @param {number} cells of this slice that carry them
   */
  function tell(on, lit, cells) {
    text("slice").textContent = titleInWords(on);
    text("lens").textContent = hintInWords(on, lit, cells);
    button("previous").disabled = on.request.index <= 0;
    button("next").disabled = on.request.index >= on.view.count - 1;
    part(".chip").hidden = !state.selected.length;
    text("chip").textContent = markedInWords(state.selected, state.presence);
  }

  /**
   * @param {string} name
   * @returns {HTMLButtonElement}
   */
  const button = (name) => part("[data-do=" + name + "]");

  /** @param {number} by */
  function turn(by) {
    const on = codebook.onShow();
    if (on) setSlider("slice", on.page.index + by);
  }

  context.onClick({ previous: () => turn(-1), next: () => turn(1) });
  codebook.subscribe(schedule, "frame", "page", "selection", "picked", "presence", "view");
}
