/* The page's terms, explained where they stand: by a tap, by the pointer over them and by the keyboard. The words are those of
   app/web/glossary.yaml. In a template a term is <span data-term="psnr">PSNR</span>; data-here adds what it means at that place. */

import { facts } from "./facts.js";
import { make } from "./dom.js";
import { placeOver } from "./popovers.js";

const MARK = "[data-term]";
// Each of these has one stop of the Tab key a term, at its first place.
const PARTS = "#sidebar, #title, #cine, [data-view], [role=tabpanel]";
// Gradio's own labels cannot have the mark in their text.
const LABELS = {
  "#strength [data-testid=block-info]": "epsilon",
  "#mode [data-testid=block-info]": "mode",
  "#seed [data-testid=block-info]": "seed",
  "#checkpoint [data-testid=block-info]": "checkpoint",
};
const LATE = 300; // milliseconds that the pointer rests on a term before it is explained
const GRACE = 250; // and that it may take to the explanation

/** @param {EventTarget | null} target */
const termOf = (target) => /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest(MARK) : null);

/** Marks the labels, and makes the first place of each term in each part of the page a stop of the Tab key. */
function dress() {
  for (const [selector, term] of Object.entries(LABELS)) {
    const label = document.querySelector(selector);
    if (label && !label.hasAttribute("data-term")) label.setAttribute("data-term", term);
  }
  const met = new Map();
  for (const one of document.querySelectorAll(MARK)) {
    const part = one.closest(PARTS);
    const terms = met.get(part) ?? met.set(part, new Set()).get(part);
    const term = one.getAttribute("data-term");
    const isStop = !terms.has(term);
    terms.add(term);
    if (isStop === one.hasAttribute("tabindex")) continue;
    for (const [name, value] of Object.entries({ tabindex: "0", role: "button", "aria-expanded": "false" })) {
      if (isStop) one.setAttribute(name, value);
      else one.removeAttribute(name);
    }
  }
}

function createTip() {
  const [title, text] = [make("strong"), make("span")];
  const tip = make("div", { id: "term", popover: "manual", role: "tooltip" }, title, text);
  (document.querySelector("main") ?? document.body).append(tip);
  /** @type {HTMLElement | null} */
  let shown = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {HTMLElement} term */
  function show(term) {
    clearTimeout(waiting);
    const told = facts.terms?.[term.dataset.term ?? ""];
    if (!told || shown === term) return;
    hide();
    shown = term;
    title.textContent = told.title;
    text.replaceChildren(told.text, term.dataset.here ? " " + term.dataset.here : "");
    term.setAttribute("aria-describedby", tip.id);
    if (term.hasAttribute("aria-expanded")) term.setAttribute("aria-expanded", "true");
    tip.showPopover();
    place();
  }

  function place() {
    if (!shown) return;
    const room = { width: document.documentElement.clientWidth, height: innerHeight };
    const { left, top } = placeOver(shown.getBoundingClientRect(), tip.getBoundingClientRect(), room);
    Object.assign(tip.style, { left: left + "px", top: top + "px" });
  }

  // Its words are translated once they are there, and another language needs other room.
  new ResizeObserver(place).observe(tip);

  function hide() {
    clearTimeout(waiting);
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    if (shown.hasAttribute("aria-expanded")) shown.setAttribute("aria-expanded", "false");
    shown = null;
    tip.hidePopover();
  }

  /** @param {number} wait @param {() => void} act */
  function later(wait, act) {
    clearTimeout(waiting);
    waiting = setTimeout(act, wait);
  }

  return { tip, show, hide, later, isShown: () => shown };
}

/** Explains the terms from now on. */
export function explainTerms() {
  const { tip, show, hide, later, isShown } = createTip();
  let asked = 0;
  const dressSoon = () => (asked ||= requestAnimationFrame(() => ((asked = 0), dress())));
  new MutationObserver(dressSoon).observe(document.body, { childList: true, subtree: true });
  dress();

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse") return;
    const term = termOf(target);
    if (term && term !== isShown()) later(LATE, () => show(term));
    else if (term || tip.contains(/** @type {Node} */ (target))) later(LATE, () => {});
    else if (isShown() && isShown() !== document.activeElement) later(GRACE, hide);
    else if (!isShown()) later(0, () => {});
  });
  // In a label, a click would go on to the control; the first phase, for a page that listens too.
  document.addEventListener(
    "click",
    (event) => {
      const term = termOf(event.target);
      if (!term) return tip.contains(/** @type {Node} */ (event.target)) ? undefined : hide();
      event.preventDefault();
      show(term);
    },
    true,
  );
  document.addEventListener("focusin", ({ target }) => {
    const term = termOf(target);
    if (term && term === target && term.matches(":focus-visible")) show(term);
    else if (isShown()) hide();
  });
  document.addEventListener("keydown", (event) => press(event, isShown() !== null, show, hide), true);
  addEventListener("scroll", hide, { passive: true, capture: true });
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} isOpen
 * @param {(term: HTMLElement) => void} show
 * @param {() => void} hide
 */
function press(event, isOpen, show, hide) {
  if (event.key === "Escape" && isOpen) {
    // Nothing else closes with it.
    event.preventDefault();
    event.stopPropagation();
    return hide();
  }
  const { target } = event;
  if (!(target instanceof HTMLElement) || !target.matches(MARK) || ![" ", "Enter"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  if (isOpen) hide();
  else show(target);
}
