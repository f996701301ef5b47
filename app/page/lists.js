/* Gradio's drop-down lists are closed once the keyboard has left them. Gradio's own handler of Tab opens its list again after
   its handler of the lost focus has closed it, and the list then lies over other controls for good. */

const OPEN = "[role=combobox][aria-expanded=true]";

function closeLeft() {
  for (const field of document.querySelectorAll(OPEN)) {
    if (field !== document.activeElement) field.dispatchEvent(new FocusEvent("blur"));
  }
}

/** Closes them from now on. */
export function closeLeftLists() {
  document.addEventListener("focusout", ({ target }) => {
    if (target instanceof Element && target.matches("[role=combobox]")) requestAnimationFrame(closeLeft);
  });
  // A list that opens late is known by its field, whatever has opened it.
  new MutationObserver(closeLeft).observe(document, { attributeFilter: ["aria-expanded"], subtree: true });
}
