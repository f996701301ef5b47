/* The texts of the Volume tab: what lies under the crosshair, the sizes of the structures, and notes. */
import { make } from "../../web/dom.js";
import { number, ratio } from "../../web/numbers.js";
import { thinnedPlace, transformed } from "./grid.js";

/** @typedef {import("./types").Figures} Figures */
/** @typedef {import("./types").Labels} Labels */
/** @typedef {import("./types").ScanVolume} ScanVolume */
/** @typedef {import("../../web/types").Scan} Scan */

const PATIENCE = 400; // milliseconds before a bar appears
const MINUS = "−";

/**
 * @param {Pick<Scan, "classes">} page
 * @param {Pick<ScanVolume, "about" | "shape" | "voxels">} scan
 * @param {{clean: {voxels: ArrayLike<number>}, present: {voxels: ArrayLike<number>}} | null} labels
 * @param {import("./types").Voxel} voxel
 */
export function readoutOf({ classes }, { about, shape, voxels }, labels, voxel) {
  const [x, y, z] = [0, 1, 2].map((axis) => thinnedPlace(about, shape, voxel, axis));
  const at = x + shape[0] * (y + shape[1] * z);
  const parts = Object.entries(about.axes).map(([plane, axis]) => `${plane} ${voxel[axis]}`);
  if (about.oriented) parts.push(transformed(about.affine, voxel).map(millimetre).join(", ") + " mm");
  parts.push("value " + Number(voxels[at].toPrecision(5)));
  if (labels) {
    const [before, after] = [labels.clean, labels.present].map((one) => classes[one.voxels[at]]);
    parts.push(before === after ? after : `${before} → ${after}`);
  }
  return parts.join(" · ");
}

/** @param {number} value */
const millimetre = (value) => value.toFixed(1).replace("-", MINUS);

/**
 * A structure's size, its change from epsilon 0 ("" if it did not change), and its Dice.
 * @param {Figures} figures
 * @param {Figures} before at epsilon 0
 * @param {"truth" | "clean" | "present"} kind
 */
export function sizeOf(figures, before, kind) {
  const { millilitres, voxels, dice, truth } = figures;
  if (voxels === null) return { size: "–", change: "", agreement: "not in the truth" };
  const difference = millilitres === null ? voxels - (before.voxels ?? 0) : millilitres - (before.millilitres ?? 0);
  const written = (/** @type {number} */ value) => (millilitres === null ? number(value) : value.toFixed(1));
  const agreement = [];
  if (kind !== "clean" && dice !== null) agreement.push(`Dice ${ratio(dice)} vs ε = 0`);
  if (kind !== "truth" && truth !== null) agreement.push(`${agreement.length ? "" : "Dice "}${ratio(truth)} vs truth`);
  return {
    size: millilitres === null ? `${number(voxels)} voxels` : `${written(millilitres)} ml`,
    change: voxels === before.voxels ? "" : (difference < 0 ? MINUS : "+") + written(Math.abs(difference)),
    agreement: agreement.join(", "),
  };
}

/**
 * The size of one structure after its colour and name.
 * @param {Pick<Scan, "classes" | "colours">} scan
 * @param {number} label
 * @param {Figures} figures
 * @param {Figures} before at epsilon 0
 * @param {"truth" | "clean" | "present"} kind
 */
export function structurePart(scan, label, figures, before, kind) {
  const { size, change, agreement } = sizeOf(figures, before, kind);
  const name = make("dt", {}, scan.classes[label]);
  name.style.setProperty("--colour", `rgb(${scan.colours[label].join(" ")})`);
  const changed = change ? make("span", { title: "Change from ε = 0" }, change) : null;
  // An empty line keeps all structures equally high.
  const more = make("small", {}, agreement || "\u00a0");
  return make("div", {}, name, make("dd", {}, size, changed, more));
}

/** @param {Pick<import("./types").About, "steps" | "shape">} about */
export function thinningNote({ steps, shape }) {
  if (steps.every((step) => step === 1)) return "";
  const [all, shown] = [shape, steps].map((one) => one.join(" × "));
  return `The browser cannot draw all ${all} voxels. It shows one of every ${shown}. The figures count all voxels.`;
}

/**
 * Shows several notes at once, each under its name. An empty text removes a note.
 * @param {HTMLElement} place
 * @returns {import("./types").Note}
 */
export function createNotes(place) {
  const told = new Map();
  return (name, message) => {
    told.set(name, message);
    place.textContent = [...told.values()].filter(Boolean).join(" ");
    place.hidden = !place.textContent;
  };
}

/**
 * A progress bar that appears only for longer tasks.
 * @param {HTMLElement} place
 * @returns {import("./types").ProgressBar}
 */
export function createProgressBar(place) {
  const [text, bar] = [place.querySelector("span"), place.querySelector("progress")];
  /** @type {ReturnType<typeof setTimeout> | null} */
  let patience = null;
  return (message, share = 0) => {
    if (message === null) {
      clearTimeout(patience ?? undefined);
      patience = null;
      place.hidden = true;
      return;
    }
    if (text) text.textContent = message;
    if (bar) bar.value = share;
    patience ??= setTimeout(() => (place.hidden = false), PATIENCE);
  };
}
