/* What the parts of the tab share: the slice on show, its labels, and where they write to. */

import { frames } from "../../web/frames.js";
import { shapeStages } from "../../web/pictures.js";
import { store } from "../../web/store.js";
import { createCorrections } from "./corrections.js";
import { brushOf } from "./mask.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */

/** Those of this visit, whatever scans it opens. */
export const corrections = createCorrections();

/**
 * @param {HTMLElement} element of the component
 * @param {import("./types").Server} server
 * @param {() => void} schedule requests a painting with the screen's next frame
 * @returns {Context}
 */
export function createContext(element, server, schedule) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".label"));
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const notice = find(".notice");
  /** @type {import("./types").Tools} */
  const tools = { tool: "brush", label: 1, size: 9 };

  /** @returns {Scene | null} */
  function scene() {
    const [{ shown }, { state }] = [frames, store];
    if (!shown || state?.scan.token !== shown.request.token) return null;
    const { plane, index } = shown.request;
    const { scan } = state;
    const view = scan.planes[plane];
    if (!view.acquired) return null;
    const [rows, columns] = view.shape;
    return {
      ...{ shown, state, scan, view, index },
      // Labels mean the same under every checkpoint that has these classes.
      key: JSON.stringify([scan.identity, scan.frame ?? 0, scan.classes]),
      mirrored: shapeStages(root, view, plane, state),
      brush: brushOf(tools.size, (view.ratio * rows) / columns),
    };
  }

  /** @param {Scene} at */
  const labels = ({ key, index, shown }) => corrections.sliceAt(key, index)?.labels ?? shown.clean_labels;

  /** @param {string} message "" for none */
  function say(message) {
    notice.hidden = !message;
    notice.textContent = message;
  }

  return {
    ...{ root, server, corrections, tools, scene, labels, schedule, say, find },
    isVisible: () => element.offsetParent !== null,
    text: (name) => find("[data-text=" + name + "]"),
  };
}
