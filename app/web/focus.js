/* Where the keyboard is, when a part of the page is written anew or is covered. */

const ABOVE = "#skip, #disclaimer, footer, #opening, #incomplete, .toast-wrap"; // what lies above a view that fills the window
const NEVER = "script, style, link, template";

/**
 * Rewrite a part without losing the keyboard: it goes to the element that took the place of the one that had it.
 * @param {HTMLElement} place
 * @param {() => void} rewrite
 * @param {() => HTMLElement | null} otherwise where it goes if nothing took that place
 */
export function keepFocus(place, rewrite, otherwise) {
  const held = document.activeElement;
  const isWithin = held instanceof HTMLElement && held !== place && place.contains(held);
  const kind = isWithin ? kindOf(held) : "";
  rewrite();
  if (!isWithin || held === document.activeElement) return;
  /** @type {NodeListOf<HTMLElement>} */
  const present = place.querySelectorAll("button:not(:disabled), input, select, summary, [tabindex]");
  (Array.from(present).find((one) => kindOf(one) === kind) ?? otherwise())?.focus({ preventScroll: true });
}

/** What tells an element from its neighbours, and stays when it is made anew. @param {HTMLElement} element */
function kindOf(element) {
  const part = element.closest("details")?.className;
  const input = element instanceof HTMLInputElement ? [element.name, element.type === "radio" && element.value] : [];
  return JSON.stringify([element.tagName, element.className, element.dataset.stage, part, ...input]);
}

/**
 * For a view that fills the window: what it covers can be reached by no key and by no screen reader.
 * @param {HTMLElement} view
 */
export function createCover(view) {
  /** @type {Set<HTMLElement>} */
  const covered = new Set();

  /** @param {boolean} isFilling whether the view fills the window now */
  function cover(isFilling) {
    if (isFilling) return hideAround(view);
    for (const one of covered) one.inert = false;
    covered.clear();
  }

  /** @param {HTMLElement} inner */
  function hideAround(inner) {
    const { parentElement: parent } = inner;
    if (!parent) return;
    for (const beside of parent.children) if (beside !== inner) hide(beside);
    if (parent !== document.body) hideAround(parent);
  }

  /** @param {Element} one */
  function hide(one) {
    if (!(one instanceof HTMLElement) || one.inert || one.matches(ABOVE) || one.matches(NEVER)) return;
    if (one.querySelector(ABOVE)) {
      for (const child of one.children) hide(child);
    } else {
      one.inert = true;
      covered.add(one);
    }
  }

  return { cover };
}
