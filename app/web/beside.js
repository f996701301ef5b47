/* The second scan, beside the one on show: what was chosen last, and what has come of it. The tab Compare chooses;
   Gradio's event opens it, and page/events.js hands it over. */

/** @typedef {import("./types").Scan} Scan */
/**
 * "files" are the paths of a scan that was sent. Without any of them the server chooses what is usual.
 * @typedef {{checkpoint?: string, example?: string, files?: string[]}} Choice
 */

/** @type {Set<(scan: Scan | null) => void>} */
const listeners = new Set();

export const beside = {
  /** @type {Choice} */
  choice: {},
  title: "", // of the choice, as visitors read it
  /** @param {Scan | null} scan null if it was not opened */
  arrive(scan) {
    for (const listener of listeners) listener(scan);
  },
  /** @param {(scan: Scan | null) => void} listener */
  subscribe: (listener) => void listeners.add(listener),
};
