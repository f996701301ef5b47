/* The pictures of what the page shows: asked for, kept, fetched ahead. Loaded in the page's head after store.js.
   One request is under way at a time; only the newest wish is kept, so the last value of a drag always wins. While nothing is
   wished for, the frames of epsilon 0, 0.05 .. 1 of the slice on show are fetched, the nearest first: scrubbing then needs no wait. */
(() => {
  const STEPS = 20, REST = 150;   // milliseconds without a change before anything is fetched ahead
  const KEPT_PIXELS = 2 ** 25;    // of each of the two:
  const inputs = new Map();       // what does not change with the perturbation, by slice
  const frames = new Map();       // answers by slice and settings
  const listeners = new Set();
  let ask = null;                 // the server's function
  let wanted = null;              // the newest request that was not sent
  const besides = [];             // frames that views ask for besides the one on show: {request, resolve}, served in turn
  let busy = false;
  let sequence = 0;               // of the newest request wished for
  let shown = null;               // what was published last
  let failed = 0;                 // sequence at which fetching ahead failed; it begins again with the next change
  let resting = 0;

  const sliceKey = (r) => [r.token, r.plane, r.index].join(" ");
  const frameKey = (r) => [sliceKey(r), r.truth, r.strength, r.mode, r.seed, r.edits].join(" ");

  function remember(map, key, value) {
    map.delete(key);
    map.set(key, value);
    const most = Math.max(24, Math.min(256, Math.floor(KEPT_PIXELS / value.length)));
    while (map.size > most) map.delete(map.keys().next().value);
  }

  async function bytes(packed) {
    const deflated = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }

  function requestOf(state) {
    const { scan, plane, index, strength, mode, seed, edits } = state;
    return { token: scan.token, truth: scan.truth, plane, index, strength, mode, seed, edits };
  }

  function follow(state) {
    const request = { ...requestOf(state), sequence: ++sequence };
    wanted = null;
    if (ready(request)) publish(request);
    else {
      const near = { ...request, strength: Math.round(request.strength * STEPS) / STEPS };
      if (ready(near)) publish(near);
      wanted = request;
    }
    pump();
  }

  const ready = (request) => frames.has(frameKey(request)) && inputs.has(sliceKey(request));

  async function pump() {
    if (busy || !ask) return;
    busy = true;
    try {
      for (;;) {
        const extra = wanted ? null : besides.shift();
        const request = wanted ?? extra?.request ?? ahead();
        if (!request) break;
        const isWanted = request === wanted;
        if (isWanted) wanted = null;
        const finished = await fetchFrame(request, isWanted);
        if (finished) extra?.resolve(frames.get(frameKey(request)) ?? null);
        else if (extra) besides.unshift(extra);
      }
    } finally {
      busy = false;
    }
  }

  /* A frame of the slice on show under other settings; null if the server has none. */
  function frameOf(settings) {
    const request = { ...requestOf(window.vqseg.state), ...settings, sequence }, key = frameKey(request);
    if (frames.has(key)) return Promise.resolve(frames.get(key));
    return new Promise((resolve) => {
      besides.push({ request, resolve });
      pump();
    });
  }

  /* The next frame worth having before anyone asks; null if all are there or the visitor is still moving something. */
  function ahead() {
    const state = window.vqseg.state;
    if (!state.scan?.planes[state.plane].acquired || failed === sequence || document.hidden) return null;
    const rest = REST - (performance.now() - state.changed);
    if (rest > 0) {
      clearTimeout(resting);
      resting = setTimeout(pump, rest);
      return null;
    }
    const base = { ...requestOf(state), sequence };
    const grid = Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS).sort((a, b) => Math.abs(a - state.strength) - Math.abs(b - state.strength));
    const strength = grid.find((s) => !ready({ ...base, strength: s }));
    return strength === undefined ? null : { ...base, strength };
  }

  /* false if a newer wish came between. */
  async function fetchFrame(request, isWanted) {
    const key = sliceKey(request);
    // The server's functions answer undefined when the connection or the server failed.
    const question = { ...request, with_image: !inputs.has(key) };
    let answer = await ask(question);
    // Slice by slice, as long as it is wanted: another wish leaves it undone.
    while (answer?.of && !answer.error) {
      if (wanted || (isWanted && request.sequence !== sequence)) return false;
      if (isWanted) tell({ progress: answer });
      answer = await ask(question);
    }
    if (!answer || answer.error) {
      failed = request.sequence;
      if (isWanted && request.sequence === sequence) tell({ error: answer?.error ?? "The server did not answer. Move the slider to try again." });
      return true;
    }
    const [labels, reconstruction, changes, image, values, clean, codes] = await Promise.all(
      ["labels", "reconstruction", "changes", "image", "values", "clean_codes", "codes"].map((name) => answer[name] && bytes(answer[name])));
    if (image) {
      const typed = answer.values_type === "int16" ? new Int16Array(values) : new Float32Array(values);
      remember(inputs, key, { image: new Uint8Array(image), values: typed, length: typed.length });
    }
    const tokens = { clean_codes: clean && new Int32Array(clean), codes: codes && new Int32Array(codes) };
    const painted = { labels: new Uint8Array(labels), reconstruction: new Uint8Array(reconstruction), changes: new Uint8Array(changes) };
    remember(frames, frameKey(request), { ...answer, image: null, values: null, ...tokens, ...painted, length: painted.labels.length });
    // While a drag goes on its answers are shown as they come, but never those of a slice that was left.
    const here = sliceKey(request) === sliceKey(requestOf(window.vqseg.state));
    if (isWanted && here && request.sequence >= (shown?.request.sequence ?? 0)) publish(request);
    tell({ fetched: request });
    return true;
  }

  function publish(request) {
    shown = { request, frame: frames.get(frameKey(request)), ...inputs.get(sliceKey(request)) };
    tell({ shown });
  }

  function tell(event) {
    for (const listener of listeners) listener(event);
  }

  /* The token under a displayed pixel: its place in the deepest grid of codes, null if the plane cuts through the slices. */
  function cellAt(scan, plane, row, column) {
    const view = scan.planes[plane], [rows, columns] = view.shape, [h, w] = scan.grid_of_tokens;
    if (!view.acquired) return null;
    const r = view.flip[0] ? rows - 1 - row : row, c = view.flip[1] ? columns - 1 - column : column;
    const [a, b] = view.transpose ? [c, r] : [r, c];
    const cell = [Math.min(h - 1, Math.floor((a + 0.5) / scan.cell[0])), Math.min(w - 1, Math.floor((b + 0.5) / scan.cell[1]))];
    return { row: cell[0], column: cell[1], at: ((scan.levels - 1) * h + cell[0]) * w + cell[1] };
  }

  /* The other way round: where a token lies in the displayed picture, [left, top, width, height] in its pixels. */
  function boxOf(scan, plane, row, column) {
    const view = scan.planes[plane], [rows, columns] = view.shape, [along, across] = view.transpose ? [column, row] : [row, column];
    const [height, width] = view.transpose ? [scan.cell[1], scan.cell[0]] : scan.cell;
    const top = view.flip[0] ? rows - (along + 1) * height : along * height, left = view.flip[1] ? columns - (across + 1) * width : across * width;
    return [left, top, width, height];
  }

  const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  /* Where an arrow key leads from a token {row, column} as it is displayed, from none to the middle; null beyond the edge. */
  function cellBeside(scan, plane, cell, key, mirrored) {
    const [rows, columns] = scan.planes[plane].shape, [right, down] = ARROWS[key];
    const [left, top, width, height] = cell ? boxOf(scan, plane, cell.row, cell.column) : [columns / 2, rows / 2, 0, 0];
    const [, , w, h] = boxOf(scan, plane, 0, 0);
    const x = Math.floor(left + width / 2 + (mirrored ? -right : right) * w), y = Math.floor(top + height / 2 + down * h);
    return x >= 0 && x < columns && y >= 0 && y < rows ? cellAt(scan, plane, y, x) : null;
  }

  window.vqseg.frames = {
    cellAt,
    cellBeside,
    frameOf,
    boxOf,
    unpack: async (packed) => new Uint8Array(await bytes(packed)),
    connect(fetcher) {
      ask = fetcher;
      pump();
    },
    /* listener gets {shown}, {error}, {fetched}, or {progress: {done, of}} in slices while one picture needs them all. */
    subscribe(listener) {
      listeners.add(listener);
      if (shown) listener({ shown });
      return () => listeners.delete(listener);
    },
    /* The frames of the slice on show that are there, by epsilon: what the curves are drawn from. */
    get curve() {
      if (!window.vqseg.state.scan) return [];
      const base = requestOf(window.vqseg.state);
      const strengths = [...new Set([...Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS), base.strength])].sort((a, b) => a - b);
      return strengths.map((strength) => ({ strength, ...frames.get(frameKey({ ...base, strength })) })).filter((point) => point.labels);
    },
    /* How many of the frames fetched ahead are there for the slice on show. */
    get readyAhead() {
      if (!window.vqseg.state.scan) return 0;
      const base = requestOf(window.vqseg.state);
      return Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS).filter((strength) => ready({ ...base, strength })).length;
    },
  };
  window.vqseg.subscribe(follow);
})();
