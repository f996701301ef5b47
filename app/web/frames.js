/* The frames of what the page shows: requested, kept and fetched ahead.
   One request is under way at a time. Only the newest wish is kept, so the last value of a drag always wins.
   In pauses the frames of epsilon 0, 0.05 .. 1 of the present slice are fetched, the nearest first, and those of the
   reaches beside the present one. The sliders then need no wait; the one that moved last comes first. */

import { facts } from "./facts.js";
import { frameKey, gridOf, mostKept, nearest, nextAhead, reachesAhead, requestOf, sliceKey } from "./frame_order.js";
import { unpackFrame, unpackInput } from "./packed_frames.js";
import { reachesBeside } from "./reach_scale.js";
import { store as pageStore } from "./store.js";

/** @typedef {import("./types").Ask} Ask */
/** @typedef {import("./types").CurvePoint} CurvePoint */
/** @typedef {import("./types").Frame} Frame */
/** @typedef {import("./types").FrameEvent} FrameEvent */
/** @typedef {import("./types").FrameSettings} FrameSettings */
/** @typedef {import("./types").PageState} PageState */
/** @typedef {import("./types").Shown} Shown */
/** @typedef {import("./types").SliceAnswer} SliceAnswer */
/** @typedef {import("./types").SliceInput} SliceInput */
/** @typedef {import("./types").SliceRequest} SliceRequest */
/** @typedef {{request: SliceRequest, resolve: (frame: Frame | null) => void}} Extra */
/** @typedef {{request: SliceRequest, isWanted: boolean, extra?: Extra}} Next */

const STAND_IN = 4; // reaches beside one whose frames may stand in until its own has come
const REST = 150; // milliseconds without a change before anything is fetched ahead
const SILENT = "The server did not answer. Move the slider to try again.";

/**
 * Keep a value as the newest one. The oldest values go when memory is short.
 * @template {{length: number}} T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {T} value
 */
function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= mostKept(value.length)) break;
    map.delete(oldest);
  }
}

/**
 * A separate instance, for tests. The page uses `frames`.
 * @param {import("./store.js").Store} store
 * @param {number} steps of epsilon that are fetched ahead
 */
export function createFrames(store, steps) {
  const GRID = gridOf(steps);
  /** @type {Map<string, SliceInput>} */
  const inputs = new Map(); // by slice
  /** @type {Map<string, Frame>} */
  const kept = new Map(); // by slice and settings
  /** @type {Set<(event: FrameEvent) => void>} */
  const listeners = new Set();
  /** @type {Extra[]} */
  const besides = []; // further frames that views ask for, served in turn
  /** @type {Ask | null} */
  let ask = null; // the server's function
  /** @type {SliceRequest | null} */
  let wanted = null; // the newest request, not sent yet
  let busy = false;
  let sequence = 0; // of the newest wish
  /** @type {PageState | null} */
  let former = null; // the state before the present one
  let reachMoved = false; // whether the reach was moved after epsilon
  /** @type {Shown | null} */
  let shown = null; // the last frame that the views were given
  let failed = 0; // sequence at which fetching ahead failed; the next change starts it again
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  /** @param {Omit<SliceRequest, "sequence">} request */
  const isReady = (request) => kept.has(frameKey(request)) && inputs.has(sliceKey(request));

  /** @param {FrameEvent} event */
  function tell(event) {
    for (const listener of listeners) listener(event);
  }

  /** @param {SliceRequest} request */
  function publish(request) {
    const frame = kept.get(frameKey(request));
    const input = inputs.get(sliceKey(request));
    if (!frame || !input) return;
    shown = { request, frame, ...input };
    tell({ shown });
  }

  /** @param {PageState} state */
  function follow(state) {
    const request = { ...requestOf(state), sequence: ++sequence };
    if (former?.reach !== state.reach) reachMoved = former !== null;
    else if (former.strength !== state.strength) reachMoved = false;
    former = state;
    wanted = null;
    if (isReady(request)) publish(request);
    else {
      const near = nearby(state, request).find(isReady);
      if (near) publish(near);
      wanted = request;
    }
    pump();
  }

  /**
   * What may stand in for a frame until it has come.
   * @param {PageState} state
   * @param {SliceRequest} request
   */
  function nearby({ scan, reach }, request) {
    const reaches = reachMoved ? reachesBeside(reach, scan.reach, STAND_IN) : [];
    const others = reaches.map((other) => ({ ...request, reach: other }));
    return [{ ...request, strength: nearest(request.strength, steps) }, ...others];
  }

  async function pump() {
    if (busy || !ask) return;
    busy = true;
    try {
      // No await between the last check and the end: a wish that came in between would be lost.
      for (let next = takeNext(); next; next = takeNext()) await serve(ask, next);
    } finally {
      busy = false;
    }
  }

  /**
   * The newest wish comes first, then the views' further frames, then what is fetched ahead. null if nothing is left.
   * @returns {Next | null}
   */
  function takeNext() {
    if (wanted) {
      const next = { request: wanted, isWanted: true };
      wanted = null;
      return next;
    }
    const extra = besides.shift();
    const request = extra?.request ?? ahead();
    return request && { request, isWanted: false, extra };
  }

  /**
   * @param {Ask} fetcher
   * @param {Next} next
   */
  async function serve(fetcher, { request, isWanted, extra }) {
    const finished = await fetchFrame(fetcher, request, isWanted);
    if (finished) extra?.resolve(kept.get(frameKey(request)) ?? null);
    else if (extra) besides.unshift(extra);
  }

  /** The next frame to fetch ahead; null if all are there or the visitor is still moving a control. */
  function ahead() {
    const { state } = store;
    if (!state?.scan.planes[state.plane].acquired || failed === sequence || globalThis.document?.hidden) return null;
    const rest = REST - (performance.now() - state.changed);
    if (rest > 0) {
      clearTimeout(resting);
      resting = setTimeout(pump, rest);
      return null;
    }
    const base = { ...requestOf(state), sequence };
    const strength = nextAhead(state.strength, GRID, (step) => isReady({ ...base, strength: step }));
    const reach = reachesOf(state).find((other) => !isReady({ ...base, reach: other }));
    const nexts = [strength !== undefined && { ...base, strength }, reach !== undefined && { ...base, reach }];
    return (reachMoved ? nexts.reverse() : nexts).find((next) => next !== false) ?? null;
  }

  /**
   * The reaches whose frames are fetched ahead. At epsilon 0 no reach changes anything.
   * @param {PageState} state
   */
  function reachesOf({ scan, mode, reach, strength }) {
    if (strength === 0 || !shown || !scan.reach.modes.includes(mode)) return [];
    return reachesBeside(reach, scan.reach, reachesAhead(shown.frame.length, GRID));
  }

  /**
   * @param {Ask} fetcher
   * @param {SliceRequest} request
   * @param {boolean} isWanted whether the present picture needs it
   * @returns {Promise<boolean>} false if a newer wish came between
   */
  async function fetchFrame(fetcher, request, isWanted) {
    const answer = await askToTheEnd(fetcher, request, isWanted);
    if (answer === "left") return false;
    // A server function returns undefined when the connection or the server failed.
    if (!answer || answer.error) {
      failed = request.sequence;
      if (isWanted && request.sequence === sequence) tell({ error: answer?.error ?? SILENT });
      return true;
    }
    const [frame, input] = await Promise.all([unpackFrame(answer), unpackInput(answer)]);
    if (input) remember(inputs, sliceKey(request), input);
    remember(kept, frameKey(request), frame);
    // During a drag every answer is shown as it comes, unless the visitor has left its slice.
    const isHere = store.state !== null && sliceKey(request) === sliceKey(requestOf(store.state));
    if (isWanted && isHere && request.sequence >= (shown?.request.sequence ?? 0)) publish(request);
    tell({ fetched: request });
    return true;
  }

  /**
   * A picture that cuts through all slices needs them all. It is requested slice by slice while it is wanted.
   * @param {Ask} fetcher
   * @param {SliceRequest} request
   * @param {boolean} isWanted
   * @returns {Promise<SliceAnswer | undefined | "left">}
   */
  async function askToTheEnd(fetcher, request, isWanted) {
    const question = { ...request, with_image: !inputs.has(sliceKey(request)) };
    let answer = await fetcher(question);
    while (answer?.of && !answer.error) {
      if (wanted || (isWanted && request.sequence !== sequence)) return "left";
      if (isWanted) tell({ progress: { done: answer.done ?? 0, of: answer.of } });
      answer = await fetcher(question);
    }
    return answer;
  }

  /**
   * A frame of the present slice under other settings; null if the server has none.
   * @param {FrameSettings} settings
   * @returns {Promise<Frame | null>}
   */
  function frameOf(settings) {
    if (!store.state) return Promise.resolve(null);
    const request = { ...requestOf(store.state), ...settings, sequence };
    const known = kept.get(frameKey(request));
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => {
      besides.push({ request, resolve });
      pump();
    });
  }

  /** @param {Ask} fetcher */
  function connect(fetcher) {
    ask = fetcher;
    pump();
  }

  /**
   * @param {(event: FrameEvent) => void} listener
   * @returns {() => void} unsubscribes
   */
  function subscribe(listener) {
    listeners.add(listener);
    if (shown) listener({ shown });
    return () => listeners.delete(listener);
  }

  /** @returns {CurvePoint[]} */
  function curve() {
    if (!store.state) return [];
    const base = requestOf(store.state);
    const strengths = [...new Set([...GRID, base.strength])].sort((a, b) => a - b);
    return strengths.flatMap((strength) => {
      const frame = kept.get(frameKey({ ...base, strength }));
      return frame ? [{ strength, ...frame }] : [];
    });
  }

  function readyAhead() {
    if (!store.state) return 0;
    const base = requestOf(store.state);
    return GRID.filter((strength) => isReady({ ...base, strength })).length;
  }

  store.subscribe(follow);
  return {
    connect,
    subscribe,
    frameOf,
    /** The last frame that the views were given, or null. */
    get shown() {
      return shown;
    },
    /** The present slice's frames by epsilon, as far as they are there. The curves are drawn from them. */
    get curve() {
      return curve();
    },
    /** How many of the present slice's frames by epsilon have been fetched ahead. */
    get readyAhead() {
      return readyAhead();
    },
  };
}

export const frames = createFrames(pageStore, (facts.curve_steps ?? 21) - 1);
