/* The pinned view A, and the wipe that lays it over B, the present view. */
import { frames } from "../../web/frames.js";
import { percent, ratio } from "../../web/numbers.js";
import { joinWipes } from "../../web/wipe.js";
import { agreementOf, differences } from "./agreement.js";

/**
 * @typedef {import("../../web/types").Frame} Frame
 * @typedef {import("../../web/types").SliceRequest} SliceRequest
 * @typedef {import("./agreement.js").Settings} Settings
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Tab} Tab
 * @typedef {{segmentation: HTMLCanvasElement, picture: HTMLCanvasElement}} Canvases
 */

const PANELS = /** @type {const} */ (["segmentation", "picture"]);

/** @param {SliceRequest} request */
const sliceOf = ({ token, plane, index }) => [token, plane, index].join(" ");

/**
 * @param {Tab} tab
 * @param {(canvases: Canvases, frame: Frame, scene: Scene) => void} drawAnswers draws what both decoders make of a frame
 * @param {() => boolean} isCovered whether the sensitivity map covers the segmentation: it has many seeds, so A cannot be compared with it
 */
export function createPinned(tab, drawAnswers, isCovered) {
  /** @type {(Settings & {home: string}) | null} */
  let pinned = null; // home: the slice that A's forced tokens belong to
  /** @type {{key: string, frame: Frame | null} | null} */
  let answer = null; // A on the present slice; frame is null until it has come
  const button = tab.find("[data-do=pin]");
  const line = tab.text("comparison");
  const [segmentation, picture] = PANELS.map((name) => {
    return /** @type {HTMLCanvasElement} */ (tab.find("[data-panel=" + name + "] .pinned canvas"));
  });

  function toggle() {
    const scene = tab.scene();
    if (pinned || !scene) return unpin();
    const { strength, mode, seed, edits, reach } = scene.shown.request;
    pinned = { strength, mode, seed, edits, reach, home: sliceOf(scene.shown.request) };
    tab.schedule();
  }

  function unpin() {
    pinned = answer = null;
    tab.schedule();
  }

  /** Unpins A; returns what pins it again. */
  function drop() {
    const former = pinned;
    unpin();
    if (!former) return undefined;
    return () => {
      pinned = former;
      tab.schedule();
    };
  }

  /** @param {Scene} scene */
  function draw(scene) {
    const { request } = scene.shown;
    const settings = pinned && settingsOn(request, pinned);
    const frame = settings && frameOf(settings, request);
    button.setAttribute("aria-pressed", String(Boolean(pinned)));
    button.textContent = pinned ? "Unpin A" : "Pin A";
    for (const name of PANELS) open(name, Boolean(frame) && !(name === "segmentation" && isCovered()));
    if (frame) drawAnswers({ segmentation, picture }, frame, scene);
    line.hidden = !settings;
    if (settings) line.textContent = comparison(settings, frame, scene);
  }

  /**
   * @param {string} name of a panel
   * @param {boolean} isOpen whether A lies over B in it
   */
  function open(name, isOpen) {
    const pieces = tab.root.querySelectorAll("[data-panel=" + name + "] :is(.pinned, b, .wipe)");
    for (const piece of pieces) /** @type {HTMLElement} */ (piece).hidden = !isOpen;
  }

  /**
   * A's frame; null until it has come.
   * @param {Settings} settings
   * @param {SliceRequest} request
   */
  function frameOf(settings, request) {
    const key = JSON.stringify([sliceOf(request), settings]);
    if (answer?.key !== key) ask(key, settings);
    return answer?.frame ?? null;
  }

  /**
   * @param {string} key
   * @param {Settings} settings
   */
  async function ask(key, settings) {
    const mine = (answer = { key, frame: /** @type {Frame | null} */ (null) });
    const frame = await frames.frameOf(settings);
    if (mine !== answer) return;
    if (!frame) return tab.say("The server did not answer for the pinned view A. Unpin A and pin it again.");
    mine.frame = frame;
    tab.schedule();
  }

  joinWipes(tab.root);
  return { toggle, unpin, drop, draw };
}

/**
 * A's settings on a slice. They apply to every slice, but A's forced tokens apply only to their own.
 * @param {SliceRequest} request
 * @param {Settings & {home: string}} pinned
 * @returns {Settings}
 */
function settingsOn(request, { strength, mode, seed, edits, reach, home }) {
  return { strength, mode, seed, reach, edits: home === sliceOf(request) ? edits : [] };
}

/**
 * @param {Settings} settings of A
 * @param {Frame | null} frame of A
 * @param {Scene} scene with B
 */
function comparison(settings, frame, { shown, scan }) {
  const differing = differences(settings, shown.request);
  if (!frame) return "A is being decoded.";
  if (!differing.length)
    return "A is pinned and B still equals A. Change epsilon, the reach, the seed, the replacement or a token.";
  const { dice, same } = agreementOf(frame.labels, shown.frame.labels, scan.classes.length);
  const [a, b] = [0, 1].map((i) => differing.map((pair) => pair[i]).join(", "));
  const alike =
    "Dice of A and B: " +
    ratio(dice) +
    ". " +
    percent(same) +
    " of all pixels, background included, have the same label.";
  return "A: " + a + ". B: " + b + ". " + alike;
}
