/* The See tab: one slice in four linked pictures that follow the sidebar at once. */

import { caseOf } from "../../web/cine_frames.js";
import { frames } from "../../web/frames.js";
import { setSlider } from "../../web/keys.js";
import { store } from "../../web/store.js";
import { suggestion } from "../../web/suggestion.js";
import { inWords, level } from "../../web/window.js";
import { createChanged } from "./changed.js";
import { createEnlarge } from "./enlarge.js";
import { createGain } from "./gain.js";
import { createKnown } from "./known.js";
import { createLegend } from "./legend.js";
import { createNothing } from "./nothing.js";
import { createNotes } from "./notes.js";
import { createPanels } from "./panels.js";
import { followPointer } from "./pointer.js";
import { createProfile } from "./profile.js";
import { createResults } from "./results.js";
import { createScrubs } from "./scrubs.js";
import { savePictures } from "./slice_picture.js";
import { createStatus } from "./status.js";

/** @typedef {import("../../web/types").Ask} Ask */
/** @typedef {import("../../web/types").FrameEvent} FrameEvent */
/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */

/**
 * @param {HTMLElement} element
 * @param {unknown} _props
 * @param {{frame: Ask, fitting: import("./known.js").AskFitting,
    results: import("./results.js").AskResults, profile: import("./profile.js").AskProfile,
    picture: import("./slice_picture.js").AskPicture}} server
 * @param {(event: string) => void} trigger begins an event of Gradio
 */
export function mount(element, _props, server, trigger) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".viewer"));
  suggestion.open = () => trigger("submit");
  const known = createKnown(root, (request) => server.fitting(request), suggestion.open);
  const see = createSee(root, known);
  followPointer(root, see);
  root.querySelector("[data-text=lit]")?.addEventListener("click", () => store.light([]));
  root.querySelector(".busy button")?.addEventListener("click", () => setSlider("strength", 0));
  const results = createResults(root, (question) => server.results(question));
  const profile = createProfile(root, (question) => server.profile(question));
  savePictures(root, (question) => server.picture(question));
  store.subscribe(see.follow);
  store.subscribe(results.follow);
  store.subscribe(profile.follow);
  store.onReset(see.reset);
  store.onReset(profile.reset);
  frames.subscribe(see.receive);
  frames.connect((request) => server.frame(request));
}

/**
 * @param {HTMLElement} root
 * @param {ReturnType<typeof createKnown>} known
 */
function createSee(root, known) {
  const status = createStatus(root);
  const notes = createNotes(root);
  const scrubs = createScrubs(root);
  const panels = createPanels(root);
  const { toggle } = createEnlarge(root);
  const changed = createChanged(root, repaint);
  const nothing = createNothing(root);
  const legend = createLegend(root, panels.isMirrored);
  const gain = createGain(root, repaint);
  /** @type {Shown | null} */
  let shown = null; // what the canvases show
  /** @type {Scan | null} */
  let described = null; // the scan whose name is written
  let painting = 0;

  /** @param {PageState} state */
  function follow(state) {
    // The previous scan stays, dimmed and with its own name and figures, until the new one's first picture is there.
    status.leave(shown !== null && caseOf(shown.request.token) !== caseOf(state.scan.token));
    status.tellLit(state.lit.length);
    scrubs.draw(state);
    changed.follow(state);
    repaint();
  }

  /** @param {FrameEvent} event */
  function receive(event) {
    if (event.error) status.say(event.error);
    if (event.waiting) status.tellWaiting();
    else if (event.progress) status.tellProgress(event.progress);
    else if (event.shown || event.error) status.tellProgress(null);
    if (!event.shown) return;
    shown = event.shown;
    status.say("");
    repaint();
  }

  function repaint() {
    if (shown && !painting) painting = requestAnimationFrame(draw);
  }

  function draw() {
    painting = 0;
    const { state } = store;
    // The pictures of another scan are still to come.
    if (!shown || state?.scan.token !== shown.request.token) return;
    if (described !== state.scan) {
      notes.tell(state.scan.notes);
      status.describe((described = state.scan));
      known.describe(described);
    }
    status.leave(false);
    const input = level.input(shown, state.range) ?? shown.colours ?? shown.image;
    status.tellWindow(inWords(level.range(shown, state.range)));
    panels.draw(shown, input, state, gain.value());
    changed.draw(shown, state);
    nothing.draw(shown, state);
    legend.draw(shown, state);
    status.tellFigures(shown, state);
    status.tellChange(shown, state.scan);
  }

  /** Called when something is painted. */
  function grabWindow() {
    const slice = /** @type {Shown} */ (shown);
    const drag = level.grab(slice, store.state?.range ?? "network");
    return (/** @type {number} */ x, /** @type {number} */ y) => {
      drag(x, y);
      repaint();
    };
  }

  /** @returns {(() => void) | undefined} what brings back what it has dropped */
  function reset() {
    const backs = [level.forget(), changed.reset(), gain.reset()].filter((back) => back !== undefined);
    repaint();
    if (!backs.length) return undefined;
    return () => {
      for (const back of backs) back();
      repaint();
    };
  }

  /** The present plane; undefined while another scan's pictures are still to come. */
  function view() {
    const { state } = store;
    return state?.scan.token === shown?.request.token ? state?.scan.planes[shown?.request.plane ?? ""] : undefined;
  }

  return {
    follow,
    receive,
    reset,
    isPainted: () => shown !== null,
    view,
    isMirrored: panels.isMirrored,
    grabWindow,
    moved: legend.placeSoon,
    enlarge: (/** @type {HTMLElement} */ stage) => toggle(stage.closest("figure")),
    /** @param {import("../../web/types").Pixel} pixel */
    tellPixel(pixel) {
      if (shown && store.state) status.tellPixel(pixel, shown, store.state.scan);
    },
  };
}
