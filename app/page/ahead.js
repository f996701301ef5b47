/* Loads plotly.js while the visitor looks at the first picture: a tab with plots then opens at once. */

import { frames } from "../web/frames.js";
import { whenPlotly } from "../web/plotly.js";

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
  // The parts of the Codebook's first map and of Perturb. If one does not come, the plot that needs it asks again.
  whenIdle(() => void whenPlotly("scattergl", "heatmap").catch(() => {}));
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
  if (connection?.saveData) return;
  const leave = frames.subscribe((event) => {
    if (!event.shown) return;
    // Deferred: a listener may be called before subscribe() has returned `leave`.
    queueMicrotask(() => leave());
    for (const name of MOVES) addEventListener(name, postpone, { capture: true, passive: true });
    postpone();
  });
}
