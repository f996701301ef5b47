/* The corrected labels of the whole scan as a file. */

import { make } from "../../web/dom.js";
import { save } from "../../web/files.js";
import { bytesOf, pack } from "../../web/packed.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */

/**
 * @param {import("./corrections.js").Corrections} corrections
 * @param {string} key of the scan
 * @returns {Promise<import("./types").SentSlice[]>} its corrected slices, as they are sent
 */
export const packedSlices = (corrections, key) =>
  Promise.all(corrections.corrected(key).map(async ({ index, labels }) => ({ index, labels: await pack(labels) })));

/** @param {Context} context */
export function createSaving(context) {
  const { corrections, find, text, say, server } = context;
  const formats = find(".formats");
  let listed = "";

  /** @param {string} ending */
  async function saveAs(ending) {
    const scene = context.scene();
    if (!scene) return;
    say("");
    const slices = await packedSlices(corrections, scene.key);
    const answer = await server.corrected({ token: scene.scan.token, ending, slices });
    if (!answer?.bytes || !answer.name) return say(answer?.error ?? "The server did not answer. Try again.");
    save(bytesOf(answer.bytes), "application/octet-stream", answer.name);
    const count = slices.length === 1 ? "1 corrected slice" : slices.length + " corrected slices";
    text("saved").textContent = `Saved ${answer.name} with ${count}.`;
  }

  formats.addEventListener("click", ({ target }) => {
    const { ending } = target instanceof HTMLElement ? target.dataset : {};
    if (ending) void saveAs(ending);
  });
  addEventListener("beforeunload", (event) => {
    if (corrections.any()) event.preventDefault();
  });

  /** @param {Scene} scene */
  function draw({ scan }) {
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
