/* The buttons that save the slice on show as a PNG: its labels in their colours, alone or over the input. */

import { nameOf, save } from "../../web/files.js";
import { bytesOf } from "../../web/packed.js";
import { store } from "../../web/store.js";

/** @typedef {import("../../web/types").FileAnswer} FileAnswer */
/** @typedef {(question: Record<string, unknown>) => Promise<FileAnswer | undefined>} AskPicture */

/** @type {Record<string, string>} */
const ENDINGS = { "map-png": "_map.png", "overlay-png": "_overlay.png" };

/**
 * @param {HTMLElement} root
 * @param {AskPicture} ask
 */
export function savePictures(root, ask) {
  const said = /** @type {HTMLElement} */ (root.querySelector("[data-text=results]"));
  root.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-picture]") : null;
    const { state } = store;
    const kind = button instanceof HTMLElement ? (button.dataset.picture ?? "") : "";
    if (!kind || !state) return;
    const { scan, plane, index, strength, mode, seed, edits, reach, opacity, outline, shown, visible } = state;
    const settings = { token: scan.token, plane, index, strength, mode, seed, edits, reach };
    const answer = await ask({ kind, ...settings, opacity, outline, shown, visible });
    if (answer?.bytes) return save(bytesOf(answer.bytes), "image/png", nameOf(state, ENDINGS[kind], true));
    said.textContent = answer?.error ?? "The server did not answer. Try again.";
  });
}
