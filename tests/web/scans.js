/* Scans as the server describes them, made up. */

/** @typedef {import("../../app/web/types").Controls} Controls */
/** @typedef {import("../../app/web/types").PlaneView} PlaneView */
/** @typedef {import("../../app/web/types").Scan} Scan */

/**
 * @param {Partial<PlaneView>} [more]
 * @returns {PlaneView}
 */
export function planeOf(more = {}) {
  const letters = /** @type {PlaneView["letters"]} */ (["A", "L", "P", "R"]);
  return {
    count: 5,
    first: 0,
    shape: [6, 8],
    ratio: 1,
    letters,
    acquired: true,
    transpose: false,
    flip: [false, false],
    ...more,
  };
}

/**
 * @param {Partial<Scan>} [more]
 * @returns {Scan}
 */
export function scanOf(more = {}) {
  return {
    token: "t1",
    identity: "t1",
    truth: false,
    judged: ["RV", "LV"],
    name: "Phantom heart",
    own: false,
    series: null,
    notes: [],
    saves: [["NIfTI", ".nii.gz"]],
    channels: [],
    checkpoint: "first",
    brought: "",
    outside: null,
    familiarity: { verdict: "known", reasons: [], slices: [], places: "", figures: [] },
    grid: "6 × 8 × 5",
    classes: ["background", "RV", "LV"],
    colours: [
      [0, 0, 0],
      [255, 0, 0],
      [0, 255, 0],
    ],
    grid_of_tokens: [3, 4],
    codebook_size: 64,
    levels: 1,
    cell: [2, 2],
    reach: { own: 4, last: 63, opening: 8, modes: ["resample"] },
    planes: { axial: planeOf(), coronal: planeOf({ count: 6, shape: [5, 8], acquired: false }) },
    ...more,
  };
}

/**
 * @param {Partial<Controls>} [more]
 * @returns {Controls}
 */
export function controlsOf(more = {}) {
  return {
    scan: scanOf(),
    plane: "axial",
    index: 2,
    channel: null,
    strength: 0,
    mode: "resample",
    seed: 0,
    opacity: 0.5,
    outline: false,
    shown: true,
    visible: ["RV", "LV"],
    range: "network",
    convention: "radiological",
    ...more,
  };
}
