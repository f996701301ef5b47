/* The scans that are being opened. Each has a ticket, made here. With it the page asks the server for the progress or
   tells it to stop. page/opening.js shows the newest. */

/** @typedef {import("./types").Opening} Opening */

const AT_ONCE = 1000; // milliseconds
/** @type {Opening[]} */
const underway = []; // the newest last
/** @type {Set<(opening: Opening | null) => void>} */
const listeners = new Set();

const newest = () => underway.at(-1) ?? null;

function tell() {
  for (const listener of listeners) listener(newest());
}

let made = 0; // tickets

/* Not randomUUID: browsers offer it on https and localhost only. The number behind it tells the server the order of the
   choices, whatever order their requests arrive in. */
function newTicket() {
  const random = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return random.join("") + "-" + ++made;
}

/**
 * The ticket of the opening that starts now; Gradio's events send it along. A drop-down list reports one choice twice:
 * both reports get the same ticket, and the server opens only one of them.
 * @param {unknown} title as visitors read it
 * @param {unknown} choice what was chosen
 * @returns {string}
 */
export function begin(title, choice) {
  const now = performance.now();
  const chosen = JSON.stringify([title, choice]);
  const last = newest();
  const isAgain = last && !last.stopped && last.chosen === chosen && now - last.begun < AT_ONCE;
  const opening = isAgain
    ? last
    : { ticket: newTicket(), title: String(title ?? ""), chosen, begun: now, stopped: false };
  underway.push(opening);
  tell();
  return opening.ticket;
}

/** One opening has ended, whether or not it succeeded. The others are still shown. */
export function settle() {
  underway.shift();
  tell();
}

export function stop() {
  const last = newest();
  if (last) last.stopped = true;
  tell();
}

/** @param {(opening: Opening | null) => void} listener */
export function subscribe(listener) {
  listeners.add(listener);
  listener(newest());
}
