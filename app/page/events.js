/* The browser's part of Gradio's events in app/page/wiring.py. Each function returns the event's inputs as a list, and
   adds the ticket of the opening that starts now. */

import { beside } from "../web/beside.js";
import { facts } from "../web/facts.js";
import { led } from "../web/led.js";
import { links } from "../web/links.js";
import { begin, settle } from "../web/openings.js";
import { store } from "../web/store.js";
import { suggestion } from "../web/suggestion.js";

/** @typedef {import("../web/types").Scan} Scan */

export const linkAsked = () => [links.asked(), begin("The scan of the link", "")];

export const viewLed = () => [led.view, begin(led.view.case, JSON.stringify(led.view))];

/**
 * @param {string} title
 * @param {string} checkpoint
 */
export const exampleChosen = (title, checkpoint) => [title, checkpoint, begin(title, title)];

/**
 * @param {string} name
 * @param {Scan | null} scan
 */
export const checkpointChosen = (name, scan) => [name, scan, begin(scan?.name, name)];

/**
 * See's button "Open with ...".
 * @param {string} _name of the present checkpoint
 * @param {Scan | null} scan
 */
export const suggestionTaken = (_name, scan) => checkpointChosen(suggestion.name, scan);

/**
 * @param {{orig_name?: string}[] | null} files
 * @param {string} checkpoint
 */
export const fileSent = (files, checkpoint) => [
  files,
  checkpoint,
  begin(files?.length === 1 ? files[0].orig_name : (files?.length ?? 0) + " files", files),
];

/**
 * @param {number} number
 * @param {string} checkpoint
 */
export const seriesChosen = (number, checkpoint) => [number, checkpoint, begin("Series " + number, number)];

/**
 * @param {{orig_name?: string} | null} file the other phase
 * @param {Scan | null} scan
 */
export const phaseSent = (file, scan) => [file, scan, begin(file?.orig_name, file)];

/**
 * Labels of one frame belong to the frame on show.
 * @param {unknown} file
 * @param {Scan | null} scan
 */
export const truthSent = (file, scan) => [file, scan && { ...scan, frame: store.state?.scan.frame ?? 0 }];

/**
 * The tab Compare has chosen a second scan.
 * @param {unknown} _choice
 * @param {Scan | null} scan on show
 */
export const besideChosen = (_choice, scan) => [beside.choice, scan, begin(beside.title, beside.choice)];

/** @param {Scan | null} scan the second one */
export function besideOpened(scan) {
  settle();
  beside.arrive(scan);
}

export function besideFailed() {
  settle();
  beside.arrive(null);
}

export const openingDone = () => settle();

/** @param {Scan | null} scan the previous one, which stays */
export function openingFailed(scan) {
  settle();
  return [scan];
}

export const anySeed = () => [Math.floor(Math.random() * (facts.largest_seed + 1))];

/**
 * Python gives the controls the values that they had.
 * @param {Scan | null} scan
 */
export const undoAsked = (scan) => [scan, store.undo()];

/** @param {Scan | null} scan whose controls Python sets back */
export function resetAsked(scan) {
  store.reset();
  return [scan];
}
