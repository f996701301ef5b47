/* Volumes from the server: NIfTI files, each with its description. The last ones are kept. */

import { caseOf } from "../../web/cine_frames.js";

/** @typedef {import("./types").VolumeRequest} VolumeRequest */
/** @typedef {import("./types").Waiting} Waiting */

export const HEADER_BYTES = 352;
// At least, and at most, if they are small: a cine that plays comes back to each of its frames.
const KEPT_VOLUMES = [8, 80];
const KEPT_VOXELS = 2 ** 25;
const NEWLINE = 10;
// By NIfTI's code of the type. The places below are those of NIfTI's header.
/** @type {Record<number, Uint8ArrayConstructor | Int16ArrayConstructor | Float32ArrayConstructor>} */
const TYPES = { 2: Uint8Array, 4: Int16Array, 16: Float32Array };
const SHAPE_AT = [42, 44, 46];
const TYPE_AT = 70;

/**
 * @param {URL} address
 * @returns {import("./types").Source}
 */
export function createSource(address) {
  /** @type {Map<string, import("./types").Volume<any>>} */
  const kept = new Map(); // volumes of one scan, or of the frames of one cine
  /** @type {string | null} */
  let owner = null;
  const keyOf = (/** @type {VolumeRequest} */ request) => JSON.stringify(request);

  /** @param {VolumeRequest} request @param {Waiting} waiting */
  async function get(request, waiting) {
    const mine = caseOf(request.token);
    if (owner !== mine) kept.clear();
    owner = mine;
    const key = keyOf(request);
    const volume = kept.get(key) ?? (await fetchVolume(address, request, waiting));
    if (owner !== mine) return volume;
    kept.delete(key);
    kept.set(key, volume);
    if (kept.size > mostKept(volume.voxels.length)) kept.delete([...kept.keys()][0]);
    return volume;
  }

  return { get, has: (request) => kept.has(keyOf(request)) };
}

/** @param {number} voxels of a volume */
function mostKept(voxels) {
  const [least, most] = KEPT_VOLUMES;
  return Math.max(least, Math.min(most, Math.floor(KEPT_VOXELS / voxels)));
}

/** @param {URL} address @param {VolumeRequest} request @param {Waiting} waiting */
async function fetchVolume(address, request, { signal, progress }) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(request);
  const response = await fetch(address, { method: "POST", body, signal, cache: "no-store", headers });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? "The server did not answer.");
  const content = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body);
  const { about, rest } = await readLines(content.getReader(), progress);
  const stream = new Blob(rest).stream().pipeThrough(new DecompressionStream("gzip"));
  return { about, ...readNifti(await new Response(stream).arrayBuffer()) };
}

/**
 * Reads lines {"progress": share} of JSON, some with figures, until one that gives the number of bytes, then those bytes.
 * @param {Pick<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, "read">} reader
 * @param {import("./types").Waiting["progress"]} progress
 */
export async function readLines(reader, progress) {
  let pending = new Uint8Array(0);
  /** @type {any} */
  let about = null;
  const rest = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (about) {
      rest.push(value);
      continue;
    }
    pending = joined(pending, value);
    for (let end = pending.indexOf(NEWLINE); end >= 0 && !about; end = pending.indexOf(NEWLINE)) {
      const line = JSON.parse(new TextDecoder().decode(pending.subarray(0, end)));
      pending = pending.slice(end + 1);
      if (line.bytes === undefined) progress(line.progress, line.figures);
      else about = line;
    }
    if (about) rest.push(pending);
  }
  const length = rest.reduce((sum, part) => sum + part.length, 0);
  if (!about || length !== about.bytes) throw new Error("The connection was lost.");
  return { about, rest };
}

/** @param {Uint8Array} first @param {Uint8Array} second */
function joined(first, second) {
  const out = new Uint8Array(first.length + second.length);
  out.set(first);
  out.set(second, first.length);
  return out;
}

/**
 * The array of an uncompressed little-endian NIfTI-1 file with three axes, the first one fastest.
 * @param {ArrayBuffer} file
 */
export function readNifti(file) {
  const header = new DataView(file);
  const shape = SHAPE_AT.map((at) => header.getInt16(at, true));
  const Voxels = TYPES[header.getInt16(TYPE_AT, true)];
  return { file, shape, voxels: new Voxels(file, HEADER_BYTES, shape[0] * shape[1] * shape[2]) };
}

/**
 * An empty file of colours on the grid of a NIfTI file: red, green, blue and alpha for each voxel.
 * @param {{file: ArrayBuffer, voxels: ArrayLike<number>}} volume
 */
export function colourFile({ file, voxels }) {
  const out = new ArrayBuffer(HEADER_BYTES + 4 * voxels.length);
  const header = new DataView(out);
  new Uint8Array(out).set(new Uint8Array(file, 0, HEADER_BYTES));
  header.setInt16(TYPE_AT, 2304, true);
  header.setInt16(TYPE_AT + 2, 32, true); // bits of a voxel
  return out;
}
