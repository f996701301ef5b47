/* The crosshair. Clicks, keys and the page's slice slider move it, and it moves the slider. */
import { setSlider } from "../../web/keys.js";
import { store } from "../../web/store.js";
import { within } from "./grid.js";

/** @typedef {import("./types").About} About */
/** @typedef {import("./types").Voxel} Voxel */

const ECHO = 1000; // milliseconds that the slider may need to reach the place it was sent to

/** Where the slider was sent to and has not arrived. @typedef {{plane: string, index: number, until: number}} Sent */

/**
 * Whether the slider has not yet reached the place it was sent to, and so reports values in between.
 * @param {Sent | null} sent
 * @param {{plane: string, index: number}} page
 * @param {number} now
 */
export function isPassing(sent, { plane, index }, now) {
  return sent !== null && sent.plane === plane && now < sent.until && index !== sent.index;
}

/**
 * @param {object} context
 * @param {() => void} context.moved
 * @returns {import("./types").Crosshair}
 */
export function createCrosshair({ moved }) {
  /** @type {About | null} */
  let about = null;
  /** @type {Voxel | null} */
  let voxel = null;
  /** @type {Sent | null} */
  let sent = null;
  let sending = 0;

  /** @param {Voxel} next */
  function put(next) {
    if (next.every((v, i) => v === voxel?.[i])) return;
    voxel = next;
    moved();
  }

  /** @param {Voxel} next */
  function move(next) {
    put(next);
    if (!store.state || !about) return;
    const { plane, index } = store.state;
    const place = next[about.axes[plane]];
    if (place === (sent?.index ?? index)) return;
    sent = { plane, index: place, until: performance.now() + ECHO };
    // A drag passes many voxels between two pictures. The slider gets only the last one.
    sending ||= requestAnimationFrame(() => {
      sending = 0;
      if (sent) setSlider("slice", sent.index);
    });
  }

  /** @param {string} plane @param {number} slices */
  function scroll(plane, slices) {
    if (!about || !voxel) return;
    const { axes, steps, shape } = about;
    move(voxel.map((v, i) => (i === axes[plane] ? within(v + slices * steps[i], shape[i]) : v)));
  }

  /** @param {import("./types").PageState} page */
  function follow(page) {
    if (!about || !voxel || isPassing(sent, page, performance.now())) return;
    sent = null;
    const axis = about.axes[page.plane];
    put(voxel.map((v, i) => (i === axis ? page.index : v)));
  }

  return {
    move,
    scroll,
    follow,
    start(scan, isSame) {
      about = scan;
      if (!isSame || !voxel) voxel = scan.start;
      sent = null;
    },
    get voxel() {
      return voxel;
    },
  };
}
