/* The page's address. It reproduces what the page shows, except an upload, which stays private. app/visit/links.py reads it. */

import { editsAsText } from "./edits.js";
import { channelOf } from "./frame_order.js";
import { store } from "./store.js";

/** @typedef {import("./types").PageState} PageState */

// Browsers refuse more than about a hundred changes of the address in half a minute, so a drag makes only one.
const REST = 200; // milliseconds
const OWN_REACH = "own";

/**
 * Names and values that describe a state; null takes a name out of the address.
 * @param {PageState} state
 * @returns {Record<string, string | number | null>}
 */
export function described(state) {
  return {
    case: state.scan.own ? null : state.scan.name,
    checkpoint: state.scan.checkpoint,
    plane: state.plane,
    slice: state.index,
    eps: state.strength,
    mode: state.mode,
    seed: state.seed,
    edits: editsAsText(state.edits) || null,
    // Always, so that a link shows the same when the page opens at another reach one day.
    reach: state.chosenReach ?? OWN_REACH,
    channel: channelOf(state.scan, state.channel),
  };
}

/** @type {Record<string, string | number | null>} */
const added = {}; // by tabs
/** @type {string | null} */
let tab = null; // null until one is chosen; the address then keeps its tab
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

const asked = () => Object.fromEntries(new URLSearchParams(location.search));

/** What the address says of the present view; null until there is one. */
const view = () => store.state && { ...described(store.state), tab: tab ?? asked().tab ?? "see", ...added };

function write() {
  const values = view();
  if (!values) return;
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) address.searchParams.delete(name);
    else address.searchParams.set(name, String(value));
  }
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}

function writeSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(write, REST);
}

/**
 * Adds a tab's values to the address; null takes a name out.
 * @param {Record<string, string | number | null>} values
 */
function more(values) {
  Object.assign(added, values);
  writeSoon();
}

/** @param {string} name */
export function showTab(name) {
  tab = name;
  writeSoon();
}

/** Keeps the address up to date from now on. */
export function followState() {
  store.subscribe(writeSoon);
}

/* asked(): the values of the address by name. */
export const links = { more, showTab, asked, view };
