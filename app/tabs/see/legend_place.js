/* In which corner of the segmentation the legend covers no structure. No DOM. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box in the window's pixels */

/**
 * Whether a box of the window covers a pixel that is drawn.
 * @param {Box} box
 * @param {Box} canvas where the whole picture lies, be it outside of its frame
 * @param {ArrayLike<number>} labels
 * @param {readonly [number, number]} shape rows and columns
 * @param {boolean[]} drawn by label
 * @param {boolean} isMirrored
 */
export function covers(box, canvas, labels, [rows, columns], drawn, isMirrored) {
  const [width, height] = [canvas.right - canvas.left, canvas.bottom - canvas.top];
  const place = (/** @type {number} */ at, /** @type {number} */ count) => Math.max(0, Math.min(count, at * count));
  const top = Math.floor(place((box.top - canvas.top) / height, rows));
  const bottom = Math.ceil(place((box.bottom - canvas.top) / height, rows));
  let [from, to] = [(box.left - canvas.left) / width, (box.right - canvas.left) / width];
  if (isMirrored) [from, to] = [1 - to, 1 - from];
  const [left, right] = [Math.floor(place(from, columns)), Math.ceil(place(to, columns))];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) if (drawn[labels[row * columns + column]]) return true;
  }
  return false;
}

/**
 * The boxes of the four corners.
 * @param {Box} stage
 * @param {{width: number, height: number}} size of the legend
 * @param {number} across between it and the frame's left or right edge
 * @param {number} along and its upper or lower edge
 * @returns {Box[]} the lower left one first
 */
export function cornersOf(stage, { width, height }, across, along) {
  const [left, right] = [stage.left + across, stage.right - across - width];
  const [top, bottom] = [stage.top + along, stage.bottom - along - height];
  const boxAt = (/** @type {number} */ x, /** @type {number} */ y) => ({
    ...{ left: x, top: y, right: x + width, bottom: y + height },
  });
  return [boxAt(left, bottom), boxAt(left, top), boxAt(right, bottom), boxAt(right, top)];
}

/**
 * How far a legend stays from the upper and the lower edge: clear of the letter in the middle of it, or over that.
 * @param {number} room width of the frame
 * @param {number} width of the legend
 * @param {number} edge
 * @param {number} letter height that it takes from the edge
 */
export function insetsOf(room, width, edge, letter) {
  return width + edge + letter / 2 <= room / 2 ? [edge] : [letter, edge];
}
