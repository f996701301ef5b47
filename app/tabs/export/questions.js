/* The requests to the server, and the settings that each depends on. No DOM. */
import { reachAsSetting } from "../../web/reach_scale.js";

/**
 * @typedef {import("../../web/types").PageState} PageState
 * @typedef {import("../../web/types").PlaneView} PlaneView
 * @typedef {import("./types").Question} Question
 * @typedef {Pick<PageState, "plane" | "index" | "strength" | "mode" | "seed" | "edits" | "reach">} Settings
 * @typedef {Pick<PageState, "opacity" | "outline" | "shown" | "visible">} Look
 */

/**
 * @param {Settings & Look & {scan: {token: string}}} state
 * @param {string} kind
 * @param {string} address where the app runs
 * @returns {Question}
 */
export function questionOf(state, kind, address) {
  const { scan, plane, index, strength, mode, seed, edits, reach, opacity, outline, shown, visible } = state;
  return {
    kind,
    address,
    token: scan.token,
    plane,
    index,
    strength,
    mode,
    seed,
    edits,
    reach,
    opacity,
    outline,
    shown,
    visible,
  };
}

/**
 * What the label volume depends on. The slice belongs to it only if tokens are forced there.
 * @param {Settings & {scan: {token: string}}} state
 */
export function labelsKey({ scan, index, strength, mode, seed, edits, reach }) {
  return JSON.stringify([scan.token, strength, mode, seed, reach, edits.length ? [index, edits] : []]);
}

/**
 * How the name of the label volume's file ends.
 * @param {Pick<Settings, "strength" | "seed" | "edits" | "reach">} state
 * @param {string} ending of its format
 */
export function labelsEnding({ strength, seed, edits, reach }, ending) {
  const far = reach === null ? "" : "_reach" + reach;
  return "_labels_eps" + strength + far + "_seed" + seed + (edits.length ? "_forced" : "") + ending;
}

/** How many slices the label volume is decoded from. @param {{planes: Record<string, Pick<PlaneView, "acquired" | "count">>}} scan */
export function slicesOf({ planes }) {
  return Object.values(planes).find((plane) => plane.acquired)?.count ?? 0;
}

/** The present view in words. @param {Settings & {scan: {name: string, frame?: number, cine?: object | null}}} state */
export function described({ scan, plane, index, strength, mode, seed, edits, reach }) {
  const forced = edits.length ? [edits.length + " forced"] : [];
  const far = reach === null ? [] : [reachAsSetting(reach)];
  const settings = ["ε = " + strength.toFixed(2), mode, ...far, "seed " + seed, ...forced];
  const frame = scan.cine ? ["frame " + (scan.frame ?? 0)] : [];
  return [scan.name, ...frame, plane + " slice " + index, ...settings].join(", ");
}
