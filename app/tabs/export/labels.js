/* The label volume at the present settings, in the formats that fit the scan. The proposed one is prepared in advance, so that a
   click saves it at once. */
import { make } from "../../web/dom.js";
import { nameOf, save } from "../../web/files.js";
import { bytesOf } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { labelsEnding, labelsKey, questionOf, slicesOf } from "./questions.js";

/**
 * @typedef {import("../../web/types").PageState} PageState
 * @typedef {import("./types").Tab} Tab
 * @typedef {{key: string, ending: string, isAsked: boolean}} Work
 */

const PREPARED_UNASKED = 40; // slices; a longer scan is decoded only after a click
const READY = "The labels of all slices at these settings are ready. They have the scan's own grid.";

/** @type {Record<string, string>} */
const TYPES = { ".nii.gz": "application/gzip", ".png": "image/png", ".dcm": "application/dicom" };

/** @param {Tab} tab */
export function createLabels(tab) {
  /** @type {{key: string, ending: string, bytes: BlobPart} | null} */
  let file = null;
  /** @type {Work | null} */
  let preparing = null; // isAsked: whether a click is waiting for it
  const buttons = tab.find(".labels");
  let offered = "";
  const bar = /** @type {HTMLProgressElement} */ (tab.find("progress"));

  /** @param {PageState} state */
  function offer({ scan }) {
    if (offered === JSON.stringify(scan.saves)) return;
    offered = JSON.stringify(scan.saves);
    for (const button of buttons.querySelectorAll("button")) button.remove();
    scan.saves.forEach(([name, ending], place) => {
      const button = make("button", { type: "button", "aria-label": "Labels as " + name }, name);
      button.dataset.ending = ending;
      button.classList.toggle("primary", place === 0);
      buttons.append(button);
    });
  }

  /** @param {string} [asked] the ending of the file that the visitor has asked for; left out if none was */
  function prepare(asked) {
    const { state } = store;
    if (!state) return;
    offer(state);
    const isAsked = asked !== undefined;
    const ending = asked ?? state.scan.saves[0][1];
    const key = labelsKey(state) + ending;
    const slices = slicesOf(state.scan);
    if (file?.key === key) return isAsked ? saveFile(file, state) : tell(READY);
    if (preparing?.key === key) {
      preparing.isAsked ||= isAsked;
      return;
    }
    if (isAsked || slices <= PREPARED_UNASKED) return decode((preparing = { key, ending, isAsked }), state, slices);
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
      const answer = await tab.server.labels({ ...questionOf(state, "labels", location.origin), ending: work.ending });
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
  function finish({ key, ending, isAsked }, bytes, state) {
    file = { key, ending, bytes };
    preparing = null;
    tell(READY);
    if (isAsked) saveFile(file, state);
  }

  /** The settings have changed: drop the file and the work for the previous ones. */
  function leave() {
    const key = store.state ? labelsKey(store.state) : "";
    if (preparing && preparing.key !== key + preparing.ending) stop();
    if (!file || file.key === key + file.ending) return;
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
    const isBusy = share !== undefined && Boolean(preparing?.isAsked);
    for (const button of buttons.querySelectorAll("button")) button.disabled = isBusy;
    if (share !== undefined) bar.value = share;
  }

  return { prepare, leave, stop };
}

/**
 * @param {{ending: string, bytes: BlobPart}} file
 * @param {PageState} state
 */
function saveFile({ ending, bytes }, state) {
  save(bytes, TYPES[ending] ?? "application/octet-stream", nameOf(state, labelsEnding(state, ending)));
}
