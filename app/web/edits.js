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
