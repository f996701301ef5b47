/* What the card says about a token. No DOM. */

import { ratio } from "../../web/numbers.js";

/**
 * @typedef {object} Move
 * @property {number} code before the perturbation
 * @property {number} to the code after it
 * @property {boolean} isForced
 * @property {number} probability of this replacement at the strength on show
 * @property {number} distance of the two codewords
 */

/** @param {Move} move */
export function moveText({ code, to, isForced, probability, distance }) {
  if (code === to) return "code " + code + (isForced ? ", forced to itself" : ", not replaced");
  const pi = ratio(probability, 4);
  const likely = " · π " + (pi.startsWith("<") ? pi : "= " + pi);
  return "code " + code + " → " + to + (isForced ? ", forced" : "") + likely + " · distance " + distance.toFixed(3);
}

/** @param {number} count of edits; a token that is forced again counts again */
export function editsText(count) {
  if (count === 0) return "No cell is forced";
  return count + (count === 1 ? " edit in this slice" : " edits in this slice");
}
