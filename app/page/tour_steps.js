/* The tour: where its steps lead, the way there, and what they say. No DOM. */

import { percent } from "../web/numbers.js";

/** @typedef {import("../web/types").FrameFigures} FrameFigures */
/** @typedef {{strength: number, position: number}} Stop epsilon, and a position on the track of the reach */
/** @typedef {{title: string, from?: number, strength: number, isFar: boolean, marks: boolean, doing: string,
    done: (figures: FrameFigures, clean: FrameFigures) => string}} Step */

const STEP = 0.05; // of epsilon: frames of these are fetched ahead
const MOST_STOPS = 16; // on the way of the reach

/** @param {number | null} share */
const change = (share) =>
  share === null ? "no structure is labelled" : percent(share) + " of the labelled pixels change";

/** @type {Step[]} */
export const STEPS = [
  {
    title: "1 of 3 · Lookalikes",
    from: 0,
    strength: 1,
    isFar: false,
    marks: false,
    doing: "Every token is now swapped for its nearest lookalike.",
    done: ({ changed_share: share }) => `Every token is swapped for its nearest lookalike: ${change(share)}.`,
  },
  {
    title: "2 of 3 · Any codeword",
    strength: 0.4,
    isFar: true,
    marks: false,
    doing: "Fewer tokens, but each may become any codeword: watch the reconstruction.",
    done: ({ changed_share: share, psnr }, clean) =>
      `Four in ten become any codeword: the picture goes first (PSNR ${clean.psnr.toFixed(0)} to ${psnr.toFixed(0)} dB), ` +
      `${change(share)}.`,
  },
  {
    title: "3 of 3 · What changed",
    strength: 0.5,
    isFar: true,
    marks: true,
    doing: "A little more, and the segmentation goes too.",
    done: ({ changed_share: share }) => `At half of the tokens ${change(share)}. White lines mark where.`,
  },
];

/**
 * The stops on the way to a step: epsilon moves first, then the reach.
 * @param {Stop} from
 * @param {Stop} to
 * @returns {Stop[]} the last one is `to`
 */
export function way(from, to) {
  const steps = Math.max(1, Math.round(Math.abs(to.strength - from.strength) / STEP));
  const moves = from.strength === to.strength ? 0 : steps;
  const stops = Math.min(MOST_STOPS, Math.abs(to.position - from.position));
  const part = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ share) => a + (b - a) * share;
  const first = Array.from({ length: moves }, (_, i) => ({
    strength: Number(part(from.strength, to.strength, (i + 1) / moves).toFixed(2)),
    position: from.position,
  }));
  const second = Array.from({ length: stops }, (_, i) => ({
    strength: to.strength,
    position: Math.round(part(from.position, to.position, (i + 1) / stops)),
  }));
  return first.length + second.length ? [...first, ...second] : [to];
}
