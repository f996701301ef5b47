/* The legend on the segmentation: what the colours are, and how large. It stands in a corner where it covers no structure, without the sizes
   if that takes it, and hides where there is none. */

import { make } from "../../web/dom.js";
import { titleOf } from "../../web/structures.js";
import { cornersOf, covers, insetsOf } from "./legend_place.js";
import { countsOf, extentOf, sizeOf } from "./sizes.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Shown} Shown */

const EDGE = 6; // pixels between the legend and the frame
const LETTER = 24; // of the edges' letters, which stay in sight
const REST = 120; // milliseconds without a change before it looks for another corner

/**
 * @param {HTMLElement} root
 * @param {() => boolean} isMirrored
 */
export function createLegend(root, isMirrored) {
  const stage = /** @type {HTMLElement} */ (root.querySelector("[data-panel=labels] .stage"));
  const legend = /** @type {HTMLElement} */ (stage.querySelector(".key"));
  const canvas = /** @type {HTMLCanvasElement} */ (stage.querySelector("canvas"));
  /** @type {{shown: Shown, state: PageState} | null} */
  let drawn = null;
  let written = "";
  let corner = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  /**
   * @param {Shown} shown
   * @param {PageState} state
   */
  function draw(shown, state) {
    drawn = { shown, state };
    write(drawn);
    placeSoon();
  }

  /** @param {{shown: Shown, state: PageState}} drawn */
  function write({ shown, state }) {
    const { scan, visible } = state;
    const { request, frame, voxels, voxel_ml: voxelMl } = shown;
    const isSlice = scan.planes[request.plane].count === 1 && scan.planes[request.plane].acquired;
    // The labels on show are the whole of such a scan.
    const counts = isSlice ? countsOf(frame.labels, scan.classes.length) : voxels;
    const rows = scan.classes.flatMap((name, label) => (label && visible.includes(name) ? [[name, label]] : []));
    const extent = extentOf({ isSlice, isPerturbed: request.strength > 0 || request.edits.length > 0, voxelMl });
    const told = JSON.stringify([rows, counts, voxelMl, extent, scan.colours]);
    legend.hidden = !state.shown || !rows.length;
    if (told === written) return;
    written = told;
    legend.replaceChildren(
      ...rows.map(([name, label]) =>
        entry(String(name), scan.colours[Number(label)], sizeOf(counts[Number(label)], voxelMl)),
      ),
      make("li", { className: "extent" }, extent),
    );
  }

  /** Measuring waits until a slider rests. */
  function placeSoon() {
    clearTimeout(resting);
    resting = setTimeout(place, REST);
  }

  function place() {
    if (!drawn || legend.hidden || !legend.offsetParent) return;
    const found = freePlace(drawn);
    legend.toggleAttribute("data-covering", !found);
    if (!found) return;
    const frame = stage.getBoundingClientRect();
    legend.style.left = found.box.left - frame.left + "px";
    legend.style.top = found.box.top - frame.top + "px";
    legend.dataset.over = found.over;
  }

  /**
   * The first way that covers no structure: with sizes, clear of the edges' letters or over one; else the names alone.
   * @param {{shown: Shown, state: PageState}} drawn
   */
  function freePlace({ shown, state }) {
    const view = state.scan.planes[shown.request.plane];
    if (!view) return null;
    const isDrawn = state.scan.classes.map((name, label) => label > 0 && state.visible.includes(name));
    const [frame, picture] = [stage.getBoundingClientRect(), canvas.getBoundingClientRect()];
    for (const isShort of [false, true]) {
      legend.toggleAttribute("data-short", isShort);
      const size = { width: legend.offsetWidth, height: legend.offsetHeight };
      if (size.width + 2 * EDGE > frame.width || size.height + 2 * EDGE > frame.height) continue;
      const insets = insetsOf(frame.width, size.width, EDGE, LETTER);
      for (const inset of insets) {
        const corners = cornersOf(frame, size, EDGE, inset);
        const free = [corner, 0, 1, 2, 3].find(
          (at) => !covers(corners[at], picture, shown.frame.labels, view.shape, isDrawn, isMirrored()),
        );
        if (free === undefined) continue;
        corner = free;
        const isOver = inset === EDGE && insets.length > 1;
        return { box: corners[free], over: isOver ? (free % 2 ? "top" : "bottom") : "" };
      }
    }
    return null;
  }

  new ResizeObserver(placeSoon).observe(stage);
  return { draw, placeSoon };
}

/**
 * @param {string} name
 * @param {readonly number[]} colour
 * @param {string} size
 */
function entry(name, colour, size) {
  const made = make("li", {}, make("i"), make("span", {}, titleOf(name)), make("b", {}, size));
  made.style.setProperty("--colour", "rgb(" + colour.join(" ") + ")");
  return made;
}
