/* The Compare tab: A, the scan on show, and B beside it, under the same settings. */

import { cellAt, ownersOf } from "../../web/cells.js";
import { beside } from "../../web/beside.js";
import { frames } from "../../web/frames.js";
import { lightPixels, litTokens } from "../../web/lit.js";
import { grey, overlay, paint, pixelAt, shapeStages } from "../../web/pictures.js";
import { store } from "../../web/store.js";
import { joinWipes } from "../../web/wipe.js";
import { zoom } from "../../web/zoom.js";
import { createChoice } from "./choice.js";
import { createFindings } from "./findings.js";
import { KINDS, isSameScan, kindsOf, legendOf, markKinds, placeInWords } from "./pairing.js";
import { createSecond } from "./second.js";
import { make } from "../../web/dom.js";

const ASKED =
  "Choose B above: another checkpoint for this scan, or another scan under this checkpoint. " +
  "Epsilon, reach and seed are the same for both.";
const OPENING = "Opening B";
const DECODING = "Decoding B";

/**
 * @typedef {import("../../web/types").Frame} Frame
 * @typedef {import("../../web/types").Scan} Scan
 * @typedef {import("../../web/types").Shown} Shown
 * @typedef {import("./types").Server} Server
 */

/**
 * @param {HTMLElement} element
 * @param {import("../../web/types").Props<import("./types").Choices>} props
 * @param {Server} server
 * @param {(event: string) => void} trigger begins an event of Gradio
 */
export function mount(element, props, server, trigger) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".compare"));
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const canvasOf = (/** @type {string} */ place) => /** @type {HTMLCanvasElement} */ (find(place + " canvas"));
  const canvases = {
    a: canvasOf("[data-panel=a]"),
    b: canvasOf("[data-panel=b]"),
    below: canvasOf("[data-panel=wipe]"),
    above: canvasOf("[data-panel=wipe] .pinned"),
    difference: canvasOf("[data-panel=difference]"),
  };
  const layer = /** @type {HTMLSelectElement} */ (find("[data-set=layer]"));
  /** @type {Shown | null} */
  let shown = null; // A
  let painting = 0;
  let mirrored = false;
  let underway = 0; // openings of B: a newer choice calls the former one off, which ends later than the newer one begins

  const schedule = () => {
    if (!painting && element.offsetParent !== null) painting = requestAnimationFrame(draw);
  };
  const second = createSecond((question) => server.beside(question), { changed: schedule, say });
  const findings = createFindings(root, server, schedule);
  const choice = createChoice(root, props.value, {
    open(chosen, title) {
      underway += 1;
      schedule();
      Object.assign(beside, { choice: chosen, title });
      trigger("submit");
    },
    say,
  });

  /** @param {string} message */
  function say(message) {
    find(".notice").hidden = !message;
    find(".notice").textContent = message;
  }

  /** @param {Scan | null} other null if it was not opened: the former one stays */
  function arrive(other) {
    underway -= 1;
    schedule();
    choice.settle(other, underway > 0);
    if (!other) return;
    second.become(other);
    findings.forget();
  }

  /** The scan on show, and B, if both are there and belong together. */
  function scans() {
    const [one, other] = [store.state?.scan, second.scan];
    return one && other && shown?.request.token === one.token ? { one, other } : null;
  }

  function draw() {
    painting = 0;
    const { state } = store;
    if (!state || !shown) return;
    // The server has let B go together with the scan that it lay beside.
    if (choice.isOther(state.scan)) {
      second.become(null);
      say("");
    }
    choice.follow(state.scan);
    const both = scans();
    find(".beside").hidden = !both || !second.shown;
    tellWaiting(Boolean(both));
    if (!both) return;
    second.follow(shown, both.one);
    if (second.shown) drawBoth(state, both, second.shown);
  }

  /** What stands in the pictures' place until there are some. @param {boolean} isOpen */
  function tellWaiting(isOpen) {
    const waits = !second.shown && (isOpen || underway > 0);
    root.toggleAttribute("data-waiting", waits);
    find("[data-text=hint]").hidden = isOpen && !waits;
    find("[data-text=hint]").textContent = waits ? (isOpen ? DECODING : OPENING) : ASKED;
  }

  /**
   * @param {import("../../web/types").PageState} state
   * @param {import("./types").Scans} both
   * @param {import("./second.js").Second} b
   */
  function drawBoth(state, { one, other }, b) {
    const a = b.of;
    const isOne = isSameScan(one, other);
    const [viewA, viewB] = [one.planes[a.request.plane], other.planes[b.question.plane]];
    root.toggleAttribute("data-two", !isOne);
    mirrored = shapeStages(root, viewA, a.request.plane, state);
    root.style.setProperty("--ratio-b", String(viewB.ratio));
    const pictures = {
      a: pictureOf(a.frame, a.image, one, a.request.plane, findings.pair?.code),
      b: pictureOf(b.frame, b.input.image, other, b.question.plane, findings.pair?.partner),
    };
    paint(canvases.a, viewA, pictures.a);
    paint(canvases.b, viewB, pictures.b);
    find("[data-text=of-a]").textContent = isOne ? lastPart(one.checkpoint) : one.name + " · slice " + a.request.index;
    find("[data-text=of-b]").textContent = isOne
      ? lastPart(other.checkpoint)
      : other.name + " · slice " + b.question.index;
    findings.follow(a.request, b.question, { one, other });
    if (!isOne) return;
    paint(canvases.above, viewA, pictures.a);
    paint(canvases.below, viewA, pictures.b);
    const kinds = kindsOf(a.frame.labels, b.frame.labels);
    paint(canvases.difference, viewA, (out) => {
      grey(out, a.image);
      markKinds(out, a.image, kinds);
    });
    drawLegend(kinds);
  }

  /**
   * @param {Frame} frame
   * @param {Uint8Array} image
   * @param {Scan} scan
   * @param {string} plane
   * @param {number | undefined} code that is lit
   * @returns {(out: Uint8ClampedArray) => void}
   */
  function pictureOf(frame, image, scan, plane, code) {
    const state = /** @type {import("../../web/types").PageState} */ (store.state);
    return (out) => {
      if (layer.value === "reconstruction") grey(out, frame.reconstruction);
      else overlay(out, image, frame.labels, scan.planes[plane], { ...state, scan });
      if (code === undefined || !frame.clean_codes) return;
      lightPixels(out, ownersOf(scan, plane), litTokens(frame.clean_codes, scan, [code]));
    };
  }

  /** @param {Uint8Array} kinds */
  function drawLegend(kinds) {
    const entries = legendOf(kinds).map(({ words, colour }) => {
      const swatch = make("i");
      swatch.style.setProperty("--colour", "rgb(" + colour.join(" ") + ")");
      return make("li", {}, swatch, make("span", {}, words));
    });
    find(".legend").replaceChildren(...entries.slice(0, KINDS.length));
  }

  /** @param {HTMLElement} stage @param {PointerEvent} event */
  function point(stage, event) {
    const [both, b] = [scans(), second.shown];
    if (!both || !b) return;
    const isB = stage.parentElement?.dataset.panel === "b";
    const view = isB ? both.other.planes[b.question.plane] : both.one.planes[b.of.request.plane];
    const canvas = /** @type {HTMLCanvasElement} */ (stage.querySelector("canvas"));
    const pixel = pixelAt(canvas, event, view, mirrored);
    root.toggleAttribute("data-pointed", pixel !== null);
    if (!pixel) return;
    const box = stage.getBoundingClientRect();
    root.style.setProperty("--cx", (100 * (event.clientX - box.left)) / box.width + "%");
    root.style.setProperty("--cy", (100 * (event.clientY - box.top)) / box.height + "%");
    if (isSameScan(both.one, both.other)) tellPlace(pixel, both, b);
  }

  /**
   * @param {import("../../web/types").Pixel} pixel
   * @param {import("./types").Scans} both
   * @param {import("./second.js").Second} b
   */
  function tellPlace({ row, column, at }, { one, other }, b) {
    const cells = [cellAt(one, b.of.request.plane, row, column), cellAt(other, b.question.plane, row, column)];
    const [before, after] = [b.of.frame.clean_codes, b.frame.clean_codes];
    const codes = before && after && cells[0] && cells[1] ? { a: before[cells[0].at], b: after[cells[1].at] } : null;
    const labels = { a: one.classes[b.of.frame.labels[at]], b: other.classes[b.frame.labels[at]] };
    find("[data-text=readout]").textContent = placeInWords(labels, codes, findings.aligned);
  }

  joinWipes(root);
  layer.addEventListener("change", schedule);
  /** @type {NodeListOf<HTMLElement>} */
  const stages = root.querySelectorAll(".stage");
  for (const stage of stages) {
    stage.addEventListener("pointermove", (event) => point(stage, event));
    stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
  }
  zoom.attach({ root, ready: () => second.shown !== null });
  beside.subscribe(arrive);
  store.subscribe(schedule);
  frames.subscribe((event) => {
    if (event.shown) shown = event.shown;
    schedule();
  });
  new IntersectionObserver(schedule).observe(element);
}

/** A checkpoint's name without its folder. @param {string} name */
const lastPart = (name) => name.split("/").at(-1) ?? name;
