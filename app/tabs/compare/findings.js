/* What was found of A and B: Dice by structure, and the codes that stand for each other. */

import { drawDice, drawPairs, toldInWords } from "./tables.js";
import { isSameScan } from "./pairing.js";

/** @typedef {import("../../web/types").SliceRequest} SliceRequest */
/** @typedef {import("./types").Aligned} Aligned */
/** @typedef {import("./types").Pair} Pair */
/** @typedef {import("./types").Question} Question */
/** @typedef {import("./types").Scans} Scans */

const REST = 250; // milliseconds without another picture before the server is asked

/**
 * @param {HTMLElement} root
 * @param {import("./types").Server} server
 * @param {() => void} changed
 */
export function createFindings(root, server, changed) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  let key = ""; // the settings that Dice is of, or will be
  let alignedOf = ""; // the two scans whose codes are aligned, or will be
  /** @type {Aligned | null} */
  let aligned = null;
  /** @type {Pair | null} */
  let pair = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  /**
   * @param {SliceRequest} request of A
   * @param {Question} question of B
   * @param {Scans} both
   */
  function follow(request, question, both) {
    const now = JSON.stringify([{ ...request, sequence: 0 }, question]);
    if (now === key) return;
    key = now;
    clearTimeout(resting);
    resting = setTimeout(() => void measure(now, request, question, both), REST);
    if (alignedOf !== request.token + question.token) void align(request.token, question.token, both);
  }

  /**
   * @param {string} mine
   * @param {SliceRequest} request
   * @param {Question} question
   * @param {Scans} both
   */
  async function measure(mine, request, question, { one }) {
    let answer = await server.agreement({ ...request, beside: question });
    while (mine === key && answer?.of) answer = await server.agreement({ ...request, beside: question });
    if (mine === key && answer && !answer.error) drawDice(find(".dice"), one.classes, answer);
  }

  /**
   * @param {string} a token
   * @param {string} b token
   * @param {Scans} both
   */
  async function align(a, b, { one, other }) {
    alignedOf = a + b;
    [aligned, pair] = [null, null];
    find(".codes").hidden = true;
    if (!isSameScan(one, other)) return;
    const answer = await server.aligned({ token: a, beside: { token: b } });
    if (alignedOf !== a + b || !answer?.codes) return;
    aligned = answer;
    find("[data-text=told]").textContent = toldInWords(aligned);
    find(".codes").hidden = false;
    draw();
    changed();
  }

  function draw() {
    if (aligned) drawPairs(find(".pairs"), aligned, pair, choose);
  }

  /** Lights a pair of codes, or puts it out again. @param {Pair} wanted */
  function choose(wanted) {
    pair = pair?.code === wanted.code ? null : wanted;
    draw();
    find(".pairs [data-code='" + wanted.code + "']").focus();
    changed();
  }

  /** Another B comes: nothing that was found of the former one stays. */
  function forget() {
    [key, alignedOf, aligned, pair] = ["", "", null, null];
  }

  return {
    follow,
    forget,
    get aligned() {
      return aligned;
    },
    get pair() {
      return pair;
    },
  };
}
