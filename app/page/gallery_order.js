/* Where the arrow keys lead among cards that stand in rows. Arithmetic only. */

/**
 * The card that a key leads to; null if the key is none of these, or leads nowhere.
 * @param {number[]} rows how many cards stand in each row
 * @param {number} at number of the present card
 * @param {string} key
 * @returns {number | null}
 */
export function neighbourOf(rows, at, key) {
  const count = rows.reduce((sum, row) => sum + row, 0);
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === "ArrowRight") return at + 1 < count ? at + 1 : null;
  if (key === "ArrowLeft") return at > 0 ? at - 1 : null;
  const down = { ArrowDown: 1, ArrowUp: -1 }[key];
  return down ? inRow(rows, at, down) : null;
}

/**
 * The card below or above, the last one of a shorter row.
 * @param {number[]} rows
 * @param {number} at
 * @param {number} down 1 or -1
 */
function inRow(rows, at, down) {
  const starts = rows.map((_, row) => rows.slice(0, row).reduce((sum, length) => sum + length, 0));
  const row = starts.findLastIndex((start) => start <= at);
  const next = row + down;
  if (next < 0 || next >= rows.length) return null;
  return starts[next] + Math.min(at - starts[row], rows[next] - 1);
}
