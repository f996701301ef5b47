/* Panels that open over the page. They lie in the browser's top layer, so that nothing of the page covers them. A click
   elsewhere, Escape and leaving by Tab close them. */

const GAP = 6; // pixels between the button and its panel
const EDGE = 8; // from the edges of the window
const FOOT = 44; // the disclaimer stays in sight

/**
 * Where a panel stands: below its button, or as near as the window allows.
 * @param {{left: number, bottom: number}} button
 * @param {{width: number, height: number}} panel
 * @param {{width: number, height: number}} room
 */
export function placeBeside(button, panel, room) {
  return {
    left: Math.max(EDGE, Math.min(button.left, room.width - panel.width - EDGE)),
    top: Math.max(EDGE, Math.min(button.bottom + GAP, room.height - panel.height - FOOT)),
  };
}

/**
 * Where a short explanation stands: above its word, so that what the word is of stays in sight, else below it.
 * @param {{left: number, top: number, bottom: number}} word
 * @param {{width: number, height: number}} panel
 * @param {{width: number, height: number}} room
 */
export function placeOver(word, panel, room) {
  const top = word.top - GAP - panel.height;
  const beside = placeBeside(word, panel, room);
  return top >= EDGE ? { ...beside, top } : beside;
}

/**
 * @param {HTMLButtonElement} button whose attribute popovertarget names the panel. The browser then opens it before any script has come,
 *   closes it by a press on the same button, and leads Tab from the button into the panel
 * @param {HTMLElement} panel with the attribute popover
 * @param {{isBeside?: boolean, opened?: () => void}} [options] isBeside: it stands below the button, instead of where the style sheet
 *   puts it
 */
export function attachPopover(button, panel, { isBeside = false, opened = () => {} } = {}) {
  const isOpen = () => panel.matches(":popover-open");
  function tell() {
    button.setAttribute("aria-expanded", String(isOpen()));
    if (!isOpen()) return;
    place();
    opened();
  }

  panel.addEventListener("toggle", tell);
  for (const one of [button, panel]) {
    one.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node) || !isOpen()) return;
      if (relatedTarget !== button && !panel.contains(relatedTarget)) panel.hidePopover();
    });
  }
  // Its content may come later.
  new ResizeObserver(place).observe(panel);
  for (const moved of ["scroll", "resize"]) addEventListener(moved, place, { passive: true });

  function place() {
    if (!isBeside || !isOpen()) return;
    const room = { width: document.documentElement.clientWidth, height: innerHeight };
    const { left, top } = placeBeside(button.getBoundingClientRect(), panel.getBoundingClientRect(), room);
    Object.assign(panel.style, { left: left + "px", top: top + "px" });
  }

  if (isOpen()) tell();
}
