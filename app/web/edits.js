/* Forced tokens as text, as in links, endpoints and exported code. app/scan/edits.py reads the same form. */

/** @typedef {import("./types").Edit} Edit */

/**
 * One part for each forced place, in reading order; "" for none. The last edit of a place counts.
 * @param {Edit[]} edits
 */
export function editsAsText(edits) {
  const codes = new Map(edits.map((edit) => [edit[0] + "." + edit[1], edit]));
  const inOrder = [...codes.values()].sort(
    ([row, column], [otherRow, otherColumn]) => row - otherRow || column - otherColumn,
  );
  return inOrder.map((edit) => edit.join(".")).join("_");
}

/**
 * The edits of a text, in its order. Parts that are none are left out.
 * @param {string} text
 * @returns {Edit[]}
 */
export function editsOf(text) {
  const parts = text.split("_").filter((part) => /^\d+\.\d+\.\d+$/.test(part));
  return parts.map((part) => /** @type {Edit} */ (part.split(".").map(Number)));
}
