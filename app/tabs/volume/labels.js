/* The present labels. They are requested once the controls rest, and dropped when other labels are wanted. */
import { wishOf } from "./look.js";

/** @typedef {import("./types").Kind} Kind */
/** @typedef {import("./types").Labels} Labels */
/** @typedef {import("./types").PageState} PageState */

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
  /** @type {{key: string, cancel: AbortController} | null} */
  let fetching = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  function stop() {
    clearTimeout(waiting);
    fetching?.cancel.abort();
    fetching = null;
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
    const message = "Decoding the volume at ε = " + (wish.present.strength ?? 0).toFixed(2);
    const tell = (/** @type {number} */ share) => {
      if (fetching === mine) progress(message, share);
    };
    try {
      const got = await fetchAll(wish, { signal: mine.cancel.signal, progress: tell });
      if (fetching !== mine) return;
      shown = { key, kind, ...got };
      note("error", "");
      changed();
    } catch (error) {
      if (fetching === mine) note("error", messageOf(error));
    } finally {
      if (fetching === mine) {
        fetching = null;
        progress(null);
      }
    }
  }

  /** One after the other: the server decodes one volume at a time. @param {import("./types").Wish} wish
   *  @param {import("./types").Waiting} options */
  async function fetchAll(wish, options) {
    const clean = await source.get(wish.clean, options);
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
  };
}

/** The message of a failure; "" if the request was cancelled on purpose. @param {any} error */
export const messageOf = (error) => (error.name === "AbortError" ? "" : String(error.message));
