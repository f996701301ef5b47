/* The strip at the foot of the page while a scan is being opened: its name, the progress and a button to cancel. */

import * as openings from "../web/openings.js";

/** @typedef {import("../web/types").Opening} Opening */
/** @typedef {{stage: "waiting" | "reading" | "loading" | "encoding", share: number, ahead: number,
    seconds?: number | null, over?: boolean}} Told */
/** @typedef {{progress: (ticket: string) => Promise<Told | undefined>, cancel: (ticket: string) => Promise<void>}} Server */

// Milliseconds: a scan that opens at once needs no strip.
const AT_FIRST = 400;
const AFTERWARDS = 250;
const STAGES = {
  waiting: "waiting",
  reading: "reading the file",
  loading: "loading the checkpoint",
  encoding: "encoding the slices",
};

/**
 * The progress of an opening in words.
 * @param {Told | undefined} told
 */
export function describe(told) {
  if (!told) return "the server is not answering";
  if (told.stage === "encoding") return STAGES.encoding + " " + Math.round(100 * told.share) + " %";
  if (!told.ahead) return STAGES[told.stage];
  const wait = told.seconds ? ", about " + told.seconds + " s" : "";
  return STAGES[told.stage] + " for " + told.ahead + (told.ahead === 1 ? " other scan" : " other scans") + wait;
}

/**
 * @param {HTMLElement} element
 * @param {unknown} _props
 * @param {Server} server
 */
export function mount(element, _props, server) {
  const strip = createStrip(/** @type {HTMLElement} */ (element.querySelector(".opening")));
  /** @type {Opening | null} */
  let present = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {Opening | null} newest */
  function follow(newest) {
    clearTimeout(timer);
    present = newest;
    if (!newest || newest.stopped) strip.hide();
    else timer = setTimeout(look, strip.isHidden() ? AT_FIRST : 0, newest);
  }

  /** @param {Opening} mine */
  async function look(mine) {
    const told = await server.progress(mine.ticket);
    if (mine !== present || mine.stopped) return;
    if (told?.over) return strip.hide();
    strip.tell(mine, told);
    timer = setTimeout(look, AFTERWARDS, mine);
  }

  function stop() {
    if (present) server.cancel(present.ticket);
    openings.stop();
  }

  strip.button.addEventListener("click", stop);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !strip.isHidden()) stop();
  });
  openings.subscribe(follow);
}

/** @param {HTMLElement} root */
function createStrip(root) {
  const title = /** @type {HTMLElement} */ (root.querySelector("[data-text=title]"));
  const stage = /** @type {HTMLElement} */ (root.querySelector("[data-text=stage]"));
  const bar = /** @type {HTMLProgressElement} */ (root.querySelector("progress"));
  const button = /** @type {HTMLButtonElement} */ (root.querySelector("button"));

  /**
   * @param {Opening} opening
   * @param {Told | undefined} told
   */
  function tell(opening, told) {
    title.textContent = title.title = opening.title;
    stage.textContent = describe(told);
    if (told?.stage === "encoding") bar.value = told.share;
    else bar.removeAttribute("value");
    root.hidden = false;
  }

  return { tell, button, hide: () => void (root.hidden = true), isHidden: () => root.hidden };
}
