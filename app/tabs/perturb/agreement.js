/* Compares two label pictures, and says in words how two settings differ. No DOM. */
import { reachAsSetting } from "../../web/reach_scale.js";

/** @typedef {Pick<import("../../web/types").SliceRequest, "strength" | "mode" | "seed" | "edits" | "reach">} Settings */

/**
 * How well two label pictures agree: the mean Dice over the structures in either of them (1 if there are none), and the
 * share of the pixels with the same label. vqseg.inference.label_agreement gives the same Dice.
 * @param {Uint8Array} one labels of a picture
 * @param {Uint8Array} other labels of as many pixels
 * @param {number} classes how many labels there are, the background included
 */
export function agreementOf(one, other, classes) {
  const sizes = new Float64Array(classes);
  const common = new Float64Array(classes);
  let same = 0;
  for (let i = 0; i < one.length; i++) {
    sizes[one[i]]++;
    sizes[other[i]]++;
    if (one[i] !== other[i]) continue;
    same++;
    common[one[i]]++;
  }
  const scores = [];
  for (let label = 1; label < classes; label++) if (sizes[label] > 0) scores.push((2 * common[label]) / sizes[label]);
  const dice = scores.length ? scores.reduce((sum, score) => sum + score) / scores.length : 1;
  return { dice, same: same / one.length };
}

/**
 * The differences of two settings in words: [of a, of b] for each.
 * @param {Settings} a
 * @param {Settings} b
 * @returns {[string, string][]}
 */
export function differences(a, b) {
  /** @type {[string, string][]} */
  const pairs = WORDS.map((word) => [word(a), word(b)]);
  const differing = pairs.filter(([one, other]) => one !== other);
  return String(a.edits) === String(b.edits) ? differing : [...differing, [forced(a), forced(b)]];
}

/** @type {((settings: Settings) => string)[]} */
const WORDS = [
  ({ strength }) => "ε " + strength.toFixed(2),
  ({ reach }) => reachAsSetting(reach),
  ({ mode }) => mode,
  ({ seed }) => "seed " + seed,
];

/** Counts a cell once even if it is forced twice. @param {Settings} settings */
const forced = ({ edits }) => new Set(edits.map(([row, column]) => row + " " + column)).size + " forced";
