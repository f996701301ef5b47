/* Opens the volume of a scan: fetches it while the viewer gets ready, then loads it. Another scan cancels this. */
import { messageOf } from "./labels.js";

/** @typedef {import("./types").ScanVolume} ScanVolume */

/**
 * @param {object} context
 * @param {import("./types").Source} context.source
 * @param {import("./types").Viewer} context.viewer
 * @param {import("./types").Note} context.note
 * @param {import("./types").ProgressBar} context.progress
 * @param {() => void} context.leave called before the previous volume is removed
 * @param {(token: string, volume: ScanVolume) => void} context.opened
 */
export function createOpening({ source, viewer, note, progress, leave, opened }) {
  /** @type {{token: string, cancel: AbortController} | null} */
  let underway = null;

  function stop() {
    underway?.cancel.abort();
    underway = null;
    progress(null);
  }

  /** @param {string} token */
  async function open(token) {
    const mine = (underway = { token, cancel: new AbortController() });
    progress("Loading the scan", 0);
    try {
      const volume = await fetchScan(token, mine.cancel.signal);
      if (underway !== mine) return;
      leave();
      await viewer.view?.load(volume);
      if (underway === mine) opened(token, volume);
    } catch (error) {
      if (underway === mine) note("error", messageOf(error));
    } finally {
      if (underway === mine) stop();
    }
  }

  /** @param {string} token @param {AbortSignal} signal @returns {Promise<ScanVolume>} */
  async function fetchScan(token, signal) {
    const scan = source.get({ token, part: "scan" }, { signal, progress() {} });
    const [volume] = await Promise.all([scan, viewer.prepare()]);
    return volume;
  }

  return {
    open,
    stop,
    get token() {
      return underway?.token ?? null;
    },
  };
}
