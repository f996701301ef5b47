/* Loads plotly.js while the visitor looks at the first picture. It is large: the browser needs a second to read it, and
   would otherwise spend that second when the visitor opens a tab with plots. */

import { facts } from "../web/facts.js";
import { frames } from "../web/frames.js";
import { plotly } from "../web/plotly.js";

const CALM = 2500; // milliseconds without a move by the visitor
const MOVES = ["pointermove", "pointerdown", "keydown", "wheel", "input", "touchstart"];
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/** @param {() => void} then */
function whenIdle(then) {
  if (window.requestIdleCallback) window.requestIdleCallback(then);
  else setTimeout(then, 0);
}

function fetchPlots() {
  stop();
  // The same address that Gradio uses: the browser then reads the library only once.
  /** @type {HTMLScriptElement | null} */
  const neighbour = document.querySelector("script[type=module][src*='assets/']");
  if (!neighbour || plotly()) return;
  const address = new URL(facts.plotly, neighbour.src).href;
  whenIdle(() => void import(address).catch(() => {}));
}

function postpone() {
  clearTimeout(waiting);
  waiting = setTimeout(fetchPlots, CALM);
}

function stop() {
  clearTimeout(waiting);
  for (const name of MOVES) removeEventListener(name, postpone, true);
}

/** Waits for the first picture and then for a pause in the visitor's input. */
export function fetchPlotsAhead() {
  const { connection } = /** @type {{connection?: {saveData: boolean}}} */ (navigator);
  if (!facts.plotly || connection?.saveData) return;
  const leave = frames.subscribe((event) => {
    if (!event.shown) return;
    // Deferred: a listener may be called before subscribe() has returned `leave`.
    queueMicrotask(() => leave());
    for (const name of MOVES) addEventListener(name, postpone, { capture: true, passive: true });
    postpone();
  });
}
