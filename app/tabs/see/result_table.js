/* The results of a scan as rows of text. No DOM. */

import { ratio } from "../../web/numbers.js";
import { titleOf } from "../../web/structures.js";
import { sizeOf } from "./sizes.js";

/** @typedef {import("../../web/types").PageState} PageState */

/**
 * Of the whole scan: `results` of app/tabs/see/answers.py.
 * @typedef {object} Results
 * @property {number[]} voxels by label
 * @property {number[]} clean the same at epsilon 0
 * @property {number | null} voxel_ml
 * @property {(number | null)[]} dice_vs_clean by structure
 * @property {(number | null)[] | null} truth Dice against the ground truth by structure
 */

const NONE = "–";

/** @param {number | null} dice */
const score = (dice) => (dice === null ? NONE : ratio(dice));

/**
 * Heading and rows. What a perturbation changes has columns only if there is one.
 * @param {{strength: number, edits: readonly unknown[], scan: {classes: string[]}}} state
 * @param {Results} results
 * @returns {string[][]}
 */
export function tableOf({ strength, edits, scan }, { voxels, clean, voxel_ml: voxelMl, dice_vs_clean: dice, truth }) {
  const isPerturbed = strength > 0 || edits.length > 0;
  const size = voxelMl === null ? "Voxels" : "Volume";
  const now = edits.length && !strength ? "forced tokens" : "ε = " + strength.toFixed(2);
  const head = isPerturbed ? ["Structure", size + ", ε = 0", size + ", " + now, "Dice vs ε = 0"] : ["Structure", size];
  const rows = scan.classes.slice(1).map((name, at) => {
    const before = sizeOf(clean[at + 1], voxelMl);
    const changed = isPerturbed ? [sizeOf(voxels[at + 1], voxelMl), score(dice[at])] : [];
    return [titleOf(name), before, ...changed, ...(truth ? [score(truth[at])] : [])];
  });
  return [[...head, ...(truth ? ["Dice vs truth"] : [])], ...rows];
}
