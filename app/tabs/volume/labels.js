/* The present labels. They are requested once the controls rest, and dropped when other labels are wanted. */
import { wishOf } from "./look.js";

/** @typedef {import("./types").Kind} Kind */
/** @typedef {import("./types").Labels} Labels */
/** @typedef {import("./types").PageState} PageState */

const EARLY = "early"; // the key of labels that stand in for those that are wanted
const REST = 250; // milliseconds without a change before labels are requested

/**
 * @param {object} context
 * @param {import("./types").Source} context.source
 * @param {import("./types").Note} context.note
 * @param {import("./types").ProgressBar} context.progress
 * @param {() => void} context.changed called when other labels are shown
 */
export function createLabels({ source, note, progress, changed }) {
  /** @type {Labels | null} */
  let shown = null;
  /** @type {import("./types").SoFar | null} */
  let soFar = null; // while other labels are being decoded
  /** @type {{key: string, cancel: AbortController} | null} */
  let fetching = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  function stop() {
    clearTimeout(waiting);
    fetching?.cancel.abort();
    fetching = soFar = null;
    progress(null);
  }

  /** @param {PageState} page @param {Kind} kind */
  function want(page, kind, rest = REST) {
    const wish = wishOf(page, kind);
    const key = JSON.stringify([wish, kind]);
    if (fetching?.key === key) return;
    stop();
    if (shown?.key === key) return;
    const isHere = Object.values(wish).every((request) => !request || source.has(request));
    waiting = setTimeout(() => load(wish, kind, key), isHere ? 0 : rest);
  }

  /** @param {import("./types").Wish} wish @param {Kind} kind @param {string} key */
  async function load(wish, kind, key) {
    const mine = (fetching = { key, cancel: new AbortController() });
    const message = "Decoding the volume at ε = " + (wish.present.strength ?? 0).toFixed(2) + "; figures so far";
    /** @type {import("./types").LabelVolume | null} */
    let known = null;
    /** @type {import("./types").Waiting["progress"]} */
    const tell = (share, figures) => {
      if (fetching !== mine) return;
      progress(message, share);
      if (figures && known) soFar = { figures, before: known.about.figures };
      if (figures) changed();
    };
    const met = (/** @type {import("./types").LabelVolume} */ clean) => {
      known = clean;
      if (fetching !== mine || wish.present === wish.clean || shown) return;
      // From a link nothing is there yet: what is known at once is shown until the rest has come.
      shown = { key: EARLY, kind: "clean", clean, present: clean };
      changed();
    };
    try {
      const got = await fetchAll(wish, { signal: mine.cancel.signal, progress: tell }, met);
      if (fetching !== mine) return;
      shown = { key, kind, ...got };
      soFar = null;
      note("error", "");
      changed();
    } catch (error) {
      if (fetching === mine) note("error", messageOf(error));
    } finally {
      if (fetching === mine) {
        fetching = soFar = null;
        progress(null);
      }
    }
  }

  /** One after the other: the server decodes one volume at a time. @param {import("./types").Wish} wish
   *  @param {import("./types").Waiting} options @param {(clean: import("./types").LabelVolume) => void} met */
  async function fetchAll(wish, options, met) {
    /** @type {import("./types").LabelVolume} */
    const clean = await source.get(wish.clean, options);
    met(clean);
    const present = await source.get(wish.present, options);
    const truth = wish.truth && (await source.get(wish.truth, options));
    const lit = wish.lit && (await source.get(wish.lit, options));
    return { clean, present, ...(truth && { truth }), ...(lit && { lit }) };
  }

  return {
    want,
    stop,
    forget() {
      shown = null;
    },
    get shown() {
      return shown;
    },
    get soFar() {
      return soFar;
    },
    /** Whether labels are shown, and not only what is known before them. */
    get isThere() {
      return shown !== null && shown.key !== EARLY;
    },
  };
}

/** The message of a failure; "" if the request was cancelled on purpose. @param {any} error */
export const messageOf = (error) => (error.name === "AbortError" ? "" : String(error.message));
