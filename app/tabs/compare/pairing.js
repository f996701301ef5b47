/* How A and B belong together: which slice of B lies beside one of A, where labels differ, and the words. No DOM. */

import { channelOf } from "../../web/frame_order.js";
import { frameOf, frameToken } from "../../web/cine_frames.js";
import { percent, ratio } from "../../web/numbers.js";
import { titleOf } from "../../web/structures.js";

/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").SliceRequest} SliceRequest */
/** @typedef {import("./types").Agreement} Agreement */
/** @typedef {import("./types").Aligned} Aligned */

/** How two labels of a pixel differ, and the colour of that. @type {{words: string, colour: [number, number, number]}[]} */
export const KINDS = [
  { words: "only A has a structure", colour: [216, 27, 154] },
  { words: "only B has a structure", colour: [86, 180, 233] },
  { words: "two different structures", colour: [244, 244, 244] },
];
const DIMMED = 0.6; // the picture below the marks

/**
 * Whether both are one scan, so that places of one are places of the other.
 * @param {Pick<Scan, "identity" | "planes">} one
 * @param {Pick<Scan, "identity" | "planes">} other
 */
export function isSameScan(one, other) {
  const shapes = [one, other].map(({ planes }) => Object.values(planes).map(({ shape }) => shape));
  return one.identity === other.identity && String(shapes[0]) === String(shapes[1]);
}

/**
 * The request for B that lies beside one for A: the same settings as far as its grid and its codebook have them.
 * Forced tokens are codes of A alone.
 * @param {SliceRequest} request
 * @param {Pick<Scan, "planes">} one
 * @param {Pick<Scan, "planes" | "token" | "truth" | "reach" | "cine" | "channels">} other
 * @returns {import("./types").Question}
 */
export function besideOf({ token, plane, index, strength, mode, seed, reach, channel }, one, other) {
  const acquired = Object.keys(other.planes).find((name) => other.planes[name].acquired) ?? plane;
  const there = one.planes[plane].acquired ? acquired : plane;
  const frame = frameOf(token);
  return {
    token: other.cine && frame < other.cine.frames ? frameToken(other.token, frame) : other.token,
    truth: other.truth,
    plane: there,
    index: sliceBeside(index, one.planes[plane].count, other.planes[there].count),
    strength,
    mode,
    seed,
    edits: [],
    reach: reach === null ? null : Math.min(reach, other.reach.last),
    channel: channelOf(other, channel),
  };
}

/**
 * The slice at the same share of the way through a scan with another number of slices.
 * @param {number} index
 * @param {number} count
 * @param {number} other
 */
export const sliceBeside = (index, count, other) =>
  count === other || count < 2 ? Math.min(index, other - 1) : Math.round((index / (count - 1)) * (other - 1));

/**
 * For every pixel 0 where both labels are the same, else 1 + the place of the difference in KINDS.
 * @param {ArrayLike<number>} a labels
 * @param {ArrayLike<number>} b labels of as many pixels
 */
export const kindsOf = (a, b) => Uint8Array.from(a, (label, i) => (label === b[i] ? 0 : !b[i] ? 1 : !label ? 2 : 3));

/**
 * @param {Uint8ClampedArray} out RGBA, as pictures.grey left it
 * @param {Uint8Array} image grey values
 * @param {Uint8Array} kinds
 */
export function markKinds(out, image, kinds) {
  for (let i = 0; i < kinds.length; i++) {
    const colour = kinds[i] ? KINDS[kinds[i] - 1].colour : null;
    for (let c = 0; c < 3; c++) out[4 * i + c] = colour ? colour[c] : image[i] * DIMMED;
  }
}

/**
 * The legend: every kind of difference with its share of the pixels.
 * @param {Uint8Array} kinds
 */
export function legendOf(kinds) {
  const counts = [0, 0, 0, 0];
  for (const kind of kinds) counts[kind]++;
  return KINDS.map(({ words, colour }, place) => ({
    colour,
    words: `${words}, ${percent(counts[place + 1] / kinds.length)}`,
  }));
}

/** @param {(number | null)[] | null} dice @param {number} at */
const cell = (dice, at) => (dice?.[at] === undefined || dice[at] === null ? "–" : ratio(dice[at]));

/**
 * The table of Dice; columns without any value are left out.
 * @param {string[]} classes the background first
 * @param {Agreement} found
 * @returns {string[][]} the heads first
 */
export function diceTable(classes, { between, whole, a, b }) {
  /** @type {[string, (number | null)[] | null][]} */
  const columns = [
    ["A and B, this slice", between],
    ["A and B, whole scan, ε = 0", whole],
    ["A and truth, this slice", a],
    ["B and truth, this slice", b],
  ];
  const known = columns.filter(([, dice]) => dice);
  const rows = classes.slice(1).map((name, at) => [titleOf(name), ...known.map(([, dice]) => cell(dice, at))]);
  return [["Dice", ...known.map(([head]) => head)], ...rows];
}

/**
 * What is usual in B where a code of A fires.
 * @param {Aligned | null} aligned
 * @param {number} code of A
 */
export function partnerOf(aligned, code) {
  const row = aligned?.codes.indexOf(code) ?? -1;
  if (!aligned || row < 0) return null;
  return { code: aligned.partners[row][0], share: aligned.shares[row][0], matched: aligned.matched[row] };
}

/**
 * A place in words: the labels, and the codes before any perturbation.
 * @param {{a: string, b: string}} labels
 * @param {{a: number, b: number} | null} codes null where there are no tokens
 * @param {Aligned | null} aligned
 */
export function placeInWords(labels, codes, aligned) {
  if (!codes) return `A: ${labels.a} · B: ${labels.b}`;
  const said = `A: ${labels.a}, code ${codes.a} · B: ${labels.b}, code ${codes.b}`;
  const partner = partnerOf(aligned, codes.a);
  return partner
    ? `${said} · where code ${codes.a} fires, B usually has code ${partner.code} (${percent(partner.share, 0)})`
    : said;
}
