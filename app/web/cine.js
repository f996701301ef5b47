/* The cine on show: which frame is wanted, which are ready, and playing. A frame is shown by store.moveFrame, and then it is
   a scan of its own for every view. Knows nothing of the strip that shows all this (page/cine.js). */

import { caseOf, frameToken } from "./cine_frames.js";
import { frames as pageFrames } from "./frames.js";
import { links } from "./links.js";
import { store as pageStore } from "./store.js";

/** @typedef {import("./types").CineAnswer} CineAnswer */
/** @typedef {import("./types").CineState} CineState */
/** @typedef {(request: {token: string, frame: number}) => Promise<CineAnswer | undefined>} AskCine */

const AGAIN = 300; // milliseconds between two questions while frames are being encoded
const LATER = 2000; // after one that was not answered
const BEAT = { fastest: 40, slowest: 400, unknown: 80, pair: 700 }; // milliseconds of a frame

/**
 * How long a frame is on show while the cine plays: as in life, where the file says so.
 * @param {number | null | undefined} seconds
 * @param {boolean} isPair
 */
export function durationOf(seconds, isPair) {
  if (isPair) return BEAT.pair;
  return seconds ? Math.min(BEAT.slowest, Math.max(BEAT.fastest, 1000 * seconds)) : BEAT.unknown;
}

/**
 * The next frame that is ready, round the cycle; the present one if there is no other.
 * @param {number} frame
 * @param {{frames: number, ready: number[]}} told
 */
export function nextReady(frame, { frames, ready }) {
  for (let step = 1; step < frames; step++) {
    const next = (frame + step) % frames;
    if (ready.includes(next)) return next;
  }
  return frame;
}

/**
 * A separate instance, for tests. The page uses `cine`.
 * @param {import("./store.js").Store} store
 * @param {{frameOf: (settings: import("./types").FrameSettings) => Promise<unknown>}} frames
 * @param {(frame: number | null) => void} address takes the frame into the page's address
 */
export function createCine(store, frames, address) {
  /** @type {Set<(state: CineState | null) => void>} */
  const listeners = new Set();
  /** @type {Set<() => Promise<unknown>>} */
  const waits = new Set(); // what a frame that plays has to wait for besides its pictures
  /** @type {CineState | null} */
  let state = null;
  /** @type {AskCine | null} */
  let ask = null;
  let asked = 0; // number of the newest question
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {Partial<CineState>} [changes] */
  function tell(changes) {
    if (state && changes) state = { ...state, ...changes };
    for (const listener of listeners) listener(state);
  }

  /** @param {import("./types").PageState} page */
  function follow({ scan }) {
    const token = caseOf(scan.token);
    if (state?.token === token && scan.cine) {
      if (state.frame !== (scan.frame ?? 0)) tell({ frame: scan.frame ?? 0 });
      return;
    }
    clearTimeout(waiting);
    if (!state && !scan.cine) return;
    asked++;
    const { frames: count = 0, paired = false, asked: first = 0 } = scan.cine ?? {};
    // Under another checkpoint, or beside its other phase, the same scan stays at its frame.
    const before = state?.name === scan.name && state.frames === count ? state.wanted : first;
    const wanted = Math.min(before, count - 1);
    const { name } = scan;
    state = scan.cine ? { token, name, frames: count, paired, wanted, frame: 0, told: null, playing: false } : null;
    address(wanted > 0 ? wanted : null);
    tell();
    look();
  }

  /** Ask how far the frames are, again and again until nothing is missing. */
  async function look() {
    clearTimeout(waiting);
    if (!ask || !state) return;
    const mine = ++asked;
    const told = await ask({ token: state.token, frame: state.wanted });
    if (mine !== asked || !state) return;
    if (told && !told.error) {
      tell({ told });
      show();
    }
    const { wanted, frame } = /** @type {CineState} */ (state);
    const isOver = told?.error || told?.stopped;
    if (!told || !(isOver || (told.done === told.frames && wanted === frame))) {
      waiting = setTimeout(look, told ? AGAIN : LATER);
    }
  }

  function show() {
    if (state?.told?.ready.includes(state.wanted)) store.moveFrame(state.wanted);
  }

  /**
   * Choose a frame. It is shown at once if it is ready, and else as soon as it is.
   * @param {number} wanted
   */
  function go(wanted) {
    if (!state || !(wanted >= 0 && wanted < state.frames) || wanted === state.wanted) return;
    tell({ wanted });
    address(wanted || null);
    show();
    // The server learns what to encode next, or keeps what is looked at longest.
    if (state.frame !== wanted || !state.told?.keeps_all) look();
  }

  /**
   * @param {number} step
   * @returns {boolean} whether there is a cine
   */
  function move(step) {
    if (!state) return false;
    pause();
    go((state.wanted + step + state.frames) % state.frames);
    return true;
  }

  async function play() {
    if (!state || state.playing) return;
    tell({ playing: true });
    const { token } = state;
    const isOn = () => state?.token === token && state.playing;
    while (isOn() && state?.told) {
      const begun = performance.now();
      const next = nextReady(state.frame, state.told);
      await Promise.all([frames.frameOf({ token: frameToken(token, next) }), ...[...waits].map((wait) => wait())]);
      if (!isOn()) return;
      go(next);
      const rest = durationOf(state.told.seconds, state.paired) - (performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
    }
    // Nothing is known of the frames yet.
    if (isOn()) pause();
  }

  function pause() {
    if (state?.playing) tell({ playing: false });
  }

  /** @returns {boolean} whether there is a cine */
  function toggle() {
    if (state?.playing) pause();
    else play();
    return state !== null;
  }

  /** @param {AskCine} fetcher */
  function connect(fetcher) {
    ask = fetcher;
    look();
  }

  /**
   * @param {(state: CineState | null) => void} listener
   * @returns {() => void} unsubscribes
   */
  function subscribe(listener) {
    listeners.add(listener);
    listener(state);
    return () => listeners.delete(listener);
  }

  store.subscribe(follow);
  store.onReset(() => {
    const wanted = state?.wanted ?? 0;
    pause();
    go(0);
    return wanted ? () => go(wanted) : undefined;
  });
  return {
    connect,
    subscribe,
    go,
    move,
    play,
    pause,
    toggle,
    /** @param {() => Promise<unknown>} wait before the next frame of a cine that plays is shown */
    waitFor: (wait) => void waits.add(wait),
    get state() {
      return state;
    },
  };
}

export const cine = createCine(pageStore, pageFrames, (frame) => links.more({ frame }));
