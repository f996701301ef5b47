/* The frames and inputs that the page keeps: the newest ones, as many as memory allows. */

import { frameKey, mostKept, sliceKey } from "./frame_order.js";

/** @typedef {import("./types").Frame} Frame */
/** @typedef {import("./types").SliceInput} SliceInput */
/** @typedef {import("./types").SliceRequest} SliceRequest */
/** @typedef {Omit<SliceRequest, "sequence">} Settings */

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

export function createKept() {
  /** @type {Map<string, SliceInput>} */
  const inputs = new Map(); // by slice
  /** @type {Map<string, Frame>} */
  const frames = new Map(); // by slice and settings
  return {
    /** @param {Settings} request */
    frame: (request) => frames.get(frameKey(request)) ?? null,
    /** @param {Settings} request */
    input: (request) => inputs.get(sliceKey(request)) ?? null,
    /** Whether a request needs no answer any more. @param {Settings} request */
    isReady: (request) => frames.has(frameKey(request)) && inputs.has(sliceKey(request)),
    /**
     * @param {SliceRequest} request
     * @param {Frame} frame
     * @param {SliceInput | null} input null if it is there already
     */
    put(request, frame, input) {
      if (input) remember(inputs, sliceKey(request), input);
      remember(frames, frameKey(request), frame);
    },
  };
}
