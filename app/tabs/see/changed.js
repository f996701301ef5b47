/* "What changed": the changed pixels and the replaced tokens over the segmentation. They are lit while a slider of the
   perturbation moves, and always once the visitor has asked for it. */

import { addKeys } from "../../web/keys.js";
import { links } from "../../web/links.js";
import { becomings, boxes, replacedCells, rim, SAME } from "./changed_pixels.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Shown} Shown */
/** @typedef {{tokens: string, lines: string, fills: {d: string, fill: string}[]}} Marks paths of an SVG */

const HOLD = 1500; // milliseconds that the marks stay after the last move, or after its picture
const KEY = "changed"; // in the page's address
const ON = "on";
const SVG = "http://www.w3.org/2000/svg";

/**
 * Whether a slider of the perturbation has moved, on the same picture.
 * @param {PageState | null} before
 * @param {PageState} now
 */
export function isMove(before, now) {
  if (before?.scan.token !== now.scan.token || before.plane !== now.plane || before.index !== now.index) return false;
  return before.strength !== now.strength || before.chosenReach !== now.chosenReach;
}

/**
 * @param {HTMLElement} root
 * @param {() => void} repaint
 */
export function createChanged(root, repaint) {
  const layer = /** @type {SVGElement} */ (root.querySelector(".changed"));
  const mark = (/** @type {string} */ name) => /** @type {SVGElement} */ (layer.querySelector(`[data-mark=${name}]`));
  const button = /** @type {HTMLButtonElement} */ (root.querySelector("[data-do=changed]"));
  const legend = /** @type {HTMLElement} */ (root.querySelector(".told ul"));
  const token = /** @type {HTMLElement} */ (root.querySelector(".told .token + span"));
  let isOn = links.asked()[KEY] === ON;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let moving; // while the marks are lit by a move
  let awaited = false; // whether the picture of the last move is still to come
  /** @type {PageState | null} */
  let last = null;

  /** The marks fade by the style sheet; what is drawn stays until the next picture. */
  const tell = () => void root.toggleAttribute("data-lit", isOn || moving !== undefined);

  function hold() {
    clearTimeout(moving);
    moving = setTimeout(() => {
      moving = undefined;
      tell();
    }, HOLD);
    tell();
  }

  function tellChoice() {
    button.setAttribute("aria-pressed", String(isOn));
    legend.hidden = !isOn;
    tell();
  }

  /** @param {boolean} wanted */
  function choose(wanted) {
    isOn = wanted;
    clearTimeout(moving);
    moving = undefined;
    awaited = false;
    links.more({ [KEY]: isOn ? ON : null });
    tellChoice();
    repaint();
  }

  /** @param {PageState} state */
  function follow(state) {
    if (isMove(last, state)) {
      awaited = true;
      hold();
    }
    last = state;
  }

  /**
   * A slow server's picture comes long after the move. It is lit as long as any other.
   * @param {Shown} shown
   * @param {PageState} state
   */
  function greet({ request }, { plane, index, strength, reach }) {
    if (!awaited || request.strength !== strength || request.reach !== reach) return;
    awaited = false;
    if (request.plane === plane && request.index === index) hold();
  }

  /**
   * @param {Shown} shown
   * @param {PageState} state
   */
  function draw(shown, state) {
    const [rows, columns] = state.scan.planes[shown.request.plane].shape;
    button.disabled = !state.shown;
    token.textContent = shown.frame.codes ? "token replaced" : "tokens are marked in acquired slices only";
    root.style.setProperty("--became", css(state.scan.colours[1]));
    layer.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    greet(shown, state);
    const { tokens, lines, fills } = root.hasAttribute("data-lit") && state.shown ? marksOf(shown, state) : NOTHING;
    mark("tokens").setAttribute("d", tokens);
    for (const name of ["casing", "rim"]) mark(name).setAttribute("d", lines);
    mark("became").replaceChildren(...fills.map(pathOf));
  }

  /** Only where it can be seen. */
  function press() {
    if (!root.checkVisibility() || button.disabled) return false;
    choose(!isOn);
    return true;
  }

  function reset() {
    const wasOn = isOn;
    choose(false);
    return wasOn ? () => choose(true) : undefined;
  }

  button.addEventListener("click", () => choose(!isOn));
  addKeys({ c: press });
  tellChoice();
  return { follow, draw, reset };
}

/** @type {Marks} */
const NOTHING = { tokens: "", lines: "", fills: [] };

/**
 * @param {Shown} shown
 * @param {PageState} state
 * @returns {Marks}
 */
function marksOf({ request, frame, clean_labels: clean }, { scan, visible }) {
  const { shape } = scan.planes[request.plane];
  const drawn = scan.classes.map((name, i) => i > 0 && visible.includes(name));
  const became = becomings(frame.labels, clean, drawn);
  const labels = scan.classes.map((_, label) => label).filter((label) => drawn[label] && became.includes(label));
  return {
    tokens: replacedCells(scan, request.plane, frame.clean_codes, frame.codes),
    lines: rim((at) => became[at] !== SAME, shape),
    fills: labels.map((label) => ({ d: boxes((at) => became[at] === label, shape), fill: css(scan.colours[label]) })),
  };
}

/** @param {readonly number[]} colour */
const css = (colour) => `rgb(${colour.join(" ")})`;

/** @param {{d: string, fill: string}} box */
function pathOf({ d, fill }) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  path.setAttribute("fill", fill);
  return path;
}
