/* What is painted with: the structure, the tool, the size of the brush; and what is done to the slice as a whole. */

import { make } from "../../web/dom.js";
import { addKeys, setSlider } from "../../web/keys.js";
import { titleOf } from "../../web/structures.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */
/** @typedef {import("./types").Tool} Tool */

const SIZE_STEP = 4; // pixels of one press of a key
const ERASER = "Eraser";

/** @param {Context} context */
export function createTools(context) {
  const { root, tools, corrections, find, schedule, isVisible } = context;
  const list = find(".structures .list");
  const size = /** @type {HTMLInputElement} */ (find(".size input"));
  let listed = ""; // the classes that the buttons are of

  /** @param {number} label */
  function choose(label) {
    const count = context.scene()?.scan.classes.length ?? 0;
    if (label >= count) return false;
    tools.label = label;
    schedule();
    return true;
  }

  /** @param {Tool} tool */
  function take(tool) {
    tools.tool = tool;
    schedule();
  }

  /** @param {number} to */
  function resize(to) {
    size.value = String(to);
    tools.size = Number(size.value);
    schedule();
  }

  /**
   * Take in what becomes of the slice on show as a whole.
   * @param {(scene: Scene) => {labels?: Uint8Array, isRight?: boolean}} of
   */
  function remake(of) {
    const scene = context.scene();
    if (scene) corrections.change(scene.key, scene.index, scene.shown.clean_labels, of(scene));
    schedule();
  }

  /** A step back or forth shows the slice that it changes. @param {"undo" | "redo"} way */
  function step(way) {
    const scene = context.scene();
    const index = scene && corrections[way](scene.key);
    // Another slice may be on its way already.
    if (scene && index !== null && index !== scene.state.index) setSlider("slice", index);
    schedule();
  }

  /** @type {Record<string, () => void>} */
  const actions = {
    undo: () => step("undo"),
    redo: () => step("redo"),
    network: () => remake(({ shown }) => ({ labels: shown.clean_labels.slice(), isRight: false })),
    empty: () => remake(({ shown }) => ({ labels: new Uint8Array(shown.clean_labels.length), isRight: false })),
    right: () => remake(({ key, index }) => ({ isRight: !corrections.sliceAt(key, index)?.isRight })),
  };

  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    const { do: action, tool, label } = button?.dataset ?? {};
    if (action) actions[action]?.();
    if (tool) take(/** @type {Tool} */ (tool));
    if (label) choose(Number(label));
  });
  size.addEventListener("input", () => resize(Number(size.value)));

  /** @type {(action: (event: KeyboardEvent) => boolean | void) => (event: KeyboardEvent) => boolean | void} */
  const here = (action) => (event) => (isVisible() && context.scene() ? action(event) : false);
  addKeys({
    ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [digit, here(() => choose(digit))])),
    e: here(() => choose(0)),
    b: here(() => take("brush")),
    g: here(() => take("fill")),
    m: here(() => take("move")),
    "[": here(() => resize(tools.size - SIZE_STEP)),
    "]": here(() => resize(tools.size + SIZE_STEP)),
    u: here(({ shiftKey }) => step(shiftKey ? "redo" : "undo")),
  });

  /** @param {Scene} scene */
  function listClasses({ scan }) {
    const now = JSON.stringify([scan.classes, scan.colours]);
    if (now === listed) return;
    listed = now;
    if (tools.label >= scan.classes.length) tools.label = 1;
    const buttons = scan.classes.map((name, label) => {
      const swatch = make("i");
      swatch.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
      const key = label <= 9 ? make("kbd", { "aria-hidden": "true" }, label || "E") : null;
      const button = make("button", { type: "button" }, swatch, make("span", {}, label ? titleOf(name) : ERASER), key);
      button.dataset.label = String(label);
      return button;
    });
    list.replaceChildren(...buttons.slice(1), buttons[0]);
  }

  /** @param {Scene} scene */
  function draw(scene) {
    listClasses(scene);
    const slice = corrections.sliceAt(scene.key, scene.index);
    /** @type {(selector: string, isPressed: (data: DOMStringMap) => boolean) => void} */
    const press = (selector, isPressed) => {
      for (const one of root.querySelectorAll(selector)) {
        one.setAttribute("aria-pressed", String(isPressed(/** @type {HTMLElement} */ (one).dataset)));
      }
    };
    press("[data-label]", ({ label }) => Number(label) === tools.label);
    press("[data-tool]", ({ tool }) => tool === tools.tool);
    press("[data-do=right]", () => slice?.isRight ?? false);
    find(".size output").textContent = String(tools.size);
    /** @type {(action: string, can: boolean) => void} */
    const allow = (action, can) => {
      find(`[data-do=${action}]`).toggleAttribute("disabled", !can);
    };
    allow("undo", corrections.canUndo(scene.key));
    allow("redo", corrections.canRedo(scene.key));
    allow("network", slice?.isCorrected ?? false);
    root.dataset.tool = tools.tool;
  }

  return { draw };
}
