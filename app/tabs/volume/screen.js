/* What the stage and the lines below it show: the labels, the crosshair, the values under it and the structures' sizes. */
import { make } from "../../web/dom.js";
import { store } from "../../web/store.js";
import { figuredOf, legendOf, lookOf, shownOf } from "./look.js";
import { readoutOf, structurePart } from "./words.js";

/** @typedef {import("./types").Labels} Labels */
/** @typedef {import("./types").PageState} PageState */

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {import("./types").Viewer} context.viewer
 * @param {{readonly shown: Labels | null, readonly soFar: import("./types").SoFar | null}} context.labels
 * @param {import("./types").Crosshair} context.crosshair
 * @param {() => {token: string, volume: import("./types").ScanVolume} | null} context.open the scan that can be drawn now
 */
export function createScreen({ root, viewer, labels, crosshair, open }) {
  const readout = /** @type {HTMLElement} */ (root.querySelector("[data-text=readout]"));
  const legend = /** @type {HTMLElement} */ (root.querySelector(".legend"));
  const figures = /** @type {HTMLElement} */ (root.querySelector(".figures"));
  /** @type {import("./types").OnShow["painted"]} */
  let painted = null;
  let drawing = 0;
  let last = "";

  function draw() {
    drawing ||= requestAnimationFrame(paint);
  }

  function paint() {
    cancelAnimationFrame(drawing);
    drawing = 0;
    const [page, scan, { view }, { shown }] = [store.state, open(), viewer, labels];
    if (!page || !scan || !view || scan.token !== page.scan.token) return;
    const look = lookOf(page, scan.volume.about, shown?.kind);
    const key = JSON.stringify([scan.token, shown?.key, view.name, look]);
    // Drawing is slow, and most changes of the page do not concern this tab.
    if (key !== last) view.show({ ...look, labels: shown && page.shown ? shownOf(shown, look.drawn) : null });
    last = key;
    read();
    if (!shown) return;
    figures.replaceChildren(...(labels.soFar ? partsOf(page, labels.soFar, "present") : figuresOf(page, shown)));
    figures.toggleAttribute("data-so-far", labels.soFar !== null);
    tellColours(page, shown);
    painted = { kind: shown.kind, share: shown.present.about.replaced_share ?? 0 };
  }

  /** @param {PageState} page @param {Labels} of */
  function tellColours(page, of) {
    const entries = legendOf(of, page).map(([words, colour]) => {
      const entry = make("li", {}, words);
      entry.style.setProperty("--colour", `rgb(${colour.join(" ")})`);
      return entry;
    });
    legend.replaceChildren(...entries);
    legend.hidden = !entries.length || !page.shown;
  }

  /** Draw the crosshair at its place. */
  function place() {
    if (crosshair.voxel) viewer.view?.place(crosshair.voxel);
    read();
  }

  /** Tell what lies under the crosshair. */
  function read() {
    const [page, scan, { voxel }] = [store.state, open(), crosshair];
    if (page && scan && voxel) readout.textContent = readoutOf(page.scan, scan.volume, labels.shown, voxel);
  }

  return { draw, paint, place, painted: () => painted };
}

/** @param {PageState} page @param {import("./types").SoFar} told @param {"truth" | "clean" | "present"} kind */
function partsOf({ scan }, { figures, before }, kind) {
  return figures.map((one, i) => structurePart(scan, i + 1, one, before[i], kind));
}

/** @param {PageState} page @param {Labels} labels */
function figuresOf(page, labels) {
  const chosen = figuredOf(labels);
  return partsOf(page, { figures: labels[chosen]?.about.figures ?? [], before: labels.clean.about.figures }, chosen);
}
