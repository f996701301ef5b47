/* Volumes from the server, each a NIfTI file, and what is said of it. The last ones are kept. */
const HEADER_BYTES = 352, KEPT_VOLUMES = 8;
const TYPES = { 2: Uint8Array, 4: Int16Array, 16: Float32Array };

function volumeSource(address) {
  const kept = new Map();   // of one scan
  let owner = null;
  const keyOf = (request) => JSON.stringify(request);

  /* {about, file, voxels, shape}: file is the whole NIfTI, voxels a view of its array, the first axis fastest. */
  async function get(request, { signal, progress }) {
    if (owner !== request.token) kept.clear();
    owner = request.token;
    const key = keyOf(request), volume = kept.get(key) ?? (await fetchVolume(request, signal, progress));
    if (owner !== request.token) return volume;
    kept.delete(key);
    kept.set(key, volume);
    if (kept.size > KEPT_VOLUMES) kept.delete(kept.keys().next().value);
    return volume;
  }

  async function fetchVolume(request, signal, progress) {
    const response = await fetch(address, {
      method: "POST", body: JSON.stringify(request), signal, cache: "no-store", headers: { "Content-Type": "application/json" },
    });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? "The server did not answer.");
    const { about, rest } = await readLines(response.body.getReader(), progress);
    const stream = new Blob(rest).stream().pipeThrough(new DecompressionStream("gzip"));
    const file = await new Response(stream).arrayBuffer(), header = new DataView(file);
    const shape = [42, 44, 46].map((at) => header.getInt16(at, true)), Voxels = TYPES[header.getInt16(70, true)];
    return { about, file, shape, voxels: new Voxels(file, HEADER_BYTES, shape[0] * shape[1] * shape[2]) };
  }

  /* Lines of JSON until one that says how many bytes follow. */
  async function readLines(reader, progress) {
    const decoder = new TextDecoder();
    let pending = new Uint8Array(0), about = null;
    const rest = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (about) {
        rest.push(value);
        continue;
      }
      const joined = new Uint8Array(pending.length + value.length);
      joined.set(pending);
      joined.set(value, pending.length);
      pending = joined;
      for (let end = pending.indexOf(10); end >= 0 && !about; end = pending.indexOf(10)) {
        const line = JSON.parse(decoder.decode(pending.subarray(0, end)));
        pending = pending.slice(end + 1);
        if (line.bytes === undefined) progress(line.progress);
        else about = line;
      }
      if (about) rest.push(pending);
    }
    if (!about || rest.reduce((sum, part) => sum + part.length, 0) !== about.bytes) throw new Error("The connection was lost.");
    return { about, rest };
  }

  return { get, has: (request) => kept.has(keyOf(request)) };
}

/* Where what is drawn lies: {plane or "render": [left, top, width, height]} in shares of the stage, the acquired plane largest. */
function tilesOf(layout, acquired, wide) {
  if (layout === "render") return { render: [0, 0, 1, 1] };
  const [one, other] = ["axial", "coronal", "sagittal"].filter((plane) => plane !== acquired), gap = 0.008;
  // Shares of the longer side; the two smaller pictures share the middle part of a wide stage.
  const [first, second] = layout === "both" ? [0.36, 0.66] : [0.5, 1];
  const tiles = wide
    ? { [acquired]: [0, 0, first, 1], [one]: [first + gap, 0, second - first - gap, 0.49], [other]: [first + gap, 0.51, second - first - gap, 0.49] }
    : { [acquired]: [0, 0, 1, first], [one]: [0, first + gap, 1, (second - first) / 2 - gap], [other]: [0, (first + second) / 2 + gap, 1, (second - first) / 2 - gap] };
  if (layout === "both") tiles.render = wide ? [second + gap, 0, 1 - second - gap, 1] : [0, second + gap, 1, 1 - second - gap];
  return tiles;
}

/* (4, 4) times a point. */
const transformed = (matrix, point) => [0, 1, 2].map((row) => point.reduce((sum, x, i) => sum + matrix[row][i] * x, matrix[row][3]));

/* Voxels whose label differs from one beside it in the slices along `axis`, as app/render.py has it; the others become 0. */
function outlineOf(labels, shape, axis) {
  const strides = [1, shape[0], shape[0] * shape[1]], [a, b] = [0, 1, 2].filter((one) => one !== axis);
  const out = new Uint8Array(labels.length);
  const differs = (at, along, place) => (place === 0 ? 0 : labels[at - strides[along]]) !== labels[at] || (place === shape[along] - 1 ? 0 : labels[at + strides[along]]) !== labels[at];
  for (let at = 0; at < labels.length; at++) {
    if (!labels[at]) continue;
    const placeOf = (along) => Math.floor(at / strides[along]) % shape[along];
    if (differs(at, a, placeOf(a)) || differs(at, b, placeOf(b))) out[at] = labels[at];
  }
  return out;
}
