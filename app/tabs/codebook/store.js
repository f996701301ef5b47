/* The store that the tab's views share: the present codebook and its marks. The arrays are fetched once for a codebook;
   the marks never leave the browser. Knows nothing of elements. */

import { frames } from "../../web/frames.js";
import { links } from "../../web/links.js";
import { typed } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { bookOf } from "./book.js";
import { histogramsOf, passingCodes, selectionOf } from "./measures.js";
import * as text from "./selection_text.js";

/** @typedef {import("./types").Change} Change */

/** What is kept in the address is still within what servers read. */
const LONGEST = 16_000;
/** Nothing is marked, and nothing holds codes back. */
const NOTHING = { chosen: null, brushes: {}, isolated: null, passing: null, selected: [] };

/** @returns {import("./types").CodebookState} */
const empty = () => ({
  token: "",
  book: null,
  none: false,
  presence: null,
  shown: null,
  spacing: null,
  histograms: {},
  ...NOTHING,
  saved: [],
  fires: null,
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
    if (!answer.same) take(book, Boolean(answer.none));
    Object.assign(state, { token, presence: null });
    say("");
    if (!answer.same) tell("book", "selection", "picked", "saved");
    tell("presence");
    if (state.book) await Promise.all([meet(token), space(token)]);
  }

  /**
   * @param {import("./types").Book | null} book
   * @param {boolean} none
   */
  function take(book, none) {
    const histograms = book ? histogramsOf(book, null) : {};
    Object.assign(state, { book, none, histograms, spacing: null, saved: [], picked: null, ...NOTHING });
    describe();
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

  /**
   * Fetches how far the codewords lie from each other. It comes after the map: a large codebook takes seconds.
   * @param {string} token
   */
  async function space(token) {
    const { book, spacing } = state;
    if (!book || spacing) return;
    const answer = await server.spacing({ token });
    if (book !== state.book || !answer || answer.error) return;
    const [nearest, distances] = await Promise.all([
      typed(Int32Array, answer.nearest),
      typed(Float32Array, answer.distances),
    ]);
    if (book !== state.book) return;
    state.spacing = { nearest, distances };
    state.histograms = histogramsOf(book, state.spacing);
    tell("spacing");
    // A brush of the address has waited for its histogram.
    if (state.brushes.nearest) filter({});
  }

  /**
   * What is marked follows from what was chosen, from the brushes and from the isolation.
   * @param {Partial<Pick<import("./types").CodebookState, "chosen" | "brushes" | "isolated">>} change
   */
  function filter(change) {
    Object.assign(state, change);
    const { book, histograms, brushes, isolated, chosen } = state;
    state.passing = passingCodes(book?.size ?? 0, histograms, brushes, isolated?.codes ?? null);
    state.selected = selectionOf(chosen, state.passing);
    light();
    describe();
    tell("selection");
  }

  /* The address says what is marked. Brushes alone say it shorter than the codes. */
  function describe() {
    const { chosen, isolated, selected, brushes, saved } = state;
    const isListed = chosen !== null || isolated !== null;
    links.more({
      marked: (isListed && text.codesAsText(selected)) || null,
      bars: text.brushesAsText(brushes) || null,
      saved: [text.savedAsText(saved)].find((one) => one && one.length <= LONGEST) ?? null,
    });
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
    // The same code once more: its card may be hidden behind the selection.
    if (next === state.picked && next === null) return;
    state.picked = next;
    light();
    links.more({ code: next });
    tell("picked");
  }

  function unmark() {
    Object.assign(state, { ...NOTHING, picked: null });
    links.more({ code: null });
    describe();
    tell("selection", "picked");
  }

  /** @type {import("./types").CodebookStore["follow"]} */
  function followLink({ marked = "", bars = "", saved = "" }) {
    const size = state.book?.size ?? 0;
    const chosen = marked ? text.codesFromText(marked, size) : null;
    state.saved = text.savedFromText(saved, size);
    filter({ chosen: chosen?.length ? chosen : null, brushes: text.brushesFromText(bars) });
    tell("saved");
    const isRead = {
      marked: !marked || (chosen !== null && text.codesAsText(chosen) === marked),
      bars: text.brushesAsText(state.brushes) === bars,
      saved: text.savedAsText(state.saved) === saved,
    };
    return Object.entries(isRead).flatMap(([name, whole]) => (whole ? [] : [name]));
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
      const chosen = [...codes].sort((a, b) => a - b);
      filter({ chosen: chosen.length ? chosen : null });
    },
    brush(measure, range) {
      filter({ brushes: { ...state.brushes, [measure]: range ?? undefined } });
    },
    isolate: (isolated) => filter({ isolated }),
    clear() {
      Object.assign(state, NOTHING);
      filter({});
    },
    save(list) {
      state.saved = list;
      describe();
      tell("saved");
    },
    follow: followLink,
    fire(slices) {
      state.fires = slices;
      tell("fires");
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
