/* Radius, effect and Dice of every kind of perturbation side by side: how far each moves the distribution of codes, how far
   a token, and what that costs on the present slice. */

import { frames } from "../../web/frames.js";
import { drawPlot, ink, marker, plotLook } from "../../web/plotly.js";
import { store } from "../../web/store.js";
import {
  costLayout,
  effectLayout,
  effectTraces,
  legendOf,
  radiusLayout,
  radiusTraces,
  costTraces,
} from "./radii_traces.js";
import { belowInWords, boundInWords, comparedInWords, costInWords, radiiInWords, usageInWords } from "./radii_words.js";

/** @typedef {import("../../web/types").PageState} PageState */
/** @typedef {import("../../web/types").SliceRequest} SliceRequest */
/** @typedef {import("./types").Constants} Constants */
/** @typedef {import("./types").KindOf} KindOf */

/** Milliseconds without a change before the curves are redrawn. */
const REST = 120;
const SILENT = "The server did not answer. Choose the view again.";

/**
 * @param {import("./types").Context} context
 * @param {Constants} constants
 */
export function createRadii(context, constants) {
  const { root, codebook, part, text, server, visible, say } = context;
  const { state } = codebook;
  /** @type {{of: string, theory: import("./types").Theory, kinds: import("./types").KindsAnswer} | null} */
  let known = null;
  /** @type {Map<string, number[]>} Dice over the strength, by kind and what it depends on. */
  const costs = new Map();
  let [asked, measuring] = [0, false];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const isOpen = () => state.view === "radii" && visible();

  async function open() {
    const { token, book } = state;
    if (!isOpen() || !book) return;
    const reach = store.state?.chosenReach ?? null;
    const of = book.key + " " + reach;
    if (known?.of !== of) {
      const mine = ++asked;
      if (!known) text("radii").textContent = "Computing the distances between all codewords …";
      const [theory, kinds] = await Promise.all([server.radii({ token, reach }), server.kinds({ token, reach })]);
      if (token !== state.token || mine !== asked) return;
      if (!theory || !kinds || theory.error || kinds.error) return say(theory?.error ?? kinds?.error ?? SILENT);
      known = { of, theory, kinds };
    }
    draw();
    measure();
  }

  /** Dice of every kind on the present slice, as far as it is there. @param {PageState} page */
  function costsOf(page) {
    const request = state.shown?.request;
    const { kinds, strengths } = /** @type {NonNullable<typeof known>} */ (known).kinds;
    return kinds.map((kind) => {
      if (!request || !page.scan.planes[request.plane].acquired) return { strengths: [], dice: [] };
      // The frames that are fetched ahead for the sliders.
      if (kind.name === page.mode) {
        return {
          strengths: frames.curve.map((one) => one.strength),
          dice: frames.curve.map((one) => one.dice_vs_clean),
        };
      }
      const dice = costs.get(costKey(request, kind));
      return dice ? { strengths, dice } : { strengths: [], dice: [] };
    });
  }

  /**
   * @param {SliceRequest} request
   * @param {KindOf} kind
   */
  function costKey(request, kind) {
    const { token, index, seed, edits } = request;
    return JSON.stringify([
      kind.name,
      token,
      index,
      seed,
      edits,
      kind.reaches ? (store.state?.chosenReach ?? null) : null,
    ]);
  }

  /** Asks for what is missing, one kind after the other. */
  async function measure() {
    if (measuring) return;
    measuring = true;
    try {
      while (await measureNext()) draw();
    } finally {
      measuring = false;
    }
  }

  /** Asks for Dice of one more kind; false if none is missing. */
  async function measureNext() {
    const [page, request] = [store.state, state.shown?.request];
    if (!page || !request || !known || !isOpen() || request.token !== state.token) return false;
    if (!page.scan.planes[request.plane].acquired) return false;
    const kind = known.kinds.kinds.find((one) => one.name !== page.mode && !costs.has(costKey(request, one)));
    if (!kind) return false;
    const key = costKey(request, kind);
    const { dice, error } = (await server.cost({ ...request, reach: page.chosenReach, kind: kind.name })) ?? {};
    if (!dice) say(error ?? SILENT);
    else costs.set(key, dice);
    // A page that stays open for long does not keep all that it has seen.
    if (costs.size > 200) costs.delete(costs.keys().next().value ?? "");
    return Boolean(dice);
  }

  async function draw() {
    const page = store.state;
    if (!page || !known || !isOpen()) return;
    const { theory, kinds } = known;
    const acquired = page.scan.planes[page.plane].acquired;
    const dice = costsOf(page);
    text("radii").textContent = radiiInWords(theory) + comparedInWords(kinds, dice);
    text("radii-more").textContent =
      boundInWords(theory.high[theory.high.length - 1], acquired, page.mode) +
      belowInWords(kinds) +
      usageInWords(kinds);
    text("radii-slice").textContent = costInWords(page, acquired ? dice : []);
    part("[data-part=kinds]").replaceChildren(...legendOf(kinds.kinds).map(entry));
    const shapes = [marker(root, page.strength)];
    await drawPlot(part("#radius"), radiusTraces(theory, kinds), look({ ...radiusLayout(theory), shapes }));
    await drawPlot(part("#effect"), effectTraces(kinds), look({ ...effectLayout(kinds), shapes }));
    await drawPlot(part("#cost"), costTraces(kinds, dice), look({ ...costLayout(dice, constants), shapes }));
  }

  /** @param {object} layout */
  const look = (layout) => plotLook(root, { uirevision: known?.of + ink(root), ...layout });

  function openSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(open, REST);
  }

  codebook.subscribe(open, "view", "book");
  codebook.subscribe(openSoon, "frame", "page", "presence");
  // The frames of epsilon arrive one after the other.
  frames.subscribe((event) => {
    if (event.fetched && isOpen()) openSoon();
  });
}

/** @param {ReturnType<typeof legendOf>[number]} of */
function entry({ title, colour, dash }) {
  const [item, line] = [document.createElement("span"), document.createElement("i")];
  line.style.borderTop = `3px ${dash === "dash" ? "dashed" : dash === "solid" ? "solid" : "dotted"} ${colour}`;
  item.append(line, title);
  return item;
}
