/* The label volume at the present settings. It is prepared in advance, so that a click saves it at once. */
import { nameOf, save } from "../../web/files.js";
import { bytesOf } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { labelsEnding, labelsKey, questionOf, slicesOf } from "./questions.js";

/**
 * @typedef {import("../../web/types").PageState} PageState
 * @typedef {import("./types").Tab} Tab
 * @typedef {{key: string, isAsked: boolean}} Work
 */

const PREPARED_UNASKED = 40; // slices; a longer scan is decoded only after a click
const READY = "The labels of all slices at these settings are ready. They have the scan's own grid.";

/** @param {Tab} tab */
export function createLabels(tab) {
  /** @type {{key: string, bytes: BlobPart} | null} */
  let file = null;
  /** @type {Work | null} */
  let preparing = null; // isAsked: whether a click is waiting for it
  const button = /** @type {HTMLButtonElement} */ (tab.find("[data-do=labels]"));
  const bar = /** @type {HTMLProgressElement} */ (tab.find("progress"));

  /** @param {boolean} isAsked whether the visitor has asked for the file */
  function prepare(isAsked) {
    const { state } = store;
    if (!state) return;
    const key = labelsKey(state);
    const slices = slicesOf(state.scan);
    if (file?.key === key) return isAsked ? saveFile(file.bytes, state) : tell(READY);
    if (preparing?.key === key) {
      preparing.isAsked ||= isAsked;
      return;
    }
    if (isAsked || slices <= PREPARED_UNASKED) return decode((preparing = { key, isAsked }), state, slices);
    tell(slices + " slices. They are decoded at these settings when you press the button.");
  }

  /**
   * @param {Work} work
   * @param {PageState} state
   * @param {number} slices
   */
  async function decode(work, state, slices) {
    for (let done = 0, of = slices; work === preparing;) {
      tell("Decoding slice " + Math.min(done + 1, of) + " of " + of, done / of);
      const answer = await tab.server.labels(questionOf(state, "labels", location.origin));
      if (work !== preparing) return;
      if (!answer || answer.error) {
        stop();
        return tab.say(answer?.error ?? "The server did not answer. Try again.");
      }
      if (answer.bytes) return finish(work, bytesOf(answer.bytes), state);
      [done, of] = [answer.done ?? done, answer.of ?? of];
    }
  }

  /**
   * @param {Work} work
   * @param {BlobPart} bytes
   * @param {PageState} state
   */
  function finish({ key, isAsked }, bytes, state) {
    file = { key, bytes };
    preparing = null;
    tell(READY);
    if (isAsked) saveFile(bytes, state);
  }

  /** The settings have changed: drop the file and the work for the previous ones. */
  function leave() {
    const key = store.state && labelsKey(store.state);
    if (preparing && preparing.key !== key) stop();
    if (!file || file.key === key) return;
    file = null;
    tell("");
  }

  function stop() {
    preparing = null;
    tell("");
  }

  /**
   * @param {string} message
   * @param {number} [share] of the slices that are decoded; left out while nothing is being decoded
   */
  function tell(message, share) {
    tab.text("labels").textContent = message;
    tab.find(".work").hidden = share === undefined;
    button.disabled = share !== undefined && Boolean(preparing?.isAsked);
    if (share !== undefined) bar.value = share;
  }

  return { prepare, leave, stop };
}

/**
 * @param {BlobPart} bytes
 * @param {PageState} state
 */
function saveFile(bytes, state) {
  save(bytes, "application/gzip", nameOf(state, labelsEnding(state)));
}
