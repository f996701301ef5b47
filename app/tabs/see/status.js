/* The texts around the pictures: the scan's name, its figures, the pixel under the pointer and messages. */

import { cellAt } from "../../web/cells.js";
import { frameOf } from "../../web/cine_frames.js";
import { make } from "../../web/dom.js";
import { facts } from "../../web/facts.js";
import { WAITING } from "../../web/frames.js";
import { percent, ratio } from "../../web/numbers.js";
import { told } from "./change_words.js";
import { isWarned } from "./known.js";

/** @typedef {import("../../web/types").Cell} Cell */
/** @typedef {import("../../web/types").Frame} Frame */
/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Pixel} Pixel */
/** @typedef {import("../../web/types").Progress} Progress */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */

const REST = 700; // milliseconds without a change before the sentence is read aloud

/**
 * A pixel in words: its place, value and label, and the codes of its token before and after the perturbation.
 * @param {Pixel} pixel
 * @param {Pick<Shown, "values" | "frame">} shown
 * @param {Scan} scan
 * @param {Cell | null} cell
 */
export function readout({ row, column, at }, { values, frame }, scan, cell) {
  const value = Number(values[at].toPrecision(5));
  const parts = ["row " + row + ", column " + column, "value " + value, scan.classes[frame.labels[at]]];
  if (cell && frame.codes && frame.clean_codes) {
    const [before, after] = [frame.clean_codes[cell.at], frame.codes[cell.at]];
    const codes = before === after ? before : before + " → " + after;
    parts.push("token " + cell.row + ", " + cell.column + ": code " + codes);
  }
  return parts.join(" · ");
}

/**
 * Which frame of a cine, or which scan of a pair, is on show.
 * @param {number} frame
 * @param {import("../../web/types").Cine} cine
 */
const momentOf = (frame, { frames, paired }) =>
  paired ? "scan " + (frame + 1) + " of " + frames : "frame " + frame + " (0–" + (frames - 1) + ")";

/**
 * The Dice of one structure after its colour and name.
 * @param {Scan} scan
 * @param {number} label
 * @param {number | null} dice
 */
function score(scan, label, dice) {
  const name = make("small", {}, scan.classes[label]);
  name.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
  const title = dice === null ? "This structure is in neither picture" : null;
  return make("span", { title }, name, dice === null ? "–" : ratio(dice, 2));
}

/** @param {HTMLElement} root */
export function createStatus(root) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const text = (/** @type {string} */ name) => find("[data-text=" + name + "]");
  const busy = find(".busy");
  const bar = /** @type {HTMLProgressElement} */ (busy.querySelector("progress"));
  const back = /** @type {HTMLElement} */ (busy.querySelector("button"));
  const notice = find(".notice");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let announcing;
  let said = "";

  /**
   * @param {Shown} shown
   * @param {PageState} state
   */
  function tellFigures({ request, frame }, { scan }) {
    text("replaced").textContent = percent(frame.replaced_share);
    text("dice").textContent = ratio(frame.dice_vs_clean);
    text("psnr").textContent = frame.psnr.toFixed(1) + " dB";
    text("readout").title = "The server took " + Math.round(frame.milliseconds) + " ms to perturb and decode";
    const last = scan.planes[request.plane].count - 1;
    const moment = scan.cine ? " · " + momentOf(frameOf(request.token), scan.cine) : "";
    text("grid").textContent = `${scan.grid} · ${request.plane} slice ${request.index} (0–${last})${moment}`;
    find(".truth").hidden = !frame.truth;
    const judged = scan.classes.flatMap((name, label) => (scan.judged.includes(name) ? [label] : []));
    text("truth").replaceChildren(...judged.map((label) => score(scan, label, frame.truth?.[label - 1] ?? null)));
    const isPartial = judged.length < scan.classes.length - 1;
    text("judged").textContent = isPartial ? ", " + scan.judged.join(", ") + " only" : "";
  }

  /**
   * Everyone sees the sentence follow a slider; a screen reader hears it once the slider rests.
   * @param {Shown} shown
   * @param {Scan} scan
   */
  function tellChange({ request, frame }, scan) {
    const sentence = told(request, frame, scan, facts.replacements);
    if (sentence === said) return;
    text("told").textContent = said = sentence;
    clearTimeout(announcing);
    announcing = setTimeout(() => void (text("announced").textContent = sentence), REST);
  }

  /**
   * @param {Pixel} pixel
   * @param {Shown} shown
   * @param {Scan} scan
   */
  function tellPixel(pixel, shown, scan) {
    const cell = cellAt(scan, shown.request.plane, pixel.row, pixel.column);
    text("readout").textContent = readout(pixel, shown, scan, cell);
  }

  /**
   * A picture that cuts through all slices must wait until they are decoded. The previous picture stays until then.
   * @param {Progress | null} progress
   */
  function tellProgress(progress) {
    busy.hidden = !progress;
    if (!progress) return;
    bar.hidden = back.hidden = false;
    bar.value = progress.done / progress.of;
    text("busy").textContent = "Decoding slice " + Math.min(progress.done + 1, progress.of) + " of " + progress.of;
  }

  /** Many visitors ask at once. The previous picture stays until it is this one's turn. */
  function tellWaiting() {
    busy.hidden = false;
    bar.hidden = back.hidden = true;
    text("busy").textContent = WAITING;
  }

  /** @param {number} count of lit codes */
  function tellLit(count) {
    text("lit").hidden = !count;
    text("lit").textContent = count + (count === 1 ? " code lit ×" : " codes lit ×");
  }

  /** @param {Scan} scan */
  function describe(scan) {
    text("name").textContent = text("name").title = scan.name;
    // The banner says the same, and more.
    text("outside").hidden = !scan.outside || isWarned(scan.familiarity);
  }

  /** @param {boolean} leaving whether the pictures still show the previous scan */
  function leave(leaving) {
    root.toggleAttribute("data-leaving", leaving);
    root.setAttribute("aria-busy", String(leaving));
  }

  /** @param {string} message "" for none */
  function say(message) {
    notice.hidden = !message;
    notice.textContent = message;
  }

  const tellWindow = (/** @type {string} */ words) => void (text("window").textContent = words);
  return { tellFigures, tellChange, tellPixel, tellProgress, tellWaiting, tellLit, tellWindow, describe, leave, say };
}
