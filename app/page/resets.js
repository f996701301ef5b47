/* The button that undoes a reset is on show while there is one to undo. */

import { store } from "../web/store.js";

export function offerUndo() {
  const tell = () => void document.body.toggleAttribute("data-undoable", store.canUndo);
  store.subscribe(tell);
  store.onReset(tell);
}
