/* The server's answer for a slice, unpacked into arrays. */

import { typed, unpack } from "./packed.js";

/** @typedef {import("./types").Frame} Frame */
/** @typedef {import("./types").SliceAnswer} SliceAnswer */
/** @typedef {import("./types").SliceInput} SliceInput */

/**
 * @param {SliceAnswer} answer
 * @returns {Promise<Frame>}
 */
export async function unpackFrame(answer) {
  const { replaced_share, dice_vs_clean, psnr, agreement, changed_share, truth, milliseconds } = answer;
  const [labels, reconstruction, colours, changes, clean_codes, codes] = await Promise.all([
    unpack(answer.labels),
    unpack(answer.reconstruction),
    answer.reconstruction_rgb ? unpack(answer.reconstruction_rgb) : null,
    unpack(answer.changes),
    answer.clean_codes ? typed(Int32Array, answer.clean_codes) : null,
    answer.codes ? typed(Int32Array, answer.codes) : null,
  ]);
  const figures = { replaced_share, dice_vs_clean, psnr, agreement, changed_share, truth, milliseconds };
  return { ...figures, labels, reconstruction, colours, changes, clean_codes, codes, length: labels.length };
}

/**
 * null if the answer has none, because the browser already has it.
 * @param {SliceAnswer} answer
 * @returns {Promise<SliceInput | null>}
 */
export async function unpackInput(answer) {
  const { image, values, values_type: type, clean_labels: clean, voxels, voxel_ml = null } = answer;
  if (!image || !values || !clean || !voxels) return null;
  const numbers = type === "int16" ? await typed(Int16Array, values) : await typed(Float32Array, values);
  const [bytes, labels] = [await unpack(image), await unpack(clean)];
  const colours = answer.image_rgb ? await unpack(answer.image_rgb) : null;
  return { image: bytes, colours, values: numbers, clean_labels: labels, voxels, voxel_ml, length: numbers.length };
}
