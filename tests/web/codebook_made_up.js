/* A small codebook for the tests of the tab Codebook: six codes, three classes, two codes that were never chosen. */

import { purities, ranks } from "../../app/tabs/codebook/book.js";

const CLASSES = ["background", "RV", "LV"];
const CLASS_COUNTS = [
  [0, 0, 0],
  [90, 5, 5],
  [0, 2, 3],
  [500, 0, 0],
  [0, 0, 0],
  [0, 100, 0],
];

/** @returns {import("../../app/tabs/codebook/types").Book} */
export function madeUpBook() {
  const classCounts = Float64Array.from(CLASS_COUNTS.flat());
  const counts = Float64Array.from(CLASS_COUNTS, (row) => row.reduce((sum, count) => sum + count, 0));
  return {
    key: "made up",
    size: counts.length,
    classes: CLASSES,
    colours: ["#000000", "#111111", "#222222"],
    source: "made-up scans",
    scans: 3,
    utilisation: 4 / 6,
    perplexity: 2.5,
    counts,
    classCounts,
    ...ranks(counts),
    ...purities(counts, classCounts, CLASSES.length),
    projection: "",
    parameters: { n_neighbors: 15, min_dist: 0.1, metric: "euclidean", seed: 0 },
    steps: [0, 100, 200],
    stage: Int32Array.from([-1, 0, 2, 1, -1, 0]),
    ablated: new Map([
      [3, -0.02],
      [5, -0.01],
    ]),
  };
}

/** @returns {import("../../app/tabs/codebook/types").Presence} */
export const madeUpPresence = () => ({ counts: Int32Array.from([7, 0, 1, 20, 0, 0]), drift: null });
