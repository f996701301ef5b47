/* The corrected slices of the scans of this visit, and the way back. Knows neither the page nor the server.
   A slice is corrected if its labels are not those that it began with, or if a person has said that these are right. */

import { applyRuns, runsBetween } from "./mask.js";

/**
 * @typedef {object} Slice that was worked on
 * @property {Uint8Array} network what it began with: the network's labels, as displayed
 * @property {Uint8Array} labels as they stand; another array after every change
 * @property {boolean} isRight whether the person has said that they are
 * @property {boolean} isCorrected
 */
/** @typedef {{index: number, runs: Int32Array, wasRight: boolean, isRight: boolean}} Step */
/** @typedef {{index: number, labels: Uint8Array}} Corrected a slice as it is saved */
/**
 * @typedef {object} Work on one scan
 * @property {Map<number, Slice>} slices
 * @property {Step[]} done
 * @property {Step[]} undone
 * @property {Corrected[]} saved what the last file has
 * @property {boolean} isSaved whether that is all there is
 */

const MOST_STEPS = 500; // that can be undone

/** @param {Uint8Array} network @param {Uint8Array} labels @param {boolean} isRight @returns {Slice} */
const sliceOf = (network, labels, isRight) => ({
  network,
  labels,
  isRight,
  isCorrected: isRight || labels.some((label, at) => label !== network[at]),
});

/** @param {Corrected[]} some @param {Corrected[]} others */
const areSame = (some, others) =>
  some.length === others.length &&
  some.every(({ index, labels }, at) => index === others[at].index && !runsBetween(labels, others[at].labels).length);

export function createCorrections() {
  /** @type {Map<string, Work>} */
  const works = new Map(); // by scan
  let changes = 0; // steps made, taken back and made again, of all scans

  /** @param {string} scan @param {number} index */
  const sliceAt = (scan, index) => works.get(scan)?.slices.get(index);

  /**
   * Take in what was made of a slice, as one step.
   * @param {string} scan
   * @param {number} index of the slice
   * @param {Uint8Array} network the network's labels of it
   * @param {{labels?: Uint8Array, isRight?: boolean}} made what is left out stays; labels are kept, not copied
   * @returns {boolean} whether anything is different now
   */
  function change(scan, index, network, made) {
    const former = sliceAt(scan, index) ?? sliceOf(network, network, false);
    const { labels, isRight } = { labels: former.labels, isRight: former.isRight, ...made };
    const runs = runsBetween(former.labels, labels);
    if (!runs.length && former.isRight === isRight) return false;
    const work = works.get(scan) ?? { slices: new Map(), done: [], undone: [], saved: [], isSaved: true };
    works.set(scan, work);
    work.done = [...work.done, { index, runs, wasRight: former.isRight, isRight }].slice(-MOST_STEPS);
    work.undone = [];
    work.slices.set(index, sliceOf(former.network, labels, isRight));
    compare(scan, work);
    changes++;
    return true;
  }

  /**
   * @param {string} scan
   * @param {boolean} back
   * @returns {number | null} the slice in which something has changed
   */
  function move(scan, back) {
    const work = works.get(scan);
    const step = (back ? work?.done : work?.undone)?.pop();
    const former = step && work?.slices.get(step.index);
    if (!work || !step || !former) return null;
    const labels = former.labels.slice();
    applyRuns(labels, step.runs, back);
    work.slices.set(step.index, sliceOf(former.network, labels, back ? step.wasRight : step.isRight));
    (back ? work.undone : work.done).push(step);
    compare(scan, work);
    changes++;
    return step.index;
  }

  /**
   * The corrected slices, by rising number.
   * @param {string} scan
   * @returns {Corrected[]}
   */
  function corrected(scan) {
    const slices = [...(works.get(scan)?.slices ?? [])].filter(([, { isCorrected }]) => isCorrected);
    return slices.sort(([one], [other]) => one - other).map(([index, { labels }]) => ({ index, labels }));
  }

  /** @param {string} scan @param {Work} work */
  function compare(scan, work) {
    const slices = corrected(scan);
    // Who has undone all has nothing to lose, whatever a file has.
    work.isSaved = !slices.length || areSame(slices, work.saved);
  }

  /**
   * @param {string} scan
   * @param {Corrected[]} slices that a file has now. What has been changed since they were taken is not among them
   */
  function saved(scan, slices) {
    const work = works.get(scan);
    if (!work) return;
    work.saved = slices;
    compare(scan, work);
  }

  return {
    change,
    corrected,
    saved,
    /** Another number after every change. */
    get version() {
      return changes;
    },
    /** Whether a file has every correction of a scan. @param {string} scan */
    isSaved: (scan) => works.get(scan)?.isSaved ?? true,
    /** A slice that was worked on; undefined for any other. */
    sliceAt,
    /** @param {string} scan */
    undo: (scan) => move(scan, true),
    /** @param {string} scan */
    redo: (scan) => move(scan, false),
    /** @param {string} scan */
    canUndo: (scan) => Boolean(works.get(scan)?.done.length),
    /** @param {string} scan */
    canRedo: (scan) => Boolean(works.get(scan)?.undone.length),
    /** Whether there is anything that would be lost with the page. */
    anyUnsaved: () => [...works.values()].some(({ isSaved }) => !isSaved),
  };
}

/** @typedef {ReturnType<typeof createCorrections>} Corrections */
