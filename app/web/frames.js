/* The frames of what the page shows: requested, kept and fetched ahead.
   One wish is under way at a time. Only the newest one is kept, so the last value of a drag always wins. While many visitors
   wait, a newer wish is sent before the older one is answered: it takes its place on the server.
   In pauses the frames of epsilon 0, 0.05 .. 1 of the present slice are fetched, the nearest first, and those of the
   reaches beside the present one. The sliders then need no wait; the one that moved last comes first. A wish never waits for
   what is fetched ahead, and the server refuses to fetch ahead while others wait. */

import { facts } from "./facts.js";
import { gridOf, nearest, nextAhead, reachesAhead, requestOf, sliceKey } from "./frame_order.js";
import { createKept } from "./kept_frames.js";
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
/** @typedef {import("./types").SliceRequest} SliceRequest */
/** @typedef {{request: SliceRequest, resolve: (frame: Frame | null) => void}} Extra */

const STAND_IN = 4; // reaches beside one whose frames may stand in until its own has come
const REST = 150; // milliseconds without a change before anything is fetched ahead
const LATER = 1000; // until the server is asked again, after it had no time to fetch ahead
const OVERDUE = 250; // after this a newer wish is sent although the older one is not answered
const LONG = 1500; // after this the visitor reads that there are many
/** What a visitor reads while the pictures of others come first. */
export const WAITING = "Many visitors at once: your picture comes in its turn";
const SILENT = "The server did not answer. Move the slider to try again.";

/**
 * A separate instance, for tests. The page uses `frames`.
 * @param {import("./store.js").Store} store
 * @param {number} steps of epsilon that are fetched ahead
 */
export function createFrames(store, steps) {
  const GRID = gridOf(steps);
  const kept = createKept();
  const { isReady } = kept;
  /** @type {Set<(event: FrameEvent) => void>} */
  const listeners = new Set();
  /** @type {Extra[]} */
  const besides = []; // further frames that views ask for, served in turn
  /** @type {Ask | null} */
  let ask = null; // the server's function
  /** @type {SliceRequest | null} */
  let wanted = null; // the newest request, not sent yet
  let wishes = 0; // how many wishes are under way: more than one only if the server lets them wait
  let isBeside = false; // whether a frame that is no wish is under way
  let sent = 0; // when the last wish was sent, by performance.now()
  let later = 0; // nothing is fetched ahead before, by performance.now()
  let sequence = 0; // of the newest wish
  /** @type {PageState | null} */
  let former = null; // the state before the present one
  let reachMoved = false; // whether the reach was moved after epsilon
  /** @type {Shown | null} */
  let shown = null; // the last frame that the views were given
  let failed = 0; // sequence at which fetching ahead failed; the next change starts it again
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let overdue;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let long;

  /** @param {FrameEvent} event */
  function tell(event) {
    for (const listener of listeners) listener(event);
  }

  /** @param {SliceRequest} request */
  function publish(request) {
    const [frame, input] = [kept.frame(request), kept.input(request)];
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

  /** Send what may be sent now: the newest wish, or, while there is none, one other frame. */
  function pump() {
    if (!ask) return;
    if (wanted && isFree()) sendWish(ask);
    else if (!wanted && !wishes && !isBeside) sendBeside(ask);
  }

  /** Whether a wish may be sent: the one before is answered, or waits for long. It looks again when that is so. */
  function isFree() {
    const left = wishes ? OVERDUE - (performance.now() - sent) : 0;
    clearTimeout(overdue);
    if (left > 0) overdue = setTimeout(pump, left);
    return left <= 0;
  }

  /** @param {Ask} fetcher */
  async function sendWish(fetcher) {
    const request = /** @type {SliceRequest} */ (wanted);
    wanted = null;
    sent = performance.now();
    wishes++;
    count();
    try {
      await fetchFrame(fetcher, request, "shown");
    } finally {
      wishes--;
      count();
      pump();
    }
  }

  /** Something has happened: from now on the visitor waits again, if a wish is under way. */
  function count() {
    clearTimeout(long);
    if (wishes) long = setTimeout(() => tell({ waiting: true }), LONG);
  }

  /** The views' further frames come before what is fetched ahead. @param {Ask} fetcher */
  async function sendBeside(fetcher) {
    const extra = besides.shift();
    const request = extra?.request ?? ahead();
    if (!request) return;
    isBeside = true;
    try {
      const finished = await fetchFrame(fetcher, request, extra ? "beside" : "ahead");
      if (finished) extra?.resolve(kept.frame(request));
      else if (extra) besides.unshift(extra);
    } finally {
      isBeside = false;
      pump();
    }
  }

  /** The next frame to fetch ahead; null if all are there or the visitor is still moving a control. */
  function ahead() {
    const { state } = store;
    if (!state?.scan.planes[state.plane].acquired || failed === sequence || globalThis.document?.hidden) return null;
    const rest = Math.max(state.changed + REST, later) - performance.now();
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
   * @param {import("./types").Purpose} purpose
   * @returns {Promise<boolean>} false if a newer wish came between
   */
  async function fetchFrame(fetcher, request, purpose) {
    const answer = await askToTheEnd(fetcher, request, purpose);
    if (answer === "left" || answer?.skipped === "newer") return false;
    if (answer?.skipped) {
      later = performance.now() + LATER;
      return true;
    }
    const isWanted = purpose === "shown";
    // A server function returns undefined when the connection or the server failed.
    if (!answer || answer.error) {
      failed = request.sequence;
      if (isWanted && request.sequence === sequence) tell({ error: answer?.error ?? SILENT });
      return true;
    }
    const [frame, input] = await Promise.all([unpackFrame(answer), unpackInput(answer)]);
    kept.put(request, frame, input);
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
   * @param {import("./types").Purpose} purpose
   * @returns {Promise<SliceAnswer | undefined | "left">}
   */
  async function askToTheEnd(fetcher, request, purpose) {
    const [question, isWanted] = [{ ...request, for: purpose, with_image: !kept.input(request) }, purpose === "shown"];
    let answer = await fetcher(question);
    while (answer?.of && !answer.error) {
      if (wanted || (isWanted && request.sequence !== sequence)) return "left";
      if (isWanted) count();
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
    const known = kept.frame(request);
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
      const frame = kept.frame({ ...base, strength });
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
