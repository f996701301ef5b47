/* The chosen token. A click or an arrow key chooses it, the card describes it, and the visitor can force it to a code. */
import { boxOf, cellAt, cellBeside } from "../../web/cells.js";
import { unpack } from "../../web/packed.js";
import { pixelAt } from "../../web/pictures.js";
import { store } from "../../web/store.js";
import { zoom } from "../../web/zoom.js";
import { createCard } from "./card.js";

/**
 * @typedef {import("../../web/types").Cell} Cell
 * @typedef {import("../../web/types").Scan} Scan
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Tab} Tab
 */

/** @param {Tab} tab */
export function createCell(tab) {
  /** @type {Cell | null} */
  let chosen = null;
  let asked = 0;
  const card = createCard(tab, force);

  /** The scene, if there are tokens to choose from. */
  const withTokens = () => (tab.scene()?.shown.frame.codes ? tab.scene() : null);
  const isMirrored = () => getComputedStyle(tab.root).getPropertyValue("--mirror").trim() === "-1";

  /** @param {Cell | null} cell */
  function choose(cell) {
    if (!cell) return false;
    chosen = cell;
    describe();
    tab.schedule();
    return true;
  }

  /**
   * A click on one of the two grids.
   * @param {HTMLElement} stage
   * @param {MouseEvent} event
   */
  function click(stage, event) {
    const scene = withTokens();
    const canvas = stage.querySelector("canvas");
    if (!scene || !canvas || !stage.matches("[data-panel=before] *, [data-panel=after] *")) return;
    const pixel = pixelAt(canvas, event, scene.view, isMirrored());
    if (pixel) choose(cellAt(scene.scan, scene.shown.request.plane, pixel.row, pixel.column));
  }

  /**
   * The arrow keys move between cells as displayed.
   * @param {KeyboardEvent} event
   */
  function move(event) {
    const scene = withTokens();
    if (!event.key.startsWith("Arrow") || !scene) return;
    event.preventDefault();
    const beside = cellBeside(scene.scan, scene.shown.request.plane, chosen, event.key, isMirrored());
    if (choose(beside)) bringIntoSight(/** @type {HTMLCanvasElement} */ (event.currentTarget), scene);
  }

  /**
   * Brings the chosen cell into view: a zoomed picture may not show it.
   * @param {HTMLCanvasElement} canvas
   * @param {Scene} scene
   */
  function bringIntoSight(canvas, { shown, view, scan }) {
    const stage = canvas.parentElement;
    if (!chosen || !stage) return;
    const [x, y, width, height] = boxOf(scan, shown.request.plane, chosen.row, chosen.column);
    const [rows, columns] = view.shape;
    /**
     * @param {number} across
     * @param {number} down
     * @returns {[number, number]}
     */
    const inStage = (across, down) => [
      (across * canvas.clientWidth) / stage.clientWidth / columns,
      (down * canvas.clientHeight) / stage.clientHeight / rows,
    ];
    const side = isMirrored() ? -1 : 1;
    const middle = inStage(side * (x + width / 2 - columns / 2), y + height / 2 - rows / 2);
    zoom.reveal(middle, inStage(width, height));
  }

  /** Fills the card for the chosen cell, if there is one. */
  async function describe() {
    const scene = withTokens();
    const { clean_codes: clean, codes } = scene?.shown.frame ?? {};
    if (!scene || !clean || !codes || !chosen) return;
    const mine = ++asked;
    const { row, column, at } = chosen;
    const [code, to] = [clean[at], codes[at]];
    const { token, strength, reach } = scene.shown.request;
    const answer = await tab.server.neighbours({ token, code, to, reach });
    if (mine !== asked) return;
    if (!answer || answer.error) return tab.say(answer?.error ?? "The server did not answer. Click the cell again.");
    const atoms = await unpack(answer.atoms);
    if (mine !== asked) return;
    const place = placeOf(at, scene.scan);
    const isForced = (store.state?.edits ?? []).some((edit) => edit[0] === place[0] && edit[1] === place[1]);
    card.show({ row, column, code, to, isForced }, answer, atoms, { strength, size: scene.scan.codebook_size });
  }

  /** @param {number} code */
  function force(code) {
    const { state } = store;
    if (chosen && state) store.edit([...state.edits, [...placeOf(chosen.at, state.scan), code]]);
  }

  function forget() {
    chosen = null;
    asked++;
    card.clear();
  }

  for (const name of ["before", "after"]) tab.canvasOf(name).addEventListener("keydown", move);
  tab.panel.addEventListener("submit", (event) => {
    event.preventDefault();
    force(card.typed());
  });

  return {
    click,
    describe,
    forget,
    tellEdits: card.tellEdits,
    get chosen() {
      return chosen;
    },
  };
}

/**
 * Row and column of a code when the grids of all levels stand one below the other. Edits count rows this way.
 * @param {number} at
 * @param {Scan} scan
 * @returns {[number, number]} row and column
 */
function placeOf(at, { grid_of_tokens: [, w] }) {
  return [Math.floor(at / w), at % w];
}
