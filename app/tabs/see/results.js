/* The results of the whole scan as a table: what was found, how large, and how well it fits. Opened by a button under the pictures. */

import { make } from "../../web/dom.js";
import { attachPopover } from "../../web/popovers.js";
import { store } from "../../web/store.js";
import { titleOf } from "../../web/structures.js";
import { written } from "../../web/translated.js";
import { tableOf } from "./result_table.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("./result_table.js").Results} Results */
/** @typedef {{token: string, plane: string, index: number, strength: number, mode: string, seed: number,
    edits: import("../../web/types").Edit[], reach: number | null}} Question */
/** @typedef {(question: Question) => Promise<(Results & {done?: number, of?: number, error?: string}) | undefined>} AskResults */

const REST = 200; // milliseconds without a change before the server is asked
const COPIED = "Copied";
const SAID = 1500; // milliseconds

/** @param {PageState} state @returns {Question} */
const questionOf = ({ scan: { token }, plane, index, strength, mode, seed, edits, reach }) => ({
  ...{ token, plane, index, strength, mode, seed, edits, reach },
});

/**
 * @param {HTMLElement} root
 * @param {AskResults} ask
 */
export function createResults(root, ask) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const [panel, table, said, about] = [
    ".results",
    ".results table",
    "[data-text=results]",
    "[data-text=results-of]",
  ].map(find);
  const button = /** @type {HTMLButtonElement} */ (find("[data-do=results]"));
  const copy = /** @type {HTMLButtonElement} */ (find("[data-do=copy-results]"));
  /** @type {string[][] | null} */
  let rows = null;
  let asked = ""; // what the table is of, or will be
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  const isOpen = () => panel.matches(":popover-open");

  function refreshSoon() {
    clearTimeout(resting);
    if (isOpen()) resting = setTimeout(refresh, REST);
  }

  async function refresh() {
    const { state } = store;
    if (!state || !isOpen()) return;
    const question = questionOf(state);
    const key = JSON.stringify([question, state.scan.truth]);
    if (key === asked) return;
    asked = key;
    said.textContent = rows ? "" : "Counting ...";
    let answer = await ask(question);
    while (asked === key && isOpen() && answer?.of && !answer.voxels) {
      said.textContent = `Decoding slice ${Math.min((answer.done ?? 0) + 1, answer.of)} of ${answer.of}`;
      answer = await ask(question);
    }
    if (asked !== key) return;
    if (!answer?.voxels) {
      asked = "";
      if (isOpen()) said.textContent = answer?.error ?? "The server did not answer. Open this again.";
      return;
    }
    show(state, answer);
  }

  /**
   * @param {PageState} state
   * @param {Results} results
   */
  function show(state, results) {
    rows = tableOf(state, results);
    const [head, ...body] = rows;
    const { colours, classes } = state.scan;
    table.replaceChildren(
      make("caption", { className: "unseen" }, "Structures of the whole scan"),
      make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...body.map((cells, at) => line(cells, classes[at + 1], colours[at + 1]))),
    );
    const unknown =
      results.voxel_ml === null ? " The file does not say how far its voxels lie apart: no millilitres." : "";
    about.textContent = state.scan.name + ", the whole scan." + unknown;
    said.textContent = "";
    copy.disabled = false;
  }

  async function copyTable() {
    if (!rows) return;
    try {
      await navigator.clipboard.writeText(rows.map((cells) => cells.join("\t")).join("\n") + "\n");
    } catch {
      said.textContent = "This browser does not allow the page to copy. Select the table and copy it yourself.";
      return;
    }
    const label = written(copy);
    if (label === COPIED) return;
    copy.textContent = COPIED;
    setTimeout(() => (copy.textContent = label), SAID);
  }

  attachPopover(button, panel, { isBeside: true, opened: refresh });
  copy.addEventListener("click", copyTable);
  return { follow: refreshSoon };
}

/**
 * @param {string[]} cells
 * @param {string} name of the class
 * @param {readonly number[]} colour
 */
function line([title, ...cells], name, colour) {
  const swatch = make("i");
  swatch.style.setProperty("--colour", "rgb(" + colour.join(" ") + ")");
  const short = titleOf(name) === name ? null : make("small", {}, name);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, swatch, title, short),
    ...cells.map((cell) => make("td", {}, cell)),
  );
}
