/* What is said of a fine-tuning. No DOM. */

import { ratio } from "../../web/numbers.js";
import { titleOf } from "../../web/structures.js";

/** @typedef {import("./types").Tuning} Tuning */

const ASKED =
  "The network learns from the corrected slices. Its codes stay as they are; what they mean is learnt anew.";

/** @param {Tuning} tuning */
export function tuningText({ off, stage, step, of, message }) {
  if (off) return off;
  if (stage === "training" && !step) return "Reading the scan and the network ...";
  if (stage === "training" && step === of) return "The fine-tuned network reads the scan ...";
  if (stage === "training") return `Step ${step} of ${of}. You can go on working.`;
  if (stage === "failed") return message ?? "";
  if (stage === "cancelled") return "Cancelled. The network is as it was.";
  if (stage === "done") return "Done. Look at what it makes of a slice, then open it or leave it.";
  return ASKED;
}

/**
 * Dice before and after as rows of cells, the head first.
 * @param {string[]} classes
 * @param {(number | null)[]} before
 * @param {(number | null)[]} after
 */
export function tuningTable(classes, before, after) {
  const told = (/** @type {number | null} */ dice) => (dice === null ? "–" : ratio(dice));
  const rows = before.map((dice, at) => [titleOf(classes[at + 1]), told(dice), told(after[at])]);
  return [["Structure", "Before", "After"], ...rows.filter((cells) => cells[1] !== "–" || cells[2] !== "–")];
}
