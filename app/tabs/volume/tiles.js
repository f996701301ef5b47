/* The places of the planes and the 3D view on the stage. Arithmetic only. */

/** @typedef {import("./types").Tiles} Tiles */

export const PLANES = ["axial", "coronal", "sagittal"];
const GAP = 0.008;
// The axes across and down a picture are those that the two other planes cut.
/** @type {Record<string, [string, string]>} */
const SIDES = {
  axial: ["sagittal", "coronal"],
  coronal: ["sagittal", "axial"],
  sagittal: ["coronal", "axial"],
};

/**
 * The acquired plane is the largest.
 * @param {import("./types").Layout} layout
 * @param {string} acquired
 * @param {boolean} wide
 * @returns {Tiles}
 */
export function tilesOf(layout, acquired, wide) {
  if (layout === "render") return { render: [0, 0, 1, 1] };
  const [one, other] = PLANES.filter((plane) => plane !== acquired);
  // Shares of the longer side; the two smaller pictures share the middle part of a wide stage.
  const [first, second] = layout === "both" ? [0.36, 0.66] : [0.5, 1];
  const start = first + GAP;
  /** @type {Tiles} */
  const tiles = wide
    ? {
        [acquired]: [0, 0, first, 1],
        [one]: [start, 0, second - first - GAP, 0.49],
        [other]: [start, 0.51, second - first - GAP, 0.49],
      }
    : {
        [acquired]: [0, 0, 1, first],
        [one]: [0, start, 1, (second - first) / 2 - GAP],
        [other]: [0, (first + second) / 2 + GAP, 1, (second - first) / 2 - GAP],
      };
  if (layout !== "both") return tiles;
  return { ...tiles, render: wide ? [second + GAP, 0, 1 - second - GAP, 1] : [0, second + GAP, 1, 1 - second - GAP] };
}

/**
 * The tile under a point. The point is given in shares of the stage.
 * @param {Tiles} tiles
 * @param {number} x
 * @param {number} y
 */
export function tileAt(tiles, x, y) {
  return Object.keys(tiles).find((kind) => {
    const [left, top, width, height] = tiles[kind];
    return x >= left && x < left + width && y >= top && y < top + height;
  });
}

/**
 * Millimetres for a pixel of the smallest picture. A thinner line would vanish there.
 * @param {Tiles} tiles
 * @param {Pick<import("./types").About, "affine" | "shape" | "axes">} about
 * @param {{width: number, height: number}} canvas
 */
export function millimetresPerPixel(tiles, { affine, shape, axes }, canvas) {
  const extent = (/** @type {string} */ plane) =>
    shape[axes[plane]] * Math.hypot(...[0, 1, 2].map((row) => affine[row][axes[plane]]));
  const scales = PLANES.filter((plane) => tiles[plane]).map((plane) => {
    const [, , width, height] = tiles[plane];
    const [across, down] = SIDES[plane];
    return Math.max(extent(across) / (width * canvas.width), extent(down) / (height * canvas.height));
  });
  const largest = Math.max(...scales);
  return Number.isFinite(largest) ? largest : 1;
}
