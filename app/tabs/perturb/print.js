/* The curves for print. The server draws them and decodes all their points again. */
import { callOff, nameOf, prepare, save } from "../../web/files.js";
import { bytesOf } from "../../web/packed.js";

/** @typedef {import("./types").Tab} Tab */

/** @type {Record<string, {type: string, ending: string}>} */
const FILES = {
  "curves-png": { type: "image/png", ending: "_curves.png" },
  "curves-svg": { type: "image/svg+xml", ending: "_curves.svg" },
};

/**
 * Save the figure that the button names.
 * @param {Tab} tab
 * @param {HTMLElement} button
 */
export async function saveCurves(tab, button) {
  const scene = tab.scene();
  const kind = button.dataset.figure ?? "";
  if (callOff(button) || !scene) return;
  const { type, ending } = FILES[kind];
  const name = nameOf(scene.state, ending, true);
  const question = { ...scene.shown.request, kind };
  const answer = await prepare(
    button,
    () => tab.server.export(question),
    ({ done, of }) => tab.tell("Drawing the figure of the curves: " + done + " of " + of),
  );
  tab.tell("");
  tab.schedule();
  if (answer === null) return;
  if (!answer?.bytes) return tab.say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer.bytes), type, name);
}
