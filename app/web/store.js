/* The page's state in one place. Gradio's controls call update(); the views subscribe. Knows nothing of pictures or of
   the server. */

import { caseOf, frameToken } from "./cine_frames.js";

/** @typedef {import("./types").Controls} Controls */
/** @typedef {import("./types").Edit} Edit */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").Scan} Scan */
/** @typedef {() => (() => void) | void} OnReset resets a view, and returns what brings back what it has dropped */
/** @typedef {{controls: Kept, token: string, edits: Map<string, Edit[]>, frame: number, chosenReach: number | null,
    undos: (() => void)[]}} Dropped */
/** @typedef {Omit<Controls, "scan">} Kept */

const MOST_RESETS = 20; // that can be undone

/** A separate store, for tests. The page uses `store`. */
export function createStore() {
  /** @type {Set<(state: PageState) => void>} */
  const listeners = new Set();
  /** @type {Set<OnReset>} */
  const resetListeners = new Set();
  /** @type {Map<string, Edit[]>} */
  const edits = new Map(); // by slice
  /** @type {Map<string, Edit[][]>} */
  const former = new Map(); // by slice, the edits before each change
  /** @type {Dropped[]} */
  let dropped = []; // by resets, the newest last
  /** @type {Set<string>} */
  const taken = new Set(); // tokens of the scans whose edits from a link were taken
  /** @type {PageState | null} */
  let state = null;
  /** @type {number[]} */
  let lit = [];
  /** @type {string | undefined} */
  let codesOf = "";
  /** @type {Scan | null} */
  let whole = null; // the scan as Gradio has it; of a cine with the token of all frames
  let frame = 0; // of a cine, the one on show
  /** @type {{of: Scan, frame: number, scan: Scan} | null} */
  let framed = null; // one object for all states that show the same frame
  /** @type {number | null} */
  let chosenReach = null;

  /** @param {Controls} controls */
  const place = ({ scan, plane, index }) => [scan.token, plane, index].join(" ");

  /** @param {PageState} next */
  function become(next) {
    state = next;
    for (const listener of listeners) listener(state);
  }

  /**
   * Takes the values of Gradio's controls. They change one after another, so an impossible combination waits for the
   * next call.
   * @param {Controls} controls
   */
  function update(controls) {
    const view = controls.scan?.planes?.[controls.plane];
    if (!view || !(controls.index >= 0 && controls.index < view.count)) return;
    if (!Number.isFinite(controls.seed) || !Number.isFinite(controls.strength)) return;
    takeForced(controls.scan);
    takeReach(controls.scan);
    if (whole?.token !== controls.scan.token) frame = 0;
    whole = controls.scan;
    if (codesOf !== controls.scan.checkpoint) lit = [];
    const scan = onFrame(controls.scan);
    const forced = view.acquired ? (edits.get(place({ ...controls, scan })) ?? []) : [];
    become({
      ...controls,
      scan,
      seed: Math.round(controls.seed),
      edits: forced,
      lit,
      changed: performance.now(),
      ...far(controls),
    });
  }

  /**
   * A cine at its frame on show. Each frame is a scan of its own for the views, with a token of its own.
   * @param {Scan} scan
   * @returns {Scan}
   */
  function onFrame(scan) {
    if (!frame) return scan;
    if (framed?.of !== scan || framed.frame !== frame) {
      framed = { of: scan, frame, scan: { ...scan, token: frameToken(scan.token, frame), frame } };
    }
    return framed.scan;
  }

  /**
   * Show another frame of the cine. The server must have it.
   * @param {number} wanted
   */
  function moveFrame(wanted) {
    if (!state || !whole?.cine || wanted === frame || !(wanted >= 0 && wanted < whole.cine.frames)) return;
    frame = wanted;
    const moved = { ...state, scan: onFrame(whole) };
    const forced = whole.planes[state.plane].acquired ? (edits.get(place(moved)) ?? []) : [];
    become({ ...moved, edits: forced, changed: performance.now() });
  }

  /**
   * The reach stays when another scan or checkpoint is chosen, as far as its codebook has it. One that the visitor never
   * chose is always that of the opening.
   * @param {Scan} scan
   */
  function takeReach({ token, reach: reaches }) {
    if (state && caseOf(state.scan.token) === token) return;
    if (!state) chosenReach = reaches.asked === undefined ? reaches.opening : reaches.asked;
    else if (chosenReach === state.scan.reach.opening) chosenReach = reaches.opening;
    else if (chosenReach) chosenReach = Math.min(chosenReach, reaches.last);
  }

  /**
   * The chosen reach, and the one that counts in this mode.
   * @param {Pick<Controls, "scan" | "mode">} controls
   */
  const far = ({ scan, mode }) => ({ chosenReach, reach: scan.reach.modes.includes(mode) ? chosenReach : null });

  /**
   * Let replaced tokens become this many codewords, in [1, K - 1]; null for the checkpoint's own reach.
   * @param {number | null} wanted
   */
  function moveReach(wanted) {
    if (!state || wanted === chosenReach) return;
    chosenReach = wanted;
    become({ ...state, ...far(state), changed: performance.now() });
  }

  /**
   * Light these codes' voxels in every view that can. They belong to one codebook and mean nothing in another.
   * @param {Iterable<number>} codes
   */
  function light(codes) {
    [lit, codesOf] = [[...codes], state?.scan.checkpoint];
    if (state) become({ ...state, lit, changed: performance.now() });
  }

  /**
   * Take the forced tokens of a link. Python has checked them against the scan. They are taken once, and undone like any
   * others.
   * @param {Scan} scan
   */
  function takeForced({ token, forced, cine }) {
    if (!forced?.edits.length || taken.has(token)) return;
    taken.add(token);
    edits.set([frameToken(token, cine?.asked ?? 0), forced.plane, forced.index].join(" "), forced.edits);
  }

  /**
   * Force tokens of the present slice to codes, the newest last.
   * @param {Edit[]} list
   */
  function edit(list) {
    if (!state?.scan.planes[state.plane].acquired) return;
    former.set(place(state), [...(former.get(place(state)) ?? []), state.edits]);
    force(state, list);
  }

  /** @param {PageState} now @param {Edit[]} list */
  function force(now, list) {
    edits.set(place(now), list);
    become({ ...now, edits: list, changed: performance.now() });
  }

  /** Whether the last change of the present slice's forced tokens can be undone. Those of a link go one by one. */
  const canUnedit = () => state !== null && (state.edits.length > 0 || Boolean(former.get(place(state))?.length));

  /** Undo the last change of the present slice's forced tokens, be it that one was added or that all were dropped. */
  function unedit() {
    if (state && canUnedit()) force(state, former.get(place(state))?.pop() ?? state.edits.slice(0, -1));
  }

  /**
   * Force tokens in several acquired slices at once, the newest last.
   * @param {Map<number, Edit[]>} lists by slice
   * @returns {() => void} takes exactly these tokens back, whatever else was forced since then
   */
  function editSlices(lists) {
    if (!state) return () => {};
    const { scan } = state;
    const plane = Object.keys(scan.planes).find((name) => scan.planes[name].acquired) ?? "";
    const added = new Set([...lists.values()].flat());
    /** @param {Edit[]} list */
    const without = (list) => list.filter((one) => !added.has(one));
    /** @type {Map<string, Edit[]>} */
    const before = new Map();
    for (const [index, list] of lists) {
      const key = place({ ...state, scan, plane, index });
      before.set(key, edits.get(key) ?? []);
      former.set(key, [...(former.get(key) ?? []), before.get(key) ?? []]);
      edits.set(key, [...(before.get(key) ?? []), ...list]);
    }
    showForced();
    return () => {
      for (const [key, was] of before) {
        edits.set(key, without(edits.get(key) ?? []));
        former.set(key, (former.get(key) ?? []).filter((one) => one !== was).map(without));
      }
      showForced();
    };
  }

  /* Shows the forced tokens of the present slice as they are kept. */
  function showForced() {
    if (!state?.scan.planes[state.plane].acquired) return;
    become({ ...state, edits: edits.get(place(state)) ?? [], changed: performance.now() });
  }

  /**
   * Keep what the page shows now, for undo() to bring it back.
   * @param {(() => void)[]} [undos] what brings back the rest
   * @param {Dropped["edits"]} [lost] forced tokens that go now
   * @returns {Dropped | null} what nextUndo is until something else is kept or undone; null without a scan
   */
  function keep(undos = [], lost = new Map()) {
    if (!state || !whole) return null;
    const last = { controls: controlsOf(state), token: whole.token, edits: lost, frame, chosenReach, undos };
    dropped = [...dropped.filter(({ token }) => token === last.token), last].slice(-MOST_RESETS);
    return last;
  }

  /**
   * Drops all forced tokens and tells the views to reset. Gradio sets its own controls back through update(). undo() brings
   * all of it back.
   */
  function reset() {
    /** @type {(() => void)[]} */
    const undos = [];
    keep(undos, new Map(edits));
    edits.clear();
    former.clear();
    frame = 0;
    if (state && whole) {
      chosenReach = state.scan.reach.opening;
      become({ ...state, scan: onFrame(whole), edits: [], ...far(state), changed: performance.now() });
    }
    for (const listener of resetListeners) {
      const back = listener();
      if (back) undos.push(back);
    }
  }

  /** Whether the page is as it was before this reset, which then has nothing to undo. @param {Dropped} one */
  function isThere({ controls, undos, ...one }) {
    if (!state || undos.length) return false;
    const now = [controlsOf(state), frame, chosenReach, [...edits]];
    return JSON.stringify([controls, one.frame, one.chosenReach, [...one.edits]]) === JSON.stringify(now);
  }

  /**
   * Undo the last reset that has changed something. Tokens that were forced since then stay.
   * @returns {Kept | null} what Gradio's controls have to say again; null if there is nothing to undo
   */
  function undo() {
    dropped = dropped.filter(({ token }) => token === whole?.token);
    let last = dropped.pop();
    while (last && isThere(last)) last = dropped.pop();
    if (!last || !state || !whole) return null;
    for (const [slice, list] of last.edits) edits.set(slice, [...list, ...(edits.get(slice) ?? [])]);
    ({ frame, chosenReach } = last);
    update({ ...state, ...last.controls, scan: whole });
    for (const back of last.undos) back();
    return last.controls;
  }

  /**
   * @param {(state: PageState) => void} listener
   * @returns {() => void} unsubscribes
   */
  function subscribe(listener) {
    listeners.add(listener);
    if (state) listener(state);
    return () => listeners.delete(listener);
  }

  /**
   * @param {OnReset} listener
   * @returns {() => void} unsubscribes
   */
  function onReset(listener) {
    resetListeners.add(listener);
    return () => resetListeners.delete(listener);
  }

  return {
    update,
    edit,
    editSlices,
    unedit,
    canUnedit,
    light,
    moveReach,
    moveFrame,
    keep,
    reset,
    undo,
    subscribe,
    onReset,
    /** null until the page shows a scan */
    get state() {
      return state;
    },
    /** what undo() would bring back: the last that was kept of the present scan */
    get nextUndo() {
      return dropped.findLast(({ token }) => token === whole?.token) ?? null;
    },
    /** whether a reset of the present scan can be undone */
    get canUndo() {
      return this.nextUndo !== null;
    },
  };
}

/**
 * What Gradio's controls say, without the scan.
 * @param {Controls} state
 * @returns {Kept}
 */
function controlsOf({
  plane,
  index,
  channel,
  strength,
  mode,
  seed,
  opacity,
  outline,
  shown,
  visible,
  range,
  convention,
}) {
  return { plane, index, channel, strength, mode, seed, opacity, outline, shown, visible, range, convention };
}

/** @typedef {ReturnType<typeof createStore>} Store */

export const store = createStore();

/* Gradio's events find the store here. */
export const { update } = store;
