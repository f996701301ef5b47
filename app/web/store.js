/* What the page shows, in one place. Gradio's controls call update(); the views subscribe. Knows nothing of pictures or of the server. */

/** @typedef {import("./types").Controls} Controls */
/** @typedef {import("./types").Edit} Edit */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").Scan} Scan */

/** A store of its own, for tests; the page has one, `store`. */
export function createStore() {
  /** @type {Set<(state: PageState) => void>} */
  const listeners = new Set();
  /** @type {Set<() => void>} */
  const resetListeners = new Set();
  /** @type {Map<string, Edit[]>} */
  const edits = new Map(); // by slice
  /** @type {Set<string>} */
  const taken = new Set(); // tokens of scans whose link's edits were taken
  /** @type {PageState | null} */
  let state = null;
  /** @type {number[]} */
  let lit = [];
  /** @type {string | undefined} */
  let codesOf = "";

  /** @param {Controls} controls */
  const place = ({ scan, plane, index }) => [scan.token, plane, index].join(" ");

  /** @param {PageState} next */
  function become(next) {
    state = next;
    for (const listener of listeners) listener(state);
  }

  /**
   * What Gradio's controls say. They change one after another: combinations that do not exist wait for the next call.
   * @param {Controls} controls
   */
  function update(controls) {
    const view = controls.scan?.planes?.[controls.plane];
    if (!view || !(controls.index >= 0 && controls.index < view.count)) return;
    if (!Number.isFinite(controls.seed) || !Number.isFinite(controls.strength)) return;
    takeForced(controls.scan);
    if (codesOf !== controls.scan.checkpoint) lit = [];
    const forced = view.acquired ? (edits.get(place(controls)) ?? []) : [];
    become({ ...controls, seed: Math.round(controls.seed), edits: forced, lit, changed: performance.now() });
  }

  /**
   * Codes of the scan's codebook whose voxels are lit in every view that can; a code means nothing in another codebook.
   * @param {Iterable<number>} codes
   */
  function light(codes) {
    [lit, codesOf] = [[...codes], state?.scan.checkpoint];
    if (state) become({ ...state, lit, changed: performance.now() });
  }

  /**
   * A link may ask for forced tokens: Python has checked them against the scan. They are taken once and undone as any.
   * @param {Scan} scan
   */
  function takeForced({ token, forced }) {
    if (!forced?.edits.length || taken.has(token)) return;
    taken.add(token);
    edits.set([token, forced.plane, forced.index].join(" "), forced.edits);
  }

  /**
   * Tokens of the slice on show that are forced to a code, the newest last.
   * @param {Edit[]} list
   */
  function edit(list) {
    if (!state?.scan.planes[state.plane].acquired) return;
    edits.set(place(state), list);
    become({ ...state, edits: list, changed: performance.now() });
  }

  /** Back to the start: nothing is forced, and the views forget what was set by hand. The controls come by update(). */
  function reset() {
    edits.clear();
    edit([]);
    for (const listener of resetListeners) listener();
  }

  /**
   * @param {(state: PageState) => void} listener
   * @returns {() => void} leaves again
   */
  function subscribe(listener) {
    listeners.add(listener);
    if (state) listener(state);
    return () => listeners.delete(listener);
  }

  /**
   * @param {() => void} listener
   * @returns {() => void} leaves again
   */
  function onReset(listener) {
    resetListeners.add(listener);
    return () => resetListeners.delete(listener);
  }

  return {
    update,
    edit,
    light,
    reset,
    subscribe,
    onReset,
    /** null until a scan is on show */
    get state() {
      return state;
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

export const store = createStore();

/* For Gradio's events. */
export const { update } = store;
