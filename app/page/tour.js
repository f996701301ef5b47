/* "Try this": three steps that move the page's own sliders. What the visitor had comes back by one undo. */

import { frames } from "../web/frames.js";
import { setSlider } from "../web/keys.js";
import { lastPosition, reachAt } from "../web/reach_scale.js";
import { store } from "../web/store.js";
import { STEPS, way } from "./tour_steps.js";

const PACE = 200; // milliseconds between two stops of a slider
const HOLD = 9000; // milliseconds to read and look
const MODE = "resample"; // the replacement that has a reach
const SETTINGS = ["plane", "index", "strength", "mode", "seed", "reach"]; // that a picture is of
const MARKS = ".viewer [data-do=changed]";
const MOVES = /^([[\],.0xru]|Arrow.*)$/i; // keys that move what the tour moves

/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** @param {boolean} wanted whether the changes stay marked */
function mark(wanted) {
  const button = find(MARKS);
  if (button && (button.getAttribute("aria-pressed") === "true") !== wanted) button.click();
}

/** The plane of the acquired slices, and the replacement that has a reach. */
function prepare() {
  find("[role=tab][data-tab-id=see]")?.click();
  const { state } = store;
  const plane = Object.entries(state?.scan.planes ?? {}).find(([, view]) => view.acquired)?.[0];
  if (state && plane && plane !== state.plane) find(`#plane input[value=${plane}]`)?.click();
  if (state?.mode !== MODE) find(`#mode input[value=${MODE}]`)?.click();
}

/** What brings back what no control of the sidebar says. */
function others() {
  const isMarked = find(MARKS)?.getAttribute("aria-pressed") === "true";
  const tab = find("[role=tab][data-tab-id][aria-selected=true]")?.dataset.tabId;
  return [() => mark(isMarked), () => find(`[role=tab][data-tab-id=${tab}]`)?.click()];
}

/** @param {HTMLElement} root the page's top */
export function createTour(root) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(name));
  const [title, strip, say, spoken] = [".title", ".tour", ".told", "[data-text=announced]"].map(part);
  const [begin, back, pause, next, leave] = ["tour", "back", "pause", "next", "leave"].map((one) =>
    part(`[data-do=${one}]`),
  );
  let at = -1; // the step; -1 while there is no tour
  let token = "";
  /** @type {ReturnType<typeof store.keep>} what the visitor had */
  let kept = null;
  let isPaused = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {import("./tour_steps.js").Stop[]} */
  let ahead = [];
  let isTold = false;

  /** @param {number} index */
  function go(index) {
    if (index >= STEPS.length) return end();
    const { state } = store;
    const step = STEPS[index];
    if (!state) return end();
    const last = lastPosition(state.scan.reach);
    const to = { strength: step.strength, position: step.isFar ? last : 0 };
    const former = STEPS[index - 1];
    // A step that was cut short is gone to its end first.
    const from = { strength: step.from ?? former.strength, position: former?.isFar ? last : 0 };
    at = index;
    isTold = false;
    ahead = isCalm() ? [to] : [from, ...way(from, to)];
    part(".step").textContent = step.title;
    say.textContent = spoken.textContent = step.doing;
    next.textContent = index === STEPS.length - 1 ? "Done" : "Next";
    if (step.marks) mark(true);
    move();
  }

  function move() {
    clearTimeout(timer);
    const stop = ahead.shift();
    if (!stop || !store.state) return;
    store.moveReach(reachAt(stop.position, store.state.scan.reach));
    setSlider("strength", stop.strength);
    if (ahead.length && !isPaused) timer = setTimeout(move, PACE);
    else arrive();
  }

  /** Whether the picture of the step's end is there. */
  function isThere() {
    const { state } = store;
    if (at < 0 || ahead.length || isTold || !frames.shown || state?.strength !== STEPS[at].strength) return false;
    const { request } = frames.shown;
    return SETTINGS.every((name) => Reflect.get(request, name) === Reflect.get(state, name));
  }

  /** The sentence waits for the picture that it tells of. */
  async function arrive() {
    if (!isThere() || !frames.shown) return;
    isTold = true;
    const [index, { frame }] = [at, frames.shown];
    const clean = await frames.frameOf({ strength: 0, edits: [] });
    if (at !== index || !isTold) return;
    // Without an answer the step goes on with what it says already.
    if (clean) say.textContent = spoken.textContent = STEPS[at].done(frame, clean);
    hold();
  }

  function hold() {
    clearTimeout(timer);
    if (isTold && !isPaused && !isCalm()) timer = setTimeout(() => go(at + 1), HOLD);
  }

  function start() {
    if (!store.state || at >= 0) return;
    kept = store.keep(others());
    token = store.state.scan.token;
    prepare();
    title.hidden = true;
    strip.hidden = false;
    pause.hidden = isCalm();
    pauseIf(false);
    next.focus();
    scrollTo({ top: 0, behavior: isCalm() ? "auto" : "smooth" });
    go(0);
  }

  /** @param {boolean} wanted */
  function pauseIf(wanted) {
    if (isPaused === wanted) return;
    isPaused = wanted;
    pause.setAttribute("aria-pressed", String(wanted));
    clearTimeout(timer);
    if (wanted || at < 0) return;
    if (ahead.length) move();
    else hold();
  }

  function end() {
    if (at < 0) return;
    const held = strip.contains(document.activeElement);
    clearTimeout(timer);
    at = -1;
    ahead = [];
    spoken.textContent = "";
    strip.hidden = true;
    title.hidden = false;
    offerBack();
    if (held) begin.focus();
  }

  function offerBack() {
    back.hidden = !kept || store.nextUndo !== kept;
  }

  /** @param {Event} event by the visitor, who then leads */
  function giveWay(event) {
    if (at < 0 || !event.isTrusted || strip.contains(/** @type {Node} */ (event.target))) return;
    end();
  }

  begin.addEventListener("click", start);
  leave.addEventListener("click", end);
  next.addEventListener("click", () => {
    pauseIf(false);
    go(at + 1);
  });
  pause.addEventListener("click", () => pauseIf(!isPaused));
  back.addEventListener("click", () => {
    find("#undo-reset")?.click();
    begin.focus();
  });
  document.addEventListener("input", giveWay, true);
  document.addEventListener(
    "keydown",
    (event) => {
      if (at < 0) return;
      if (event.key === "Escape") end();
      else if (MOVES.test(event.key)) giveWay(event);
    },
    true,
  );
  frames.subscribe(arrive);
  store.onReset(() => {
    end();
    offerBack();
  });
  store.subscribe(({ scan }) => {
    if (at >= 0 && scan.token !== token) end();
    if (!back.hidden) offerBack();
  });
}
