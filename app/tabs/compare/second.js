/* B: the second scan and its pictures, which follow those of A. */

import { unpackFrame, unpackInput } from "../../web/packed_frames.js";
import { besideOf } from "./pairing.js";

/** @typedef {import("../../web/types").Frame} Frame */
/** @typedef {import("../../web/types").Scan} Scan */
/** @typedef {import("../../web/types").Shown} Shown */
/** @typedef {import("../../web/types").SliceInput} SliceInput */
/** @typedef {import("./types").Question} Question */
/**
 * What B shows, and the picture of A that it lies beside.
 * @typedef {{question: Question, frame: Frame, input: SliceInput, of: Shown}} Second
 */

const LATER = 500; // milliseconds until the server is asked again, after others came first
const SILENT = "The server did not answer for B. Move a slider to try again.";

/**
 * One question is under way at a time; only the newest wish is kept, so the last value of a drag wins.
 * @param {import("./types").Server["beside"]} ask
 * @param {{changed: () => void, say: (message: string) => void}} told
 */
export function createSecond(ask, { changed, say }) {
  /** @type {Scan | null} */
  let scan = null;
  /** @type {Second | null} */
  let second = null;
  /** @type {{shown: Shown, one: Scan} | null} */
  let wanted = null;
  let isAsking = false;

  /** @param {Scan | null} other */
  function become(other) {
    [scan, second, wanted] = [other, null, null];
  }

  /**
   * @param {Shown} shown of A
   * @param {Scan} one A
   */
  function follow(shown, one) {
    if (!scan || second?.of.frame === shown.frame) return;
    wanted = { shown, one };
    if (!isAsking) void fetchAll();
  }

  async function fetchAll() {
    isAsking = true;
    while (wanted && scan) {
      const { shown, one } = wanted;
      const [mine, question] = [scan, besideOf(shown.request, one, scan)];
      const isHere = second !== null && sliceOf(second.question) === sliceOf(question);
      const answer = await ask({ ...question, with_image: !isHere });
      if (mine !== scan) continue;
      if (answer?.skipped) await new Promise((done) => setTimeout(done, LATER));
      if (answer?.skipped || answer?.of) continue;
      if (wanted.shown === shown) wanted = null;
      if (!answer || answer.error) {
        say(answer?.error ?? SILENT);
        continue;
      }
      const [frame, input] = await Promise.all([unpackFrame(answer), unpackInput(answer)]);
      const known = input ?? second?.input;
      if (mine !== scan || !known) continue;
      second = { question, frame, input: known, of: shown };
      say("");
      changed();
    }
    isAsking = false;
  }

  return {
    become,
    follow,
    get scan() {
      return scan;
    },
    get shown() {
      return second;
    },
  };
}

/** @param {Question} question */
const sliceOf = ({ token, plane, index }) => [token, plane, index].join(" ");
