/* Opens the volume of a scan: fetches it while the viewer gets ready, then loads it. Another scan, or another of its
   channels, cancels this. */
import { messageOf } from "./labels.js";

/** @typedef {import("./types").ScanVolume} ScanVolume */
/** @typedef {import("./types").ScanWish} ScanWish */

/**
 * @param {object} context
 * @param {import("./types").Source} context.source
 * @param {import("./types").Viewer} context.viewer
 * @param {import("./types").Note} context.note
 * @param {import("./types").ProgressBar} context.progress
 * @param {() => void} context.leave called before the previous volume is removed
 * @param {(wish: ScanWish, volume: ScanVolume) => void} context.opened
 */
export function createOpening({ source, viewer, note, progress, leave, opened }) {
  /** @type {{wish: ScanWish, cancel: AbortController} | null} */
  let underway = null;

  function stop() {
    underway?.cancel.abort();
    underway = null;
    progress(null);
  }

  /** @param {ScanWish} wish */
  async function open(wish) {
    const mine = (underway = { wish, cancel: new AbortController() });
    progress("Loading the scan", 0);
    try {
      const volume = await fetchScan(wish, mine.cancel.signal);
      if (underway !== mine) return;
      leave();
      await viewer.view?.load(volume);
      if (underway === mine) opened(wish, volume);
    } catch (error) {
      if (underway === mine) note("error", messageOf(error));
    } finally {
      if (underway === mine) stop();
    }
  }

  /** @param {ScanWish} wish @param {AbortSignal} signal @returns {Promise<ScanVolume>} */
  async function fetchScan(wish, signal) {
    const scan = source.get({ ...wish, part: "scan" }, { signal, progress() {} });
    const [volume] = await Promise.all([scan, viewer.prepare()]);
    return volume;
  }

  return {
    open,
    stop,
    /** what is being opened */
    get wish() {
      return underway?.wish ?? null;
    },
  };
}
