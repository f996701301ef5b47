/* How large structures are, in words: millilitres where the file says how far its voxels lie apart. No DOM. */

import { number } from "../../web/numbers.js";

const SMALL = 10; // millilitres: below that a decimal counts

/**
 * @param {number} voxels
 * @param {number | null} voxelMl millilitres of a voxel; null where nobody knows
 */
export function sizeOf(voxels, voxelMl) {
  if (voxelMl === null) return number(voxels);
  const ml = voxels * voxelMl;
  if (ml === 0 || ml >= SMALL) return number(Math.round(ml)) + " ml";
  return ml < 0.05 ? "< 0.1 ml" : ml.toFixed(1) + " ml";
}

/**
 * How many pixels have each label.
 * @param {ArrayLike<number>} labels
 * @param {number} classes
 */
export function countsOf(labels, classes) {
  const counts = Array.from({ length: classes }, () => 0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

/**
 * What the legend's sizes are of.
 * @param {{isSlice: boolean, isPerturbed: boolean, voxelMl: number | null}} sizes isSlice: the scan is a single slice
 */
export function extentOf({ isSlice, isPerturbed, voxelMl }) {
  const unit = voxelMl === null ? [isSlice ? "pixels" : "voxels"] : [];
  return [...unit, isSlice ? "this picture" : "whole scan", ...(isPerturbed && !isSlice ? ["ε = 0"] : [])].join(", ");
}
