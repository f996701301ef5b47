/* The Export tab: files and code for what the page shows. The server makes them on request, the browser saves them. */
import { callOff, nameOf, prepare, save } from "../../web/files.js";
import { bytesOf } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { written } from "../../web/translated.js";
import { createLabels } from "./labels.js";
import { createLines } from "./lines.js";
import { questionOf } from "./questions.js";

/**
 * @typedef {import("../../web/types").Props<unknown>} Props
 * @typedef {import("./types").Server} Server
 * @typedef {import("./types").Tab} Tab
 */

const REST = 150; // milliseconds: nothing is requested while a slider moves

/** @type {Record<string, {type: string, ending: string}>} */
const FILES = {
  tokens: { type: "text/csv", ending: "_tokens.csv" },
  png: { type: "image/png", ending: ".png" },
  svg: { type: "image/svg+xml", ending: ".svg" },
  "map-png": { type: "image/png", ending: "_map.png" },
  "overlay-png": { type: "image/png", ending: "_overlay.png" },
  "curves-png": { type: "image/png", ending: "_curves.png" },
  "curves-svg": { type: "image/svg+xml", ending: "_curves.svg" },
};

/**
 * @param {HTMLElement} element
 * @param {Props} props
 * @param {Server} server
 */
export function mount(element, props, server) {
  const tab = createTab(element, server);
  const labels = createLabels(tab);
  const lines = createLines(tab, () => labels.prepare());
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  function follow() {
    clearTimeout(waiting);
    labels.leave();
    if (element.offsetParent !== null && store.state) waiting = setTimeout(lines.refresh, REST);
  }

  tab.root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    if (!button || !store.state) return;
    const { do: action, lines: language, kind, ending } = button.dataset;
    if (language) lines.show(language);
    else if (action === "copy") lines.copy(button);
    else if (ending) labels.prepare(ending);
    else if (action === "cancel") labels.stop();
    else if (kind === "link") lines.copyLink(button);
    else if (kind === "configuration") lines.saveConfiguration();
    else if (kind === "everything") saveEverything(tab, button);
    else if (kind) saveFile(tab, kind, button);
  });
  new IntersectionObserver(follow).observe(element);
  store.subscribe(follow);
}

/**
 * @param {HTMLElement} element
 * @param {Server} server
 * @returns {Tab}
 */
function createTab(element, server) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".export"));
  /** @param {string} selector */
  const find = (selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const notice = find(".notice");
  /** @param {string} message */
  function say(message) {
    notice.hidden = !message;
    notice.textContent = message;
  }
  return { root, server, say, find, text: (name) => find("[data-text=" + name + "]") };
}

/**
 * Saves a table or a figure of the present view.
 * @param {Tab} tab
 * @param {string} kind
 * @param {HTMLElement} button that was pressed
 */
async function saveFile(tab, kind, button) {
  const { state } = store;
  if (callOff(button) || !state) return;
  tab.say("");
  const { type, ending } = FILES[kind];
  const [name, question] = [nameOf(state, ending, true), questionOf(state, kind, location.origin)];
  const hint = tab.text("figure");
  const said = written(hint);
  const answer = await prepare(
    button,
    () => tab.server.export(question),
    ({ done, of }) => (hint.textContent = "Decoding the slice for the curves: " + done + " of " + of),
  );
  hint.textContent = said;
  if (answer === null) return;
  if (!answer?.bytes) return tab.say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer.bytes), type, name);
}

/**
 * Saves all that the present view has, as one zip.
 * @param {Tab} tab
 * @param {HTMLElement} button that was pressed
 */
async function saveEverything(tab, button) {
  const { state } = store;
  if (callOff(button) || !state) return;
  tab.say("");
  const [name, hint] = [nameOf(state, "_everything.zip", true), tab.text("everything")];
  const question = { ...questionOf(state, "everything", location.origin), link: location.href };
  const answer = await prepare(
    button,
    () => tab.server.everything(question),
    ({ done, of }) => (hint.textContent = `Decoding slices and curves: ${done} of ${of}`),
  );
  hint.textContent = "";
  if (answer === null) return;
  if (!answer?.bytes) return tab.say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer.bytes), "application/zip", name);
}
