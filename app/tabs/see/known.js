/* The banner over the pictures: whether the checkpoint knows such a scan, why it does not, and which one does. */

import { make } from "../../web/dom.js";
import { suggestion } from "../../web/suggestion.js";

/** @typedef {import("../../web/types").Familiarity} Familiarity */
/** @typedef {import("../../web/types").Fitting} Fitting */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {(request: {token: string}) => Promise<{fits?: Fitting | null, error?: string} | undefined>} AskFitting */

/** @type {Partial<Record<Familiarity["verdict"], string>>} */
const VERDICTS = {
  foreign: "This checkpoint does not know such scans.",
  doubtful: "This checkpoint may not know such scans.",
};
const CARE = "Take its labels with care.";

/**
 * The reasons as one sentence.
 * @param {string[]} reasons
 */
export function because(reasons) {
  if (!reasons.length) return CARE;
  const text = reasons.join("; ");
  return text[0].toUpperCase() + text.slice(1) + ". " + CARE;
}

/**
 * Whether the visitor has to be warned.
 * @param {Pick<Familiarity, "verdict">} familiarity
 */
export const isWarned = ({ verdict }) => verdict === "foreign" || verdict === "doubtful";

/**
 * @param {HTMLElement} root
 * @param {AskFitting} ask
 * @param {() => void} openFitting opens the scan with the checkpoint of web/suggestion.js
 */
export function createKnown(root, ask, openFitting) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const banner = find(".known");
  const text = (/** @type {string} */ name) => find(`.known [data-text=${name}]`);
  const button = /** @type {HTMLButtonElement} */ (find("[data-do=fitting]"));
  const details = /** @type {HTMLDetailsElement} */ (find(".known details"));
  const unchecked = find("[data-text=unchecked]");
  let token = "";

  button.addEventListener("click", openFitting);

  /** @param {Scan} scan */
  function describe(scan) {
    if (scan.token === token) return;
    token = scan.token;
    const { familiarity } = scan;
    unchecked.hidden = familiarity.verdict !== "unknown";
    banner.hidden = true;
    button.hidden = true;
    if (!isWarned(familiarity)) return;
    details.open = false;
    banner.dataset.verdict = familiarity.verdict;
    text("verdict").textContent = VERDICTS[familiarity.verdict] ?? "";
    text("reasons").textContent = because(familiarity.reasons);
    tellDetails(familiarity);
    // Last, so that a screen reader hears the whole of it.
    banner.hidden = false;
    void offer(scan);
  }

  /** @param {Familiarity} familiarity */
  function tellDetails({ slices, places, figures }) {
    text("places").textContent = places;
    const strip = find(".far-strip");
    strip.hidden = slices.length < 2;
    strip.setAttribute("aria-label", "How far each slice lies from the training scans. " + places);
    strip.replaceChildren(...slices.map(bar));
    find(".known tbody").replaceChildren(...figures.map(row));
  }

  /** Another checkpoint has to encode a part of the scan first, so its button comes later. @param {Scan} scan */
  async function offer(scan) {
    const answer = await ask({ token: scan.token });
    if (scan.token !== token || !answer?.fits) return;
    suggestion.name = answer.fits.name;
    button.textContent = "Open with " + answer.fits.title;
    button.hidden = false;
  }

  return { describe };
}

/**
 * @param {number} far
 * @param {number} index
 */
function bar(far, index) {
  const made = make("i", { className: far > 1 ? "far" : "", title: `Slice ${index}: ${far.toFixed(2)} of the limit` });
  made.style.setProperty("--far", String(Math.min(far, 2)));
  return made;
}

/** @param {[string, string, string]} figure */
const row = ([name, found, training]) =>
  make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, found), make("td", {}, training));
