/* What happened to the slice, in one sentence. No DOM. */

import { number, percent } from "../../web/numbers.js";
import { kindOf } from "../../web/reach_scale.js";
import { fullName } from "../../web/structures.js";

/** @typedef {import("../../web/types").Facts} Facts */
/** @typedef {import("../../web/types").Frame} Frame */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").SliceRequest} SliceRequest */

/** @typedef {Pick<SliceRequest, "strength" | "mode" | "edits" | "reach">} Asked */

const INVITATION = "Nothing is replaced yet. Move epsilon to replace tokens, and reach to say how far.";
const MOST_NAMED = 4; // structures

/**
 * @param {Asked} asked
 * @param {Pick<Frame, "replaced_share" | "changed_share">} frame
 * @param {Pick<Scan, "classes" | "reach">} scan
 * @param {Facts["replacements"]} replacements
 */
export function told(asked, { replaced_share: replaced, changed_share: changed }, scan, replacements) {
  if (!asked.strength && !asked.edits.length) return INVITATION;
  const by = asked.strength ? ", each by " + replacement(asked, scan, replacements) : " by hand";
  return (
    percent(replaced) +
    " of the tokens replaced" +
    by +
    ": " +
    outcome(changed, scan.classes.slice(1).map(fullName)) +
    "."
  );
}

/**
 * What a replaced token becomes.
 * @param {Asked} asked
 * @param {Pick<Scan, "reach">} scan
 * @param {Facts["replacements"]} replacements
 */
function replacement({ mode, reach }, { reach: { own, last, modes } }, replacements) {
  if (!modes.includes(mode)) return replacements[mode];
  const many = Math.round(reach ?? own);
  if (many <= 1) return "its nearest codeword";
  if (many >= last) return "any codeword";
  return `one of about ${number(many)} ${kindOf(many, last)}`;
}

/**
 * What became of the structures.
 * @param {number | null} changed
 * @param {string[]} structures
 */
function outcome(changed, structures) {
  if (changed === null) return `there is no ${joined(structures, "or")} in this picture`;
  const of =
    structures.length === 1 ? `the ${structures[0]}'s pixels` : `the pixels of the ${joined(structures, "and")}`;
  return changed ? `${percent(changed)} of ${of} changed` : `none of ${of} changed`;
}

/**
 * @param {string[]} names
 * @param {string} word before the last name
 */
function joined(names, word) {
  if (names.length > MOST_NAMED) return word === "or" ? "structure" : "structures";
  return names.length > 1 ? names.slice(0, -1).join(", ") + ` ${word} ` + names.at(-1) : names[0];
}
