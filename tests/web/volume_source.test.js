import assert from "node:assert/strict";
import { test } from "node:test";

import { colourFile, HEADER_BYTES, readLines, readNifti } from "../../app/tabs/volume/source.js";

const text = new TextEncoder();

/** Hands out the bytes in parts of a size. @param {Uint8Array} bytes @param {number} size */
function readerOf(bytes, size) {
  let at = 0;
  return {
    /** @returns {Promise<any>} */
    async read() {
      if (at >= bytes.length) return { done: true, value: undefined };
      at += size;
      return { done: false, value: bytes.slice(at - size, at) };
    },
  };
}

const answer = () => {
  const lines = [{ progress: 0 }, { progress: 0.5, figures: [1] }, { figures: [], bytes: 4 }].map((line) =>
    JSON.stringify(line),
  );
  // A newline among the content is none of a line.
  return Uint8Array.of(...text.encode(lines.join("\n") + "\n"), 1, 10, 2, 10);
};

test("an answer is read alike however it is cut", async () => {
  for (const size of [1, 7, 1000]) {
    /** @type {unknown[]} */
    const told = [];
    const { about, rest } = await readLines(readerOf(answer(), size), (share, figures) => told.push([share, figures]));
    assert.deepEqual(told, [
      [0, undefined],
      [0.5, [1]],
    ]);
    assert.deepEqual(about, { figures: [], bytes: 4 });
    assert.deepEqual(
      rest.flatMap((part) => [...part]),
      [1, 10, 2, 10],
    );
  }
});

test("an answer that ends early is an error", async () => {
  for (const length of [10, answer().length - 1]) {
    const reader = readerOf(answer().slice(0, length), 8);
    await assert.rejects(
      readLines(reader, () => {}),
      /connection was lost/,
    );
  }
});

function niftiFile() {
  const file = new ArrayBuffer(HEADER_BYTES + 2 * 24);
  const header = new DataView(file);
  [2, 3, 4].forEach((length, i) => header.setInt16(42 + 2 * i, length, true));
  header.setInt16(70, 4, true);
  new Int16Array(file, HEADER_BYTES).set(Array.from({ length: 24 }, (_, i) => i - 9));
  return file;
}

test("a NIfTI file gives its shape and its voxels", () => {
  const { shape, voxels } = readNifti(niftiFile());
  assert.deepEqual(shape, [2, 3, 4]);
  assert.ok(voxels instanceof Int16Array);
  assert.deepEqual([voxels.length, voxels[0], voxels[23]], [24, -9, 14]);
});

test("a file of colours has the grid of the scan and four empty bytes a voxel", () => {
  const file = colourFile(readNifti(niftiFile()));
  const header = new DataView(file);
  assert.equal(file.byteLength, HEADER_BYTES + 4 * 24);
  assert.deepEqual([header.getInt16(70, true), header.getInt16(72, true)], [2304, 32]);
  assert.deepEqual(
    [42, 44, 46].map((at) => header.getInt16(at, true)),
    [2, 3, 4],
  );
  assert.ok(new Uint8Array(file, HEADER_BYTES).every((byte) => byte === 0));
});
