/* Arrays as the server sends them: deflated, then base64. */

/** @param {string} base64 */
export const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * @param {string} packed
 * @returns {Promise<Uint8Array>}
 */
export async function unpack(packed) {
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Bytes as the server reads them: `unpacked` of app/scan/render.py.
 * @param {Uint8Array} bytes
 * @returns {Promise<string>}
 */
export async function pack(bytes) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new CompressionStream("deflate"));
  const deflated = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(deflated, (byte) => String.fromCharCode(byte)).join(""));
}

/**
 * The packed bytes as numbers of a type: `await typed(Int32Array, answer.counts)`.
 * @template T
 * @param {new (buffer: ArrayBuffer) => T} Type
 * @param {string} packed
 * @returns {Promise<T>}
 */
export async function typed(Type, packed) {
  return new Type(/** @type {ArrayBuffer} */ ((await unpack(packed)).buffer));
}
