/* Whether the browser asks before it leaves the page. The page runs this before Gradio's script (page/preloading.py): Gradio ends the visit
   at the same event, and who then stays would be without it. A page that is left ends its visit all the same. */

/** @typedef {() => boolean} Reason whether something would be lost now */

/** @type {Set<Reason>} */
const reasons = new Set();

/** @param {BeforeUnloadEvent} event */
function hold(event) {
  if (![...reasons].some((isGiven) => isGiven())) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

addEventListener("beforeunload", hold);

/** @param {Reason} reason to ask */
export const askBeforeLeaving = (reason) => void reasons.add(reason);
