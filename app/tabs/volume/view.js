/* The Volume tab: the present scan and its labels in planes and 3D, with a crosshair that the other tabs share. Nothing is
   requested while the tab is closed. */
import { cine } from "../../web/cine.js";
import { caseOf } from "../../web/cine_frames.js";
import { channelOf } from "../../web/frame_order.js";
import { store } from "../../web/store.js";
import { createCrosshair } from "./crosshair.js";
import { beside, directionOf, isMirrored, stepOf } from "./grid.js";
import { createLabels } from "./labels.js";
import { createOpening } from "./opening.js";
import { createScreen } from "./screen.js";
import { createSource } from "./source.js";
import { createViewer } from "./viewer.js";
import { createNotes, createProgressBar, thinningNote } from "./words.js";

/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").ScanVolume} ScanVolume */
/** @typedef {import("./types").ScanWish} ScanWish */

const NO_VOLUME =
  "A single picture has no volume. Choose a scan with several slices to see it in three planes and in 3D.";
const LARGE_STEP = 5;
const PATIENCE = 3000; // milliseconds that a cine which plays waits for this tab
// Parts that are hidden without a volume.
const PARTS = [".bar", ".readout", ".figures", ".keys"];

/** @type {() => import("./types").OnShow} */
let onShow = () => ({ view: null, painted: null });

/** What the tab shows. */
export const state = () => onShow();

/**
 * @param {HTMLElement} element
 * @param {import("../../web/types").Props<{volumes: string, niivue: string}>} props
 */
export function mount(element, props) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".volume"));
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const visible = () => element.offsetParent !== null;
  const kind = () => kindIn(root);
  // Relative to the address that the page is served from.
  const [volumes, library] = [props.value.volumes, props.value.niivue].map((path) => new URL(path, location.href));
  const [note, progress] = [createNotes(part(".notice")), createProgressBar(part(".progress"))];
  /** @type {ScanWish & {volume: ScanVolume} | null} */
  let open = null;
  let placed = ""; // the case whose crosshair was placed
  const source = createSource(volumes);
  const crosshair = createCrosshair({ moved: () => screen.place() });
  const report = { moved: crosshair.move, scrolled: crosshair.scroll, lost };
  const viewer = createViewer({ root, library, report, note });
  const labels = createLabels({ source, note, progress, changed: () => screen.paint() });
  const opening = createOpening({ source, viewer, note, progress, leave, opened });
  const screen = createScreen({ root, viewer, labels, crosshair, open: () => (visible() ? open : null) });
  onShow = () => ({ view: viewer.view, painted: screen.painted() });

  function follow() {
    const page = store.state;
    if (!page || !visible()) return stop();
    const isFlat = Object.values(page.scan.planes).some((plane) => plane.count < 2);
    showEmpty(root, isFlat ? NO_VOLUME : "");
    if (isFlat) return stop();
    showChoices(root, page);
    const wish = { token: page.scan.token, channel: channelOf(page.scan, page.channel) };
    const isFor = (/** @type {ScanWish | null} */ one) => one?.token === wish.token && one.channel === wish.channel;
    if (isFor(open)) {
      crosshair.follow(page);
      wantLabels(page);
    } else if (!isFor(opening.wish)) {
      stop();
      opening.open(wish);
    }
  }

  function stop() {
    opening.stop();
    labels.stop();
  }

  function leave() {
    open = null;
    labels.forget();
  }

  /** @param {ScanWish} wish @param {ScanVolume} volume */
  function opened(wish, volume) {
    const page = store.state;
    if (!page) return;
    open = { ...wish, volume };
    note("thinning", thinningNote(volume.about));
    // Another frame of the same heart: the visitor goes on looking at the same place.
    crosshair.start(volume.about, placed === caseOf(wish.token));
    placed = caseOf(wish.token);
    crosshair.follow(page);
    screen.place();
    wantLabels(page, 0);
  }

  /** Until the frame on show is drawn here, so that no frame of a cine which plays is left out. */
  async function settled() {
    const until = performance.now() + PATIENCE;
    const isDrawn = () => open?.token === store.state?.scan.token && labels.isThere;
    while (visible() && part(".empty").hidden && !isDrawn() && performance.now() < until) {
      await new Promise((drawn) => requestAnimationFrame(drawn));
    }
  }

  async function lost() {
    if (!viewer.lose() || !open) return;
    await viewer.view?.load(open.volume);
    screen.place();
    screen.paint();
  }

  /** @param {PageState} page @param {number} [rest] */
  function wantLabels(page, rest) {
    screen.draw();
    labels.want(page, kind(), rest);
  }

  /** Arrow keys move in the directions of the chosen plane's picture. If only the 3D view is shown, they turn it. @param {KeyboardEvent} event */
  function press(event) {
    const [page, { voxel }] = [store.state, crosshair];
    if (event.ctrlKey || event.metaKey || event.altKey || !open || !page || !voxel) return;
    const { plane, scan, convention } = page;
    const { about } = open.volume;
    const step = stepOf(event.key, about.axes[plane], scan.planes[plane], isMirrored(convention, plane));
    if (!step) return;
    event.preventDefault();
    const along = directionOf(event.key);
    if (along && viewer.layout === "render") viewer.view?.turn(along[0], -along[1]);
    else crosshair.move(beside(about, voxel, step, event.shiftKey ? LARGE_STEP : 1));
  }

  part("[data-choice=labels]").addEventListener("change", () => {
    if (open && store.state) wantLabels(store.state, 0);
  });
  part(".stage").addEventListener("keydown", press);
  part(".stage").addEventListener("pointerdown", () => part(".stage").focus({ preventScroll: true }));
  cine.waitFor(settled);
  new IntersectionObserver(follow).observe(element);
  store.onReset(() => viewer.view?.reset());
  store.subscribe(follow);
}

/** @param {HTMLElement} root */
function kindIn(root) {
  /** @type {HTMLInputElement | null} */
  const input = root.querySelector("[data-choice=labels] input:checked");
  return /** @type {import("./types").Kind} */ (input?.value ?? "present");
}

/** @param {HTMLElement} root @param {PageState} page */
function showChoices(root, { strength, scan }) {
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  part("[data-text=strength]").textContent = strength.toFixed(2);
  part("[data-needs=truth]").hidden = !scan.truth;
  const present = /** @type {HTMLInputElement} */ (part("[value=present]"));
  if (!scan.truth && kindIn(root) === "truth") present.checked = true;
}

/** @param {HTMLElement} root @param {string} message why there is no volume, "" if there is one */
function showEmpty(root, message) {
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  part(".empty").textContent = message;
  part(".empty").hidden = !message;
  if (message) part(".legend").hidden = true;
  for (const selector of PARTS) part(selector).hidden = message !== "";
}
