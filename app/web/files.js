/* Files that the browser saves. */

import { facts } from "./facts.js";
import { written } from "./translated.js";

/** @typedef {import("./types").FileAnswer} FileAnswer */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").Progress} Progress */

// As in app/scan/open_scan.py.
const LONGEST_STEM = 150;

/**
 * A scan's name without the ending of its file, in characters that a file name may have.
 * @param {string} name
 * @param {string[]} endings
 */
export function stemOf(name, endings) {
  const ending =
    endings.toSorted((a, b) => b.length - a.length).find((each) => name.toLowerCase().endsWith(each)) ?? "";
  const plain = name.slice(0, name.length - ending.length).replace(/[^\w.-]+/g, "_");
  return plain.slice(0, LONGEST_STEM) || "scan";
}

/**
 * The name of a file: the scan, the frame of a cine, then plane and slice if `slice` is true, then the ending.
 * @param {Pick<PageState, "plane" | "index"> & {scan: {name: string, frame?: number}}} state
 * @param {string} ending
 * @param {boolean} [slice]
 */
export function nameOf({ scan, plane, index }, ending, slice = false) {
  const frame = scan.frame ? "_frame" + scan.frame : "";
  return stemOf(scan.name, facts.endings ?? []) + frame + (slice ? "_" + plane + index : "") + ending;
}

/**
 * @param {BlobPart} content
 * @param {string} type
 * @param {string} name
 */
export function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @type {WeakMap<HTMLElement, {off: boolean}>} */
const asked = new WeakMap();

/**
 * Runs a long task on the server and shows its progress. Until it ends, the button that started it cancels it.
 * @template {FileAnswer} Answer
 * @param {HTMLElement} button
 * @param {() => Promise<Answer | undefined>} ask
 * @param {(progress: Progress) => void} tell
 * @returns {Promise<Answer | undefined | null>} the answer, null if it was cancelled
 */
export async function prepare(button, ask, tell) {
  const label = written(button);
  const name = button.getAttribute("aria-label");
  const work = { off: false };
  asked.set(button, work);
  let answer = await ask();
  while (answer?.of && !answer.bytes && !answer.error && !work.off) {
    tell({ done: answer.done ?? 0, of: answer.of });
    button.textContent = "Cancel";
    button.setAttribute("aria-label", "Cancel " + (name ?? label));
    answer = await ask();
  }
  asked.delete(button);
  button.textContent = label;
  if (name === null) button.removeAttribute("aria-label");
  else button.setAttribute("aria-label", name);
  return work.off ? null : answer;
}

/**
 * Cancels the button's task. false if it has none.
 * @param {HTMLElement} button
 */
export function callOff(button) {
  const work = asked.get(button);
  if (work) work.off = true;
  return work !== undefined;
}
