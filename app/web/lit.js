/* The cells of lit codes, marked in every picture of a slice. Arithmetic only. */

/** @typedef {import("./types").Colour} Colour */
/** @typedef {Pick<import("./types").Scan, "grid_of_tokens" | "levels">} Grids */

/** @type {Colour} */
export const LIT = [255, 92, 200];

/**
 * Which tokens of a slice carry a lit code in any level.
 * @param {Int32Array} codes of all levels
 * @param {Grids} grids
 * @param {Iterable<number>} lit
 * @returns {Uint8Array} (rows * columns of the grid) 0 or 1
 */
export function litTokens(codes, { grid_of_tokens: [h, w], levels }, lit) {
  const wanted = new Set(lit);
  return Uint8Array.from({ length: h * w }, (_, at) => {
    for (let level = 0; level < levels; level++) if (wanted.has(codes[level * h * w + at])) return 1;
    return 0;
  });
}

/**
 * Light the pixels of some tokens.
 * @param {Uint8ClampedArray} out RGBA
 * @param {Int32Array} owners the token of every pixel in the deepest grid, -1 for none
 * @param {Uint8Array} tokens as `litTokens` gives them
 */
export function lightPixels(out, owners, tokens) {
  for (let i = 0; i < owners.length; i++) {
    if (owners[i] < 0 || !tokens[owners[i] % tokens.length]) continue;
    for (let c = 0; c < 3; c++) out[4 * i + c] = (out[4 * i + c] + LIT[c]) >> 1;
  }
}
