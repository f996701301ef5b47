/* How high the desk is: from where it begins to the line at the window's foot, so that the page needs no scroll bar. */

const FOOT = 6; // pixels left free above that line
const GAP = 16; // between a tab and the strip of a cine
const LEAST = 430; // in a lower window the page scrolls: a smaller picture cannot be painted on

/**
 * @param {HTMLElement} root
 * @returns {{fit: () => void}}
 */
export function createRoom(root) {
  const desk = /** @type {HTMLElement} */ (root.querySelector(".desk"));
  const [strip, foot] = ["#cine", "#disclaimer"].map((selector) => document.querySelector(selector));

  function fit() {
    if (!desk.offsetParent) return; // another tab is on show, or another plane
    const sticks = strip && getComputedStyle(strip).position === "sticky" ? strip.clientHeight + GAP : 0;
    const top = desk.getBoundingClientRect().top + scrollY;
    const height = Math.floor(innerHeight - top - sticks - (foot?.clientHeight ?? 0) - FOOT);
    root.style.setProperty("--room", Math.max(LEAST, height) + "px");
  }

  const watch = new ResizeObserver(fit);
  for (const part of [document.body, root, strip]) if (part) watch.observe(part);
  addEventListener("resize", fit);
  return { fit };
}
