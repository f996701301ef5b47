/* The Perturb tab: the present slice's tokens before and after the perturbation, and the output of both decoders. It uses
   the page's frames, so nothing is decoded twice. */
import { WAITING, frames } from "../../web/frames.js";
import { ownersOf } from "../../web/cells.js";
import { lightPixels, litTokens } from "../../web/lit.js";
import { coloured, overlay, paint, shapeStages } from "../../web/pictures.js";
import { store } from "../../web/store.js";
import { zoom } from "../../web/zoom.js";
import { createBands } from "./bands.js";
import { createCell } from "./cell.js";
import { createCurves } from "./curves.js";
import { createMaps } from "./maps.js";
import { createPinned } from "./pinned.js";
import { saveCurves } from "./print.js";
import { createTab } from "./tab.js";
import { createTokens } from "./tokens.js";

/**
 * @typedef {import("../../web/types").Frame} Frame
 * @typedef {import("../../web/types").FrameEvent} FrameEvent
 * @typedef {import("../../web/types").Props<import("./types").Constants>} Props
 * @typedef {import("../../web/types").Scan} Scan
 * @typedef {import("../../web/types").Shown} Shown
 * @typedef {import("../../web/types").SliceRequest} SliceRequest
 * @typedef {import("./pinned.js").Canvases} Canvases
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Server} Server
 * @typedef {import("./types").Tab} Tab
 * @typedef {ReturnType<typeof createParts>} Parts
 */

/** @type {SliceRequest | null} */
let painted = null;

/** What the tab painted last. Tests wait for it. */
export const state = () => ({ painted });

/**
 * @param {HTMLElement} element
 * @param {Props} props
 * @param {Server} server
 */
export function mount(element, props, server) {
  /** @type {Shown | null} */
  let shown = null;
  let painting = 0;
  const schedule = () => {
    if (!painting && tab.isVisible()) painting = requestAnimationFrame(draw);
  };
  const tab = createTab(element, props.value, server, () => shown, schedule);
  const parts = createParts(tab);

  function draw() {
    painting = 0;
    const scene = tab.scene();
    // The card is another component and may come later.
    if (!scene || !tab.panel.querySelector(".card table")) return;
    drawScene(tab, parts, scene);
    painted = scene.shown.request;
  }

  /** @param {FrameEvent} event */
  function receive(event) {
    if (event.waiting) {
      tab.say(WAITING);
      return;
    }
    if (event.shown) {
      const former = shown?.request;
      shown = event.shown;
      follow(parts, shown, former);
    }
    schedule();
  }

  store.onReset(() => {
    const backs = [parts.pinned.drop(), parts.maps.drop(), parts.bands.drop()].filter((back) => back !== undefined);
    if (!backs.length) return undefined;
    return () => {
      for (const back of backs) back();
    };
  });
  listen(tab, parts);
  store.subscribe(parts.tokens.dye);
  store.subscribe(schedule);
  frames.subscribe(receive);
  zoom.attach({ root: tab.root, ready: () => shown !== null, click: parts.cell.click, moved: schedule });
  new IntersectionObserver(schedule).observe(element);
  new ResizeObserver(schedule).observe(tab.canvasOf("after"));
  // The card and the plot's place may come later than this component.
  new MutationObserver(() => {
    if (!painted) schedule();
  }).observe(tab.panel, { childList: true, subtree: true });
  // The page has changed between light and dark.
  new MutationObserver(schedule).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

/** @param {Tab} tab */
function createParts(tab) {
  const [maps, bands] = [createMaps(tab), createBands(tab)];
  /**
   * Draws the output of both decoders, with the chosen map over the segmentation.
   * @param {Canvases} canvases
   * @param {Frame} frame
   * @param {Scene} scene
   */
  function drawAnswers({ segmentation, picture }, frame, { shown, view, scan, state: look }) {
    const tokens = look.lit.length && frame.clean_codes ? litTokens(frame.clean_codes, scan, look.lit) : null;
    /** @param {Uint8ClampedArray} out */
    const light = (out) => tokens && lightPixels(out, ownersOf(scan, shown.request.plane), tokens);
    paint(segmentation, view, (out) => {
      // A map has its own colours, which a light over them would falsify.
      if (maps.draw(out, shown, frame)) return;
      overlay(out, shown.colours ?? shown.image, frame.labels, view, look);
      light(out);
    });
    paint(picture, view, (out) => {
      coloured(out, frame.colours ?? frame.reconstruction);
      light(out);
    });
  }

  return {
    maps,
    drawAnswers,
    answers: { segmentation: tab.canvasOf("segmentation"), picture: tab.canvasOf("picture") },
    pinned: createPinned(tab, drawAnswers, () => maps.onShow() === "sensitivity"),
    tokens: createTokens(tab),
    cell: createCell(tab),
    bands,
    curves: createCurves(tab, bands),
  };
}

/**
 * @param {Tab} tab
 * @param {Parts} parts
 * @param {Scene} scene
 */
function drawScene(tab, parts, scene) {
  const { shown, view } = scene;
  const hasTokens = shown.frame.codes !== null;
  shapeStages(tab.root, view, shown.request.plane, scene.state);
  tab.root.toggleAttribute("data-across", !hasTokens);
  tab.say(hasTokens ? "" : acrossText(scene.scan));
  parts.tokens.draw(scene, parts.cell.chosen);
  parts.drawAnswers(parts.answers, shown.frame, scene);
  parts.pinned.draw(scene);
  parts.maps.tell(shown);
  parts.cell.tellEdits(scene.state.edits, store.canUnedit());
  parts.curves.draw(scene);
}

/** @param {Scan} scan */
function acrossText({ planes }) {
  const acquired = Object.keys(planes).find((plane) => planes[plane].acquired);
  return (
    "Only acquired slices have tokens and curves. Choose the " + acquired + " plane to see them and to force tokens."
  );
}

/**
 * Another picture is shown: drop what belongs only to the previous slice or scan.
 * @param {Parts} parts
 * @param {Shown} shown
 * @param {SliceRequest | undefined} former
 */
function follow({ cell, pinned }, { request, frame }, former) {
  const isOtherScan = former !== undefined && former.token !== request.token;
  const isOtherSlice = former !== undefined && (former.plane !== request.plane || former.index !== request.index);
  if (isOtherScan) pinned.unpin();
  if (isOtherScan || isOtherSlice) cell.forget();
  else if (frame.codes) cell.describe();
}

/**
 * Connects the tab's buttons, those on the card too.
 * @param {Tab} tab
 * @param {Parts} parts
 */
function listen(tab, { maps, pinned, bands }) {
  /** @type {Record<string, () => void>} */
  const actions = {
    pin: pinned.toggle,
    branches: () => maps.choose("branches"),
    sensitivity: () => maps.choose("sensitivity"),
    candidates: () => maps.choose("candidates"),
    cancel: maps.stop,
    bands: bands.toggle,
    undo: store.unedit,
    clear: () => store.edit([]),
  };
  tab.panel.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || !tab.scene()) return;
    const figure = target.closest("[data-figure]");
    const action = target.closest("[data-do]")?.getAttribute("data-do") ?? "";
    if (figure) saveCurves(tab, /** @type {HTMLElement} */ (figure));
    if (Object.hasOwn(actions, action)) actions[action]();
  });
}
