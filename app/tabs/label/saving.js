/* The corrected labels of the whole scan as a file. */

import { make } from "../../web/dom.js";
import { save } from "../../web/files.js";
import { askBeforeLeaving } from "../../web/leaving.js";
import { bytesOf, pack } from "../../web/packed.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */

const ASKED = "The labels of the whole scan, with your corrections among them.";
const UNSAVED = "Not saved yet. Corrections last as long as this page.";

/**
 * @param {import("./corrections.js").Corrected[]} slices
 * @returns {Promise<import("./types").SentSlice[]>} as they are sent
 */
export const packedSlices = (slices) =>
  Promise.all(slices.map(async ({ index, labels }) => ({ index, labels: await pack(labels) })));

/** @param {Context} context */
export function createSaving(context) {
  const { corrections, find, text, say, server, schedule } = context;
  const formats = find(".formats");
  let listed = "";
  /** @type {Map<string, string>} */
  const told = new Map(); // of the last file, by scan

  /** @param {string} ending */
  async function saveAs(ending) {
    const scene = context.scene();
    if (!scene) return;
    say("");
    const slices = corrections.corrected(scene.key);
    const answer = await server.corrected({ token: scene.scan.token, ending, slices: await packedSlices(slices) });
    if (!answer?.bytes || !answer.name) return say(answer?.error ?? "The server did not answer. Try again.");
    save(bytesOf(answer.bytes), "application/octet-stream", answer.name);
    corrections.saved(scene.key, slices);
    const count = slices.length === 1 ? "1 corrected slice" : slices.length + " corrected slices";
    told.set(scene.key, `Saved ${answer.name} with ${count}.`);
    schedule();
  }

  formats.addEventListener("click", ({ target }) => {
    const { ending } = target instanceof HTMLElement ? target.dataset : {};
    if (ending) void saveAs(ending);
  });
  askBeforeLeaving(corrections.anyUnsaved);

  /** @param {Scene} scene */
  function draw({ scan, key }) {
    text("saved").textContent = corrections.isSaved(key) ? (told.get(key) ?? ASKED) : UNSAVED;
    const now = JSON.stringify(scan.saves);
    if (now === listed) return;
    listed = now;
    const buttons = scan.saves.map(([name, ending]) => {
      const button = make("button", { type: "button", "aria-label": "Save as " + name }, name);
      button.dataset.ending = ending;
      return button;
    });
    formats.replaceChildren(...buttons);
  }

  return { draw };
}
