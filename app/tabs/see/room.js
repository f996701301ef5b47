/* How large the four pictures are: as large as the window has room for, with the sentence and the figures still in sight. */

const GAP = 12; // between pictures, as in view.css
const CAPTION = 27; // above a picture, with the gap
const LEAST = 240; // pixels: a picture smaller than a square of that side says too little beside large ones
const ANSWER = 2; // both answers are looked at most: their area counts so many times as much
const PARTS = ".case, .known, .figures, .profile, .readout, .keys"; // beside the pictures
const TALL = 900; // pixels: a window that has room for all lines below the pictures
const LOOSE = 1.3; // a frame is at most so many times wider than its picture

/** @typedef {{name: "row" | "square" | "pair", height: number, frame: number, worth: number}} Layout */

/** The height of one of two pictures that stand beside a large one. @param {number} large */
const smallBeside = (large) => (large - GAP - CAPTION) / 2;

/**
 * The best of three ways to lay out four pictures: a row, a square, or both answers large beside two small pictures.
 * @param {number} width of the room, in pixels
 * @param {number} height of the room
 * @param {number} ratio width / height of a picture's frame
 * @returns {Layout | null} null where even the smallest way is higher than the room: then the width decides
 */
export function layoutIn(width, height, ratio) {
  const row = Math.min((width - 3 * GAP) / 4 / ratio, height - CAPTION);
  const square = Math.min((width - GAP) / 2 / ratio, (height - GAP) / 2 - CAPTION);
  const pair = Math.min(((width - 2 * GAP) / ratio + (GAP + CAPTION) / 2) / 2.5, height - CAPTION);
  const small = smallBeside(pair);
  const worth = (/** @type {number} */ answer, /** @type {number} */ other) => ANSWER * answer ** 2 + other ** 2;
  /** @type {(name: Layout["name"], height: number, worth: number, free: number) => Layout} */
  const way = (name, high, value, free) => ({ name, height: high, worth: value, frame: Math.min(free, LOOSE * ratio) });
  const ways = [
    way("row", row, worth(row, row), (width - 3 * GAP) / 4 / row),
    way("square", square, worth(square, square), (width - GAP) / 2 / square),
    way(
      "pair",
      pair,
      small * Math.sqrt(ratio) < LEAST ? 0 : worth(pair, small),
      (width - 2 * GAP) / (2 * pair + small),
    ),
  ];
  const best = ways.reduce((one, other) => (other.worth > one.worth ? other : one));
  return best.height * ratio < Math.min(LEAST, (width - 3 * GAP) / 4) - 1 ? null : best;
}

/**
 * Keeps the layout fit for the window. A slider changes nothing that is measured here.
 * @param {HTMLElement} root
 * @returns {{fit: () => void}} called when the pictures' shape is another
 */
export function createRoom(root) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const panels = find(".panels");
  let measured = "";

  function fit() {
    if (!panels.offsetParent && !root.offsetWidth) return; // another tab is on show
    if (innerWidth <= 700) {
      measured = "";
      return place(null, 0);
    }
    const height = roomBelow();
    const ratio = Number(root.style.getPropertyValue("--stage")) || 1;
    const now = [root.clientWidth, Math.round(height), ratio].join(" ");
    if (now === measured) return;
    measured = now;
    place(layoutIn(root.clientWidth, height, ratio), height - CAPTION);
  }

  function roomBelow() {
    const top = panels.getBoundingClientRect().top + scrollY;
    const profile = find(".profile").offsetHeight;
    const told = find(".told").offsetHeight + find(".figures").offsetHeight + profile + (profile ? 3 : 2) * GAP;
    // The pixel under the pointer and the keys; in a low window the pictures have the room.
    const below = innerHeight < TALL ? 0 : find(".readout").offsetHeight + find(".keys").offsetHeight + 2 * GAP;
    const strip = document.querySelector("#cine");
    const sticks = strip && getComputedStyle(strip).position === "sticky" ? strip.clientHeight + GAP : 0;
    const foot = document.querySelector("#disclaimer")?.clientHeight ?? 0;
    return innerHeight - top - told - below - sticks - foot - GAP;
  }

  /**
   * @param {Layout | null} layout
   * @param {number} whole height of an enlarged picture
   */
  function place(layout, whole) {
    if (layout) root.dataset.layout = layout.name;
    else delete root.dataset.layout;
    root.style.setProperty("--frame", layout ? String(layout.frame) : "");
    root.style.setProperty("--high", layout ? layout.height + "px" : "");
    root.style.setProperty("--small", layout ? smallBeside(layout.height) + "px" : "");
    root.style.setProperty("--whole", Math.max(240, whole) + "px");
  }

  const watch = new ResizeObserver(fit);
  // The body, as what stands above the pictures may grow late, too.
  for (const part of [document.body, root, ...root.querySelectorAll(PARTS)]) watch.observe(part);
  const strip = document.querySelector("#cine");
  if (strip) watch.observe(strip);
  addEventListener("resize", fit);
  return { fit };
}
