/* The pictures of what the page shows: asked for, kept, fetched ahead.
   One request is under way at a time; only the newest wish is kept, so the last value of a drag always wins. While nothing is
   wished for, the frames of epsilon 0, 0.05 .. 1 of the slice on show are fetched, the nearest first: scrubbing then needs no wait. */

import { facts } from "./facts.js";
import { frameKey, gridOf, mostKept, nearest, nextAhead, requestOf, sliceKey } from "./frame_order.js";
import { unpackFrame, unpackInput } from "./packed_frames.js";
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

const REST = 150; // milliseconds without a change before anything is fetched ahead
const SILENT = "The server did not answer. Move the slider to try again.";

/**
 * Keep a value as the newest one, and as many as memory allows.
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
 * Frames of a store of its own, for tests; the page has `frames`.
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
  const besides = []; // frames that views ask for besides the one on show, served in turn
  /** @type {Ask | null} */
  let ask = null; // the server's function
  /** @type {SliceRequest | null} */
  let wanted = null; // the newest request that was not sent
  let busy = false;
  let sequence = 0; // of the newest request wished for
  /** @type {Shown | null} */
  let shown = null; // what was published last
  let failed = 0; // sequence at which fetching ahead failed; it begins again with the next change
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
    wanted = null;
    if (isReady(request)) publish(request);
    else {
      const near = { ...request, strength: nearest(request.strength, steps) };
      if (isReady(near)) publish(near);
      wanted = request;
    }
    pump();
  }

  async function pump() {
    if (busy || !ask) return;
    busy = true;
    try {
      // Nothing is awaited between the last look and the end: a wish that came then would be lost.
      for (let next = takeNext(); next; next = takeNext()) await serve(ask, next);
    } finally {
      busy = false;
    }
  }

  /**
   * What is wished for first, then what views ask for, then what is fetched ahead; null if there is nothing to fetch.
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

  /** The next frame worth having before anyone asks; null if all are there or the visitor is still moving something. */
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
    return strength === undefined ? null : { ...base, strength };
  }

  /**
   * @param {Ask} fetcher
   * @param {SliceRequest} request
   * @param {boolean} isWanted whether it is for the picture on show
   * @returns {Promise<boolean>} false if a newer wish came between
   */
  async function fetchFrame(fetcher, request, isWanted) {
    const answer = await askToTheEnd(fetcher, request, isWanted);
    if (answer === "left") return false;
    // The server's functions answer undefined when the connection or the server failed.
    if (!answer || answer.error) {
      failed = request.sequence;
      if (isWanted && request.sequence === sequence) tell({ error: answer?.error ?? SILENT });
      return true;
    }
    const [frame, input] = await Promise.all([unpackFrame(answer), unpackInput(answer)]);
    if (input) remember(inputs, sliceKey(request), input);
    remember(kept, frameKey(request), frame);
    // While a drag goes on its answers are shown as they come, but never those of a slice that was left.
    const isHere = store.state !== null && sliceKey(request) === sliceKey(requestOf(store.state));
    if (isWanted && isHere && request.sequence >= (shown?.request.sequence ?? 0)) publish(request);
    tell({ fetched: request });
    return true;
  }

  /**
   * A picture that cuts through all slices needs them all: asked for slice by slice, as long as it is wanted.
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
   * A frame of the slice on show under other settings; null if the server has none.
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
   * @returns {() => void} leaves again
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
    /** What was published last, or null. */
    get shown() {
      return shown;
    },
    /** The frames of the slice on show that are there, by epsilon: what the curves are drawn from. */
    get curve() {
      return curve();
    },
    /** How many of the frames fetched ahead are there for the slice on show. */
    get readyAhead() {
      return readyAhead();
    },
  };
}

export const frames = createFrames(pageStore, (facts.curve_steps ?? 21) - 1);
