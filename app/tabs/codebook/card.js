/* The card of a code: everything that is known about one codeword. */

import { make } from "../../web/dom.js";
import { unpack } from "../../web/packed.js";
import { store } from "../../web/store.js";
import * as sections from "./card_sections.js";
import { grey } from "./look.js";
import { createNeighbours } from "./neighbours.js";

/** @typedef {import("./types").CardOf} CardOf */

const HINT =
  "Click a codeword or a cell of the slice to open its card here. " +
  "While the map has the focus, the arrow keys step through the codes by rank.";

/**
 * @param {import("./types").Context} context
 * @param {import("./types").Atoms} atoms
 * @param {ReturnType<typeof import("./map.js").createMap>} map
 */
export function createCard(context, atoms, map) {
  const { root, codebook, part, server, say } = context;
  const { state } = codebook;
  const card = part(".card");
  /** @type {CardOf | null} */
  let answer = null;
  let asked = 0;
  /** @type {number | null | undefined} */
  let far; // the reach that was asked for last
  /** @type {number | null} */
  let drawn = null;
  /** @type {ReturnType<typeof createNeighbours> | null} */
  let neighbours = null;

  function draw() {
    const { book, picked: code } = state;
    neighbours = null;
    if (code === null || !book) return card.replaceChildren(make("p", { className: "hint" }, HINT));
    const { scrollTop } = card;
    const focused = focusedTitle();
    card.replaceChildren(...always(code, book), ...known(code));
    tellStrength();
    // Later parts are added without moving what the visitor is reading.
    card.scrollTop = drawn === code ? scrollTop : 0;
    drawn = code;
    if (focused !== null) focusAgain(focused);
  }

  /**
   * The sections from the codebook statistics.
   * @param {number} code
   * @param {import("./types").Book} book
   */
  function always(code, book) {
    const act = { pick: codebook.pick, close };
    const label = answer?.code === code ? answer.atom_label : null;
    return [
      sections.header(code, book, atoms.picture(code), act),
      sections.facts(code, book, state.presence),
      sections.classes(code, book, label, grey(root)),
    ];
  }

  /**
   * The sections from the server's answer, once it is there.
   * @param {number} code
   */
  function known(code) {
    if (answer?.code !== code) return [];
    neighbours = createNeighbours(answer.neighbours, codebook, atoms, (count) => isolate(code, count));
    const rest = [sections.partners(answer, codebook, atoms), sections.patches(answer), sections.position(answer)];
    return [neighbours.element, ...rest.filter((one) => one !== null)];
  }

  /**
   * Shows only a code and its nearest on the map.
   * @param {number} code
   * @param {number} count
   */
  async function isolate(code, count) {
    const given = await server.nearest({ token: state.token, code });
    if (code !== state.picked) return;
    if (!given?.codes) return say(given?.error ?? "The server did not answer. Choose the code again.");
    codebook.isolate({ code, codes: [code, ...given.codes.slice(0, count)] });
  }

  const presentReach = () => store.state?.reach ?? null;

  function close() {
    codebook.pick(null);
    part("#codewords").focus();
  }

  const focusedTitle = () =>
    document.activeElement instanceof HTMLElement && card.contains(document.activeElement)
      ? document.activeElement.title
      : null;

  /**
   * Puts the focus back, because redrawing has replaced the buttons.
   * @param {string} title
   */
  function focusAgain(title) {
    const same = [...card.querySelectorAll("button")].find((button) => button.title === title && !button.disabled);
    (same ?? card).focus({ preventScroll: true });
  }

  function tellStrength() {
    if (store.state) neighbours?.tell(store.state.strength);
  }

  async function follow() {
    const { picked: code, token } = state;
    const mine = ++asked;
    const reach = presentReach();
    if (answer?.code !== code || answer?.token !== token) answer = null;
    draw();
    if (code === null) return;
    far = reach;
    if (answer?.reach === reach) return;
    const given = await server.card({ token, code, reach });
    if (mine !== asked) return;
    if (!given || given.error) return say(given?.error ?? "The server did not answer. Choose the code again.");
    // What a further reach changes is there at once; the patches stay.
    const { patches } = answer ?? {};
    answer = { ...given, token, reach, patches };
    draw();
    map.link(answer.neighbours.map(([neighbour]) => neighbour));
    if (!patches) await addPatches(answer, () => mine === asked);
  }

  /**
   * Adds the patches on phantoms. They come later: the server may have to draw the phantoms first.
   * @param {CardOf} to
   * @param {() => boolean} isWanted
   */
  async function addPatches(to, isWanted) {
    const given = await server.patches({ token: to.token, code: to.code });
    if (!isWanted() || !given?.patches) return;
    to.patches = { pixels: await unpack(given.patches), side: given.side, count: given.count };
    draw();
  }

  codebook.subscribe(follow, "picked");
  codebook.subscribe(() => {
    if (state.picked !== null) draw();
  }, "presence");
  codebook.subscribe(() => {
    // Also while the first answer is on its way: it would come with the former reach.
    if (state.picked !== null && far !== presentReach()) follow();
    else tellStrength();
  }, "page");
}
