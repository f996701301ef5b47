/* What a token stands for, in words and shares. No DOM. */

import { percent } from "../../web/numbers.js";
import { fullName } from "../../web/structures.js";

const TOLD = 0.01; // a smaller share is not named

/**
 * The classes of a code's training tokens by falling share.
 * @param {Int32Array} counts (K, C) of all codes
 * @param {number} classes
 * @param {number} code
 * @returns {{label: number, share: number}[]} those with a share; empty for a code that no training token had
 */
export function mixOf(counts, classes, code) {
  const own = Array.from(counts.subarray(code * classes, (code + 1) * classes));
  const all = own.reduce((sum, count) => sum + count, 0);
  const shares = own.map((count, label) => ({ label, share: all ? count / all : 0 }));
  return shares.filter(({ share }) => share > 0).sort((one, other) => other.share - one.share);
}

/**
 * @param {{label: number, share: number}[]} mix as `mixOf` gives it
 * @param {string[]} names of the classes
 */
export function meaningText(mix, names) {
  if (!mix.length) return "No training token had this codeword.";
  const [{ label, share }, ...rest] = mix;
  const most = `This token's codeword stands for ${fullName(names[label])} in ${percent(share, 0)} of its training tokens.`;
  const others = rest.filter((one) => one.share >= TOLD);
  if (!others.length) return most;
  const list = others.map((one) => `${fullName(names[one.label])} ${percent(one.share, 0)}`).join(", ");
  return `${most} The others: ${list}.`;
}
