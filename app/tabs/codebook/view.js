/* The Codebook tab: the codewords as a map that is linked with the present slice, a card for each codeword, their use,
   their evolution in training, and the two radii. */

import { links } from "../../web/links.js";
import { createAtoms } from "./atoms.js";
import { createCard } from "./card.js";
import { createContext } from "./context.js";
import { createEvolution } from "./evolution.js";
import { chooseView, createHead } from "./head.js";
import { createFind } from "./find.js";
import { createForce } from "./force.js";
import { createHistograms } from "./histograms.js";
import { createHover } from "./hover.js";
import { createKeyboard } from "./keyboard.js";
import { createLayout } from "./layout.js";
import { createList } from "./list.js";
import { createLasso } from "./lasso.js";
import { createMap } from "./map.js";
import { createRadii } from "./radii.js";
import { createSaved } from "./saved.js";
import { createSelection } from "./selection.js";
import { createSide } from "./side.js";
import { createSlice } from "./slice.js";
import { createStrip } from "./strip.js";
import { createUsage } from "./usage.js";

/** @type {ReturnType<typeof createMap> | null} */
let map = null;

/** What the map shows, null before the first drawing. plotly.js draws a moment after the request. */
export const state = () => map?.state() ?? null;

/**
 * @param {HTMLElement} element
 * @param {import("../../web/types").Props<import("./types").Constants>} props
 * @param {import("./types").CodebookServer} server
 */
export function mount(element, props, server) {
  const context = createContext(element, server);
  const atoms = createAtoms(context);
  // First, because the other parts draw only into an open view.
  createHead(context);
  createKeyboard(context);
  map = createMap(context, createHover(context, atoms));
  createLayout(context, map);
  createSlice(context);
  createStrip(context);
  createLasso(context, map);
  createSide(context);
  createFind(context);
  createHistograms(context);
  createSelection(context, atoms);
  createForce(context);
  createSaved(context);
  createCard(context, atoms, map);
  createUsage(context);
  createList(context);
  createEvolution(context);
  createRadii(context, props.value);
  followLink(context);
  context.codebook.start();
  new IntersectionObserver(() => context.codebook.seen()).observe(element);
}

/**
 * A link may name a view, selections and a code.
 * @param {import("./types").Context} context
 */
function followLink(context) {
  const { codebook, say } = context;
  const { view = "", code = "", ...selections } = links.asked();
  let isFollowed = false;
  chooseView(context, view);
  codebook.subscribe(() => {
    // The link means only the codebook that the page opens with.
    if (isFollowed || !codebook.state.book) return;
    isFollowed = true;
    const unread = codebook.follow(selections);
    if (unread.length) say("This codebook has not all that the link asks for: " + unread.join(", ") + ".");
    if (/^\d+$/.test(code)) codebook.pick(Number(code));
  }, "book");
}
