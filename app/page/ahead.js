/* plotly.js is large: the second that the browser needs to read it passes while the visitor looks at the first picture, not when a
   tab with plots is opened. */

import { facts } from "../web/facts.js";
import { frames } from "../web/frames.js";
import { plotly } from "../web/plotly.js";

const CALM = 2500; // milliseconds without a move of the visitor
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
  // From where Gradio itself would take it, so that it is read once.
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

/** When the first picture is there and the visitor rests. */
export function fetchPlotsAhead() {
  const { connection } = /** @type {{connection?: {saveData: boolean}}} */ (navigator);
  if (!facts.plotly || connection?.saveData) return;
  const leave = frames.subscribe((event) => {
    if (!event.shown) return;
    // Not from within the call: a listener may be told before it knows how to leave.
    queueMicrotask(() => leave());
    for (const name of MOVES) addEventListener(name, postpone, { capture: true, passive: true });
    postpone();
  });
}
