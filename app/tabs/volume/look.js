/* Which labels are requested and how they are coloured. Arithmetic only. */
import { facts } from "../../web/facts.js";
import { LIT } from "../../web/lit.js";

/** @typedef {import("./types").About} About */
/** @typedef {import("./types").Kind} Kind */
/** @typedef {import("./types").Labels} Labels */
/** @typedef {import("./types").Look} Look */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("../../web/types").Colour} Colour */

/** What changed to background. @type {Colour} */
export const GONE = [255, 43, 184];
const GONE_CLASS = "(gone)";
const LIT_CLASS = "(lit)";

/**
 * The request for the labels that the page's settings call for.
 * @param {Pick<PageState, "scan" | "strength" | "mode" | "seed" | "reach" | "lit">} page
 * @param {Kind} kind
 * @returns {import("./types").Wish}
 */
export function wishOf({ scan, strength, mode, seed, reach, lit }, kind) {
  const labels = { token: scan.token, part: /** @type {const} */ ("labels") };
  // At ε = 0 every seed gives the same labels.
  const clean = { ...labels, strength: 0, mode: "resample", seed: 0, reach: null };
  const truth = { token: scan.token, part: /** @type {const} */ ("truth"), name: String(scan.truth) };
  return {
    clean,
    present: strength > 0 ? { ...labels, strength, mode, seed, reach } : clean,
    truth: kind === "truth" ? truth : null,
    lit: lit.length ? { token: scan.token, part: "lit", codes: lit } : null,
  };
}

/**
 * The values that become black and white.
 * @param {string} range the sidebar's choice
 * @param {Pick<About, "window" | "percentiles">} about
 * @param {Record<string, [number, number]>} windows centre and width by name
 * @returns {[number, number]}
 */
export function windowOf(range, { window: network, percentiles }, windows) {
  const set = windows[range];
  if (set) return [set[0] - set[1] / 2, set[0] + set[1] / 2];
  const [black, white] = range === "percentiles" ? percentiles : network;
  return [black, Math.max(white, black + 1e-6)];
}

/**
 * How to draw the labels. Changes are single voxels here and there, so they are filled and fully opaque.
 * @param {PageState} page
 * @param {About} about
 * @param {Kind | undefined} kind of the present labels
 * @returns {Look}
 */
export function lookOf(page, about, kind) {
  const isChanges = kind === "changed";
  const classes = [...page.scan.classes, GONE_CLASS, LIT_CLASS];
  const visible = [...page.visible, GONE_CLASS, LIT_CLASS];
  return {
    shown: page.shown,
    outline: page.outline && !isChanges,
    opacity: isChanges ? 1 : page.opacity,
    window: windowOf(page.range, about, facts.windows),
    convention: page.convention,
    planes: page.scan.planes,
    visible,
    scan: { classes, colours: [...page.scan.colours, GONE, LIT] },
    drawn: classes.map((name, i) => i > 0 && visible.includes(name)),
    axis: about.axes[about.acquired],
  };
}

/**
 * What the colours mean where they are not those of the structures on show: their words and colours.
 * @param {Pick<Labels, "kind" | "lit">} labels
 * @param {Pick<PageState, "scan" | "visible">} page
 * @returns {[words: string, colour: Colour][]}
 */
export function legendOf({ kind, lit }, { scan: { classes, colours }, visible }) {
  if (kind !== "changed") return lit ? [["tokens of the lit codes", LIT]] : [];
  const drawn = [...classes.keys()].slice(1).filter((label) => visible.includes(classes[label]));
  const now = drawn.map((label) => /** @type {[string, Colour]} */ (["now " + classes[label], colours[label]]));
  return [...now, ["structure lost", GONE]];
}

/**
 * The labels to draw, with the voxels of lit codes as the last label over them. What changed is drawn alone: its
 * colours are too like the light.
 * @param {Pick<Labels, "kind" | "present" | "clean" | "truth" | "lit">} labels
 * @param {boolean[]} drawn by label
 */
export function shownOf(labels, drawn) {
  const voxels = labelsOf(labels, drawn);
  const lit = labels.kind === "changed" ? null : labels.lit;
  return lit ? Uint8Array.from(voxels, (label, i) => (lit.voxels[i] ? drawn.length - 1 : label)) : voxels;
}

/**
 * The labels to draw. For changes: the new label where it differs, and one extra label where it became background.
 * @param {Pick<Labels, "kind" | "present" | "clean" | "truth">} labels
 * @param {boolean[]} drawn by label
 */
export function labelsOf({ kind, present, clean, truth }, drawn) {
  if (kind === "changed") return changesOf(clean.voxels, present.voxels, drawn);
  return { present, clean, truth: truth ?? present }[kind].voxels;
}

/**
 * @param {ArrayLike<number>} before
 * @param {ArrayLike<number>} after
 * @param {boolean[]} drawn by label
 */
function changesOf(before, after, drawn) {
  const out = new Uint8Array(before.length);
  const gone = drawn.length - 2; // the last one is of lit codes
  for (let i = 0; i < out.length; i++) {
    const [old, now] = [before[i], after[i]];
    if (old !== now && (drawn[old] || drawn[now])) out[i] = drawn[now] ? now : gone;
  }
  return out;
}

/**
 * The labels that the figures below the pictures describe.
 * @param {Pick<Labels, "kind" | "present" | "clean">} labels
 */
export function figuredOf({ kind, present, clean }) {
  if (kind === "truth" || kind === "clean") return kind;
  return present === clean ? "clean" : "present";
}

/**
 * The colours of the labels as 32 bits, red in the lowest byte; 0 for a label that is not drawn.
 * @param {Pick<Look, "scan" | "drawn" | "opacity">} look
 */
export function packedColours({ scan, drawn, opacity }) {
  const alpha = Math.round(opacity * 255);
  const packed = (/** @type {Colour} */ [r, g, b]) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  return scan.colours.map((colour, i) => (drawn[i] ? packed(colour) : 0));
}
