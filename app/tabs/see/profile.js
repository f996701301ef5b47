/* The profile under the pictures: one bar a slice, the higher the worse. The bars are a slider of the slices. */

import { addKeys, setSlider } from "../../web/keys.js";
import { links } from "../../web/links.js";
import { store } from "../../web/store.js";
import { FIGURES, barsOf, profileInWords, sliceInWords, topOf, worstOf } from "./profile_bars.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("./profile_bars.js").Figure} Figure */
/** @typedef {import("./profile_bars.js").SliceScore} SliceScore */
/** @typedef {import("./results.js").Question} Question */
/** @typedef {(question: Question & {known: number}) =>
    Promise<{scores?: SliceScore[], of?: number, busy?: boolean, error?: string} | undefined>} AskProfile */

const REST = 400; // milliseconds without a change before slices are decoded: pictures come first
const LATER = 500; // until the server is asked again, after others came first
const LOST = 5000; // and after it did not answer

/** @param {PageState} state @returns {Question} */
const questionOf = ({ scan: { token }, plane, index, strength, mode, seed, edits, reach }) => ({
  ...{ token, plane, index, strength, mode, seed, edits, reach },
});

/**
 * What the scores depend on. The slice belongs to it only if tokens are forced there.
 * @param {PageState} state
 */
function keyOf(state) {
  const { index, edits, ...rest } = questionOf(state);
  return JSON.stringify([rest, state.scan.truth, edits.length ? [index, edits] : []]);
}

/**
 * @param {HTMLElement} root
 * @param {AskProfile} ask
 */
export function createProfile(root, ask) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const strip = find(".profile");
  const range = /** @type {HTMLInputElement} */ (find(".profile input"));
  const select = /** @type {HTMLSelectElement} */ (find(".profile select"));
  const button = /** @type {HTMLButtonElement} */ (find("[data-do=worst]"));
  const bars = find(".profile svg");
  /** @type {Figure | null} */
  let chosen = FIGURES.find((one) => one === links.asked().profile) ?? null; // null: what says most
  let asked = ""; // what the scores are of, or will be
  /** @type {SliceScore[]} */
  let scores = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  /** @returns {Figure} */
  function figure() {
    const hasTruth = Boolean(store.state?.scan.truth);
    return chosen === "truth" && !hasTruth ? "clean" : (chosen ?? (hasTruth ? "truth" : "clean"));
  }

  const isSeen = () => root.offsetParent !== null && !document.hidden;

  /** @param {PageState} state */
  function follow(state) {
    const { count } = state.scan.planes[state.plane];
    strip.hidden = count < 2;
    select.options[0].hidden = select.options[0].disabled = !state.scan.truth;
    select.value = figure();
    Object.assign(range, { max: count - 1, value: state.index });
    strip.style.setProperty("--slices", String(count));
    bars.setAttribute("viewBox", `0 0 ${count} 1`);
    strip.toggleAttribute("data-stale", keyOf(state) !== asked);
    tell(state);
    wait(REST);
  }

  /** @param {number} milliseconds */
  function wait(milliseconds) {
    clearTimeout(resting);
    resting = setTimeout(fill, milliseconds);
  }

  /** Ask for the missing slices until all are there, or until they are no longer wanted. */
  async function fill() {
    const { state } = store;
    if (!state || strip.hidden || !isSeen()) return;
    const [key, { count }] = [keyOf(state), state.scan.planes[state.plane]];
    if (key !== asked) [asked, scores] = [key, []];
    const mine = scores;
    while (mine === scores && mine.length < count && isSeen() && keyOf(store.state ?? state) === key) {
      const answer = await ask({ ...questionOf(state), known: mine.length });
      if (mine !== scores) return;
      mine.push(...(answer?.scores ?? []));
      draw();
      if (!answer?.scores) return wait(LOST);
      if (answer.busy) return wait(LATER);
    }
  }

  function draw() {
    const { state } = store;
    if (!state) return;
    const { worst, others } = barsOf(scores, figure());
    find("[data-bars=worst]").setAttribute("d", worst);
    find("[data-bars=others]").setAttribute("d", others);
    strip.toggleAttribute("data-stale", keyOf(state) !== asked);
    tell(state);
  }

  /** @param {PageState} state */
  function tell({ index, plane, scan }) {
    const shown = figure();
    button.disabled = worstOf(scores, shown) === null;
    find("[data-text=profile]").textContent = profileInWords(scores, scan.planes[plane].count, shown);
    find("[data-text=profile-top]").textContent = topOf(scores, shown).toFixed(2);
    range.setAttribute("aria-valuetext", sliceInWords(scores[index], index, shown));
  }

  /** Only where it can be seen. */
  function goToWorst() {
    const worst = worstOf(scores, figure());
    if (!root.checkVisibility() || strip.hidden || worst === null) return false;
    setSlider("slice", worst);
    return true;
  }

  /** @param {Figure | null} wanted */
  function choose(wanted) {
    chosen = wanted;
    links.more({ profile: chosen });
    select.value = figure();
    draw();
  }

  function reset() {
    const former = chosen;
    choose(null);
    return former ? () => choose(former) : undefined;
  }

  range.addEventListener("input", () => setSlider("slice", Number(range.value)));
  range.addEventListener("pointermove", ({ offsetX }) => {
    const index = Math.min(Number(range.max), Math.floor((offsetX / range.clientWidth) * (Number(range.max) + 1)));
    range.title = sliceInWords(scores[index], index, figure());
  });
  select.addEventListener("change", () => choose(/** @type {Figure} */ (select.value)));
  button.addEventListener("click", goToWorst);
  addKeys({ w: goToWorst });
  new IntersectionObserver(() => wait(REST)).observe(root);
  if (chosen) links.more({ profile: chosen });
  return { follow, reset };
}
