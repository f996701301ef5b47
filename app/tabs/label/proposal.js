/* The next slice worth labelling: where the network contradicts itself, by slice and, as a map, by pixel. */

import { HEAT_BAR } from "../../web/heat.js";
import { addKeys, setSlider } from "../../web/keys.js";
import { unpack } from "../../web/packed.js";
import { proposalText, proposed } from "./proposal_words.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Measured} Measured */
/** @typedef {import("./types").Scene} Scene */

/** @param {Context} context */
export function createProposal(context) {
  const { server, find, text, schedule, say, corrections } = context;
  const [next, showMap] = [find("[data-do=next]"), find("[data-do=map]")];
  /** @type {Map<string, (number | null)[]>} */
  const scores = new Map(); // by token
  /** @type {Map<string, Float32Array>} */
  const maps = new Map(); // by token and slice
  let running = 0; // number of the measurement under way, 0 for none
  let measurements = 0;
  let isShown = false; // whether the visitor wants the map
  let asking = ""; // place of the map that is under way

  /** @param {Scene} scene */
  const place = ({ scan, index }) => scan.token + " " + index;

  /**
   * Ask once. What the server has measured already, it tells at once.
   * @param {Scene} scene
   * @returns {Promise<Measured | null>}
   */
  async function ask(scene) {
    const { token } = scene.scan;
    const answer = await server.disagreement({ token, index: scene.index });
    if (!answer || answer.error) {
      say(answer?.error ?? "The server did not answer. Try again.");
      return null;
    }
    scores.set(token, answer.scores);
    if (answer.map)
      maps.set(
        place(scene),
        Float32Array.from(await unpack(answer.map), (share) => share / 255),
      );
    schedule();
    return answer;
  }

  /** Measure all slices, a few a request, while this scan stays on show. Pressed again, it stops. */
  async function findNext() {
    const scene = context.scene();
    if (!scene || running) return stop();
    const mine = (running = ++measurements);
    text("proposal").textContent = "";
    for (let isDone = false; !isDone;) {
      const here = context.scene();
      if (running !== mine || here?.scan.token !== scene.scan.token) return stop();
      const answer = await ask(here);
      if (running !== mine) return;
      if (!answer) return stop();
      text("proposal").textContent = `Slice ${answer.done} of ${answer.of} is read turned, magnified and perturbed.`;
      isDone = answer.done === answer.of;
    }
    stop();
    const index = proposed(scores.get(scene.scan.token) ?? [], correctedOf(scene));
    text("proposal").textContent = proposalText(index, scores.get(scene.scan.token) ?? []);
    if (index !== null) setSlider("slice", index);
  }

  function stop() {
    running = 0;
    schedule();
  }

  /** @param {Scene} scene */
  const correctedOf = ({ key }) => new Set(corrections.corrected(key).map(({ index }) => index));

  function toggleMap() {
    isShown = !isShown;
    schedule();
  }

  /** The map of the slice on show, where it is wanted and measured. @param {Scene} scene */
  function map(scene) {
    return isShown ? (maps.get(place(scene)) ?? null) : null;
  }

  /** @param {Scene} scene */
  function draw(scene) {
    next.textContent = running ? "Cancel" : "Find the next slice";
    showMap.setAttribute("aria-pressed", String(isShown));
    find(".scale").hidden = !map(scene);
    if (!isShown || maps.has(place(scene)) || asking === place(scene)) return;
    void loadMap(scene);
  }

  /** @param {Scene} scene */
  async function loadMap(scene) {
    asking = place(scene);
    const answer = await ask(scene);
    asking = "";
    if (!answer) isShown = false;
    schedule();
  }

  next.addEventListener("click", () => void findNext());
  showMap.addEventListener("click", toggleMap);
  find(".scale i").style.background = HEAT_BAR;
  /** @type {(action: () => void) => () => boolean | void} */
  const here = (action) => () => (context.isVisible() && context.scene() ? action() : false);
  addKeys({ n: here(() => void findNext()), p: here(toggleMap) });
  return { draw, map, scores: (/** @type {Scene} */ { scan }) => scores.get(scan.token) ?? [] };
}
