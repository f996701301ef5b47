/* The map of effective candidates: how many codewords each token may become where it is replaced. */

import { ownersOf } from "../../web/cells.js";
import { typed } from "../../web/packed.js";
import { GRADIENT } from "../../web/ramp.js";
import { whyFixed } from "../../web/reach_scale.js";
import { markTokens, rangeOf } from "./map_pixels.js";
import { elementIn } from "./tab.js";

/** @typedef {import("../../web/types").Shown} Shown */
/** @typedef {import("./types").Tab} Tab */

/** @param {number} count */
const whole = (count) => (count < 10 ? count.toFixed(1) : Math.round(count).toLocaleString("en"));

/** @param {Shown["request"]} request */
const keyOf = ({ token, plane, index, mode, reach }) => JSON.stringify([token, plane, index, mode, reach]);

/** @param {Tab} tab */
export function createCandidates(tab) {
  const scale = tab.find("[data-scale=candidates]");
  let asked = "";
  /** @type {Float32Array | null} */
  let values = null; // of the tokens of the slice, in all levels

  /** @param {Shown} shown */
  async function ask({ request }) {
    const mine = (asked = keyOf(request));
    values = null;
    const answer = await tab.server.candidates(request);
    if (mine !== asked) return;
    if (!answer?.candidates) return tab.tell(answer?.error ?? "The server did not answer. Move a slider to try again.");
    const got = await typed(Float32Array, answer.candidates);
    if (mine !== asked) return;
    values = got;
    tab.schedule();
  }

  /**
   * @param {Uint8ClampedArray} out RGBA, with the grey picture
   * @param {Shown} shown
   * @returns {boolean} false until the map has come, and where there is none
   */
  function draw(out, shown) {
    const scene = tab.scene();
    if (!scene?.view.acquired || whyFixed(scene.state)) return false;
    if (asked !== keyOf(shown.request)) void ask(shown);
    if (!values) return false;
    markTokens(out, ownersOf(scene.scan, shown.request.plane), values);
    return true;
  }

  /** @param {boolean} isChosen */
  function tell(isChosen) {
    const scene = tab.scene();
    const why = scene && isChosen ? whyFixed(scene.state) : "";
    scale.hidden = !isChosen || !values || Boolean(why);
    if (why) tab.tell(why);
    if (scale.hidden || !values) return;
    const [low, high] = rangeOf(values);
    elementIn(scale, "i").style.background = GRADIENT;
    elementIn(scale, "[data-text=fewest]").textContent = whole(low);
    elementIn(scale, "[data-text=most]").textContent = whole(high);
  }

  return { draw, tell };
}
