/* Evolution: the codewords at snapshots of the training in one common projection, and how many were in use. */

import { save } from "../../web/files.js";
import { number, percent } from "../../web/numbers.js";
import { bytesOf, typed } from "../../web/packed.js";
import { drawPlot, ink, marker, plotLook, plotly } from "../../web/plotly.js";
import { tokensOf } from "./book.js";
import { TEAL } from "./colour.js";
import { curveLayout, curveTrace, mapLayout, mapTraces } from "./evolution_traces.js";
import { swatchOf } from "./legend.js";
import { grey } from "./look.js";
import { codewordsOf, countedAt, pointsAt } from "./moments.js";
import { createPlayback } from "./playback.js";

/** @typedef {import("./types").Story} Story */
/** @typedef {import("./types").Graph} Graph */

/** @param {import("./types").Context} context */
export function createEvolution(context) {
  const { root, codebook, part, parts, text, server, visible, say } = context;
  const { state } = codebook;
  /** @type {Story | null} null where the checkpoint brings no moments. */
  let story = null;
  // The codebook that the story belongs to, and what is drawn: its codebook and its colours.
  let told = "";
  let drawn = "";
  /** @type {{map: Graph, utilisation: Graph, perplexity: Graph} | null} */
  let graphs = null;
  const isOpen = () => state.view === "evolution" && visible();
  const playback = createPlayback(context, isOpen, show);

  async function open() {
    const { book, token } = state;
    if (!isOpen() || !book) return;
    if (told !== book.key) {
      const answer = await server.evolution({ token });
      if (token !== state.token) return;
      if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Choose the view again.");
      story = await storyOf(answer);
      told = book.key;
    }
    part(".evolution .missing").hidden = story !== null;
    for (const element of parts(".evolution > :not(.missing)")) element.hidden = story === null;
    if (!story || drawn === told + ink(root)) return;
    drawn = told + ink(root);
    playback.reset(story.steps.length);
    await draw(story);
  }

  /** @param {Story} of */
  async function draw(of) {
    const isNew = !graphs;
    const map = await drawPlot(part("#evolution"), mapTraces(of, grey(root)), look(mapLayout(of)));
    const utilisation = await drawCurve(of, "utilisation");
    const perplexity = await drawCurve(of, "perplexity");
    graphs = { map, utilisation, perplexity };
    if (isNew) openCards(map);
    show(playback.moment());
  }

  /** @param {object} layout */
  const look = (layout) => plotLook(root, { uirevision: told, ...layout });

  /**
   * @param {Story} of
   * @param {"utilisation" | "perplexity"} name
   */
  const drawCurve = (of, name) => drawPlot(part("#" + name), [curveTrace(of, name)], look(curveLayout(name)));

  /** @param {Graph} map */
  function openCards(map) {
    map.on("plotly_click", (event) => {
      // A codebook that has grown or was pruned since the snapshot has other codes.
      if (story && codewordsOf(story) === state.book?.size) codebook.pick(event.points[0].customdata);
    });
  }

  /** @param {number} moment */
  function show(moment) {
    if (!story || !graphs) return;
    const step = story.steps[moment];
    const [rest, used] = [pointsAt(story, moment, false), pointsAt(story, moment, true)];
    const both = { x: [rest.x, used.x], y: [rest.y, used.y], customdata: [rest.customdata, used.customdata] };
    plotly().restyle(graphs.map, both, [0, 1]);
    for (const graph of [graphs.utilisation, graphs.perplexity])
      plotly().relayout(graph, { shapes: [marker(root, step)] });
    tell(momentInWords(story, moment), used.x.length, rest.x.length);
    if (state.book) text("evolution-counted").textContent = countedInWords(countedAt(story, moment), state.book);
  }

  /**
   * @param {string} words
   * @param {number} used codes
   * @param {number} rest codes
   */
  function tell(words, used, rest) {
    text("moment").textContent = words;
    playback.describe(words);
    const swatches = [swatchOf([TEAL, number(used) + " in use"]), swatchOf([grey(root), number(rest) + " not in use"])];
    part("[data-part=evolution-legend]").replaceChildren(...swatches);
  }

  async function saveFilm() {
    /** @type {HTMLButtonElement} */
    const button = part("[data-do=film]");
    button.disabled = true;
    button.textContent = "Drawing …";
    const answer = await server.film({ token: state.token });
    button.disabled = false;
    button.textContent = "Save as GIF";
    if (!answer?.bytes) return say(answer?.error ?? "The server did not answer. Try again.");
    save(bytesOf(answer.bytes), "image/gif", "codebook_evolution.gif");
  }

  context.onClick({ film: saveFilm });
  codebook.subscribe(open, "view", "book");
  codebook.subscribe(playback.pause, "book");
}

/**
 * @param {import("./types").EvolutionAnswer} answer
 * @returns {Promise<Story | null>}
 */
async function storyOf({ steps, places, counts, utilisation = [], perplexity = [] }) {
  if (!steps || !places || !counts) return null;
  const arrays = { places: await typed(Float32Array, places), counts: await typed(Int32Array, counts) };
  return { steps, ...arrays, utilisation, perplexity };
}

/**
 * @param {Pick<Story, "steps" | "utilisation" | "perplexity">} story
 * @param {number} moment
 */
export function momentInWords({ steps, utilisation, perplexity }, moment) {
  const effective = number(Math.round(perplexity[moment]));
  return "step " + number(steps[moment]) + " · " + percent(utilisation[moment]) + " in use · perplexity " + effective;
}

/**
 * Over what the figures of a moment are counted. The figures of the whole codebook are counted over more, and contradict them.
 * @param {number} counted tokens of the moment
 * @param {Pick<import("./types").Book, "counts" | "source" | "scans">} book
 */
export function countedInWords(counted, book) {
  const all = `${number(tokensOf(book))} tokens of ${book.source} (${number(book.scans)} scans)`;
  return (
    `Counted over ${number(counted)} tokens: of the slices that were watched during training. ` +
    `The figures on top are counted over all ${all}, where more codes are met.`
  );
}
