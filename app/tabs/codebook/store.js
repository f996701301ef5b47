/* The store that the tab's views share: the present codebook and its marks. The arrays are fetched once for a codebook;
   the marks never leave the browser. Knows nothing of elements. */

import { frames } from "../../web/frames.js";
import { links } from "../../web/links.js";
import { typed } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { bookOf } from "./book.js";

/** @typedef {import("./types").Change} Change */

/** @returns {import("./types").CodebookState} */
const empty = () => ({
  token: "",
  book: null,
  none: false,
  presence: null,
  shown: null,
  selected: [],
  picked: null,
  view: "map",
});

/**
 * @param {Pick<import("./types").Context, "server" | "visible" | "say">} context
 * @returns {import("./types").CodebookStore}
 */
export function createCodebook({ server, visible, say }) {
  const state = empty();
  /** @type {Set<(name: Change) => void>} */
  const listeners = new Set();
  // Tokens of scans: the one whose codebook is being fetched, and the one whose codebook did not come.
  let loading = "";
  let failed = "";

  /** @param {Change[]} names */
  function tell(...names) {
    for (const name of names) for (const listener of listeners) listener(name);
  }

  async function load() {
    const token = store.state?.scan.token;
    if (!token || !visible() || loading === token || (state.token === token && !failed)) return;
    loading = token;
    const answer = await server.book({ token, known: state.book?.key ?? "" });
    const book = answer && !answer.error && !answer.same && !answer.none ? await bookOf(answer) : null;
    if (loading !== token) return;
    loading = "";
    failed = !answer || answer.error ? token : "";
    if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Choose the tab again.");
    if (!answer.same) Object.assign(state, { book, none: Boolean(answer.none), selected: [], picked: null });
    Object.assign(state, { token, presence: null });
    say("");
    if (!answer.same) tell("book", "selection", "picked");
    tell("presence");
    if (state.book) await meet(token);
  }

  /**
   * Fetches how the present scan uses the codebook.
   * @param {string} token
   */
  async function meet(token) {
    const answer = await server.presence({ token });
    if (token !== state.token || !answer || answer.error) return;
    state.presence = { drift: answer.drift, counts: await typed(Int32Array, answer.counts) };
    tell("presence");
  }

  /* Marks codes. The other tabs light them too. */
  function light() {
    const { selected, picked } = state;
    store.light(picked === null || selected.includes(picked) ? selected : [...selected, picked]);
  }

  /** @type {import("./types").CodebookStore["pick"]} */
  function pick(code) {
    const size = state.book?.size ?? 0;
    const next = code !== null && Number.isInteger(code) && code >= 0 && code < size ? code : null;
    if (next === state.picked) return;
    state.picked = next;
    light();
    links.more({ code: next });
    tell("picked");
  }

  function unmark() {
    Object.assign(state, { selected: [], picked: null });
    links.more({ code: null });
    tell("selection", "picked");
  }

  /** @type {import("./types").CodebookStore["onShow"]} */
  function onShow() {
    const page = store.state;
    const { shown } = state;
    if (!page || shown?.request.token !== page.scan.token) return null;
    const { request, frame, image } = shown;
    return {
      page,
      scan: page.scan,
      request,
      view: page.scan.planes[request.plane],
      image,
      codes: frame.clean_codes ?? null,
    };
  }

  function follow() {
    frames.subscribe((event) => {
      if (!event.shown) return;
      state.shown = event.shown;
      if (visible()) tell("frame");
    });
    store.subscribe((page) => {
      load();
      // Another tab has unmarked them, or another checkpoint is open.
      if (!page.lit.length && (state.selected.length || state.picked !== null)) unmark();
      if (visible()) tell("page");
    });
  }

  return {
    state,
    select(codes) {
      state.selected = [...codes];
      light();
      tell("selection");
    },
    pick,
    show(view) {
      state.view = view;
      links.more({ view: view === "map" ? null : view });
      tell("view");
    },
    onShow,
    subscribe(listener, ...names) {
      listeners.add((name) => {
        if (names.includes(name)) listener();
      });
    },
    start: follow,
    seen() {
      load();
      if (visible()) tell("view", "page", "frame");
    },
  };
}
