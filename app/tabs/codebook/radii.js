/* Two radii: how far dropout and the QPM move the decoders' input, and how the present slice's labels change. */

import { frames } from "../../web/frames.js";
import { drawPlot, ink, marker, plotLook } from "../../web/plotly.js";
import { store } from "../../web/store.js";
import { costTraces, radiiLayout, radiusTraces, topOf } from "./radii_traces.js";
import { boundInWords, radiiInWords } from "./radii_words.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").SliceRequest} SliceRequest */

/** Milliseconds without a change before the curves are redrawn. */
const REST = 120;

/** @param {import("./types").Context} context */
export function createRadii(context) {
  const { root, codebook, part, text, server, visible, say } = context;
  const { state } = codebook;
  /** @type {import("./types").Theory | null} */
  let theory = null;
  // The codebook that the theory belongs to, and what is drawn: its codebook and its colours.
  let known = "";
  let drawn = "";
  /** @type {import("./types").Cost & {of: string}} What dropout costs on a slice. */
  let measured = { of: "", rates: [], dice: [] };
  let asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const isOpen = () => state.view === "radii" && visible();

  async function open() {
    const { token, book } = state;
    if (!isOpen() || !book) return;
    const reach = store.state?.reach ?? null;
    const wanted = book.key + " " + reach;
    if (known !== wanted) {
      text("radii").textContent = "Computing the distances between all codewords …";
      const answer = await server.radii({ token, reach });
      if (token !== state.token) return;
      if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Choose the view again.");
      [theory, known] = [answer, wanted];
    }
    if (theory && drawn !== known + ink(root)) {
      drawn = known + ink(root);
      await drawRadius(theory);
    }
    cost();
  }

  /** @param {import("./types").Theory} of */
  async function drawRadius(of) {
    const top = topOf(of);
    await drawPlot(part("#radius"), radiusTraces(of), look(radiiLayout("KL in nats", [-0.02 * top, top])));
    text("radii").textContent = radiiInWords(of);
  }

  /** @param {object} layout */
  const look = (layout) => plotLook(root, { uirevision: known, ...layout });

  /* The QPM's curve uses the frames that are fetched ahead. Dropout's comes from the server once for a slice and a seed. */
  async function cost() {
    const page = store.state;
    const request = state.shown?.request;
    if (!page || !theory || !request || !isOpen() || request.token !== state.token) return;
    const { acquired } = page.scan.planes[request.plane];
    text("radii-more").textContent = boundInWords(theory.high[theory.high.length - 1], acquired, page.mode);
    if (acquired && !(await measure(request))) return;
    drawCost(page, acquired);
  }

  /**
   * @param {SliceRequest} request
   * @returns {Promise<boolean>} false if another slice was asked for meanwhile
   */
  async function measure(request) {
    const of = [request.token, request.index, request.seed, request.edits].join(" ");
    if (measured.of === of) return true;
    const mine = ++asked;
    measured = { of, rates: [], dice: [] };
    const answer = await server.dropout_cost(request);
    if (mine !== asked) return false;
    const { rates, dice, error } = answer ?? {};
    if (rates && dice) measured = { of, rates, dice };
    else say(error ?? "The server did not answer. Choose the view again.");
    return true;
  }

  /**
   * @param {PageState} page
   * @param {boolean} acquired
   */
  function drawCost(page, acquired) {
    const dropout = acquired ? measured : { rates: [], dice: [] };
    text("radii-slice").textContent = "Dice against the labels at ε = 0, " + page.plane + " slice " + page.index;
    const layout = { ...radiiLayout("Dice", [0, 1.02]), shapes: [marker(root, page.strength)] };
    drawPlot(part("#cost"), costTraces(dropout, acquired ? frames.curve : []), look(layout));
  }

  function costSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(open, REST);
  }

  codebook.subscribe(open, "view", "book");
  codebook.subscribe(costSoon, "frame", "page", "presence");
  // The frames of epsilon arrive one after the other.
  frames.subscribe((event) => {
    if (event.fetched && isOpen()) costSoon();
  });
}
