/* The grids of tokens before and after, painted as large as the screen shows them. */
import { LIT, litTokens } from "../../web/lit.js";
import { unpack } from "../../web/packed.js";
import { zoom } from "../../web/zoom.js";
import { tellColours } from "./colour_key.js";
import {
  boxAt,
  displayOrder,
  gridSize,
  lineWeight,
  markedIn,
  plainPalette,
  replacedAt,
  tokenPixels,
} from "./token_pixels.js";

/**
 * @typedef {import("../../web/types").Box} Box
 * @typedef {import("../../web/types").Cell} Cell
 * @typedef {import("../../web/types").PageState} PageState
 * @typedef {import("./token_pixels.js").Order} Order
 * @typedef {import("./types").Scene} Scene
 * @typedef {import("./types").Tab} Tab
 * @typedef {CanvasRenderingContext2D} Pen
 */

const OUTLINE = "#ffffff";
const CHOSEN = "#ff2bb8";
const LIT_LINE = `rgb(${LIT.join(" ")})`;
/** @type {number[]} */
const NONE = [];

/** @param {Tab} tab */
export function createTokens(tab) {
  const grids = { before: createGrid(tab.canvasOf("before")), after: createGrid(tab.canvasOf("after")) };
  let checkpoint = ""; // the checkpoint whose codes the colours belong to
  /** @type {Uint8Array} */
  let palette = new Uint8Array();

  /**
   * Another checkpoint has other codes. Their colours are fetched once; if there is a map, they are the map's.
   * @param {PageState} state
   */
  async function dye({ scan }) {
    if (checkpoint === scan.checkpoint) return;
    const mine = (checkpoint = scan.checkpoint);
    palette = plainPalette(scan.codebook_size);
    const answer = await tab.server.palette({ token: scan.token });
    const [mapped, places] =
      answer?.colours && answer.places ? await Promise.all([answer.colours, answer.places].map(unpack)) : [];
    if (mine !== checkpoint) return;
    tellColours(tab, mapped && places ? { colours: mapped, places } : null);
    if (!mapped) return;
    palette = mapped;
    tab.schedule();
  }

  /**
   * @param {Scene} scene
   * @param {Cell | null} chosen
   */
  function draw({ shown, view, scan, state }, chosen) {
    const { clean_codes: clean, codes } = shown.frame;
    if (!clean || !codes) return Object.values(grids).forEach((grid) => grid.clear());
    const [h, w] = scan.grid_of_tokens;
    const first = (scan.levels - 1) * h * w;
    const [before, after] = [clean, codes].map((all) => all.subarray(first, first + h * w));
    const order = displayOrder(view, scan.grid_of_tokens);
    const marked = chosen ? order.places.indexOf(chosen.at - first) : -1;
    /** @param {Int32Array} all codes */
    const litIn = (all) => (state.lit.length ? markedIn(litTokens(all, scan, state.lit), order) : NONE);
    const drawing = { shape: view.shape, cell: scan.cell, order, palette, marked };
    grids.before.draw(shown.frame, { ...drawing, codes: before, replaced: [], lit: litIn(clean) });
    grids.after.draw(shown.frame, {
      ...drawing,
      codes: after,
      replaced: replacedAt(before, after, order),
      lit: litIn(codes),
    });
  }

  return { dye, draw };
}

/**
 * @typedef {object} Drawing
 * @property {readonly number[]} shape rows and columns of the displayed slice
 * @property {readonly number[]} cell pixels of the slice that a token covers
 * @property {Order} order
 * @property {Uint8Array} palette (K, 3)
 * @property {Int32Array} codes
 * @property {number[]} replaced places in the order that are outlined
 * @property {number[]} lit places in the order whose codes are lit
 * @property {number} marked the place of the chosen cell, -1 for none
 */

/** @param {HTMLCanvasElement} canvas */
function createGrid(canvas) {
  const pen = /** @type {Pen} */ (canvas.getContext("2d"));
  /** @type {unknown[]} */
  let painted = [];

  /**
   * @param {object} frame that the codes belong to, so that nothing is painted twice
   * @param {Drawing} drawing
   */
  function draw(frame, drawing) {
    const size = gridSize(drawing.shape, canvas.clientWidth * devicePixelRatio * zoom.level(), drawing.cell);
    const key = [frame, drawing.palette, drawing.marked, size.width, size.height, drawing.lit.join()];
    if (key.every((value, i) => value === painted[i])) return;
    painted = key;
    Object.assign(canvas, size);
    fill(pen, drawing);
    outlineReplaced(pen, drawing);
    for (const place of drawing.lit) outline(pen, boxAt(drawing.order, place, size), LIT_LINE, 2);
    if (drawing.marked >= 0) outline(pen, boxAt(drawing.order, drawing.marked, size), CHOSEN, 3);
  }

  function clear() {
    painted = [];
    canvas.width = 1;
  }

  return { draw, clear };
}

/**
 * Paints one pixel a token and lets the browser enlarge the picture. Painting a box for each takes many times as long.
 * @param {Pen} pen
 * @param {Drawing} drawing
 */
function fill(pen, { codes, order, palette }) {
  const small = new OffscreenCanvas(order.columns, order.rows);
  const picture = new ImageData(order.columns, order.rows);
  tokenPixels(picture.data, codes, order, palette);
  /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(picture, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, pen.canvas.width, pen.canvas.height);
}

/**
 * @param {Pen} pen
 * @param {Drawing} drawing
 */
function outlineReplaced(pen, { replaced, order }) {
  const { width, height } = pen.canvas;
  pen.globalAlpha = lineWeight(Math.min(width / order.columns, height / order.rows));
  for (const place of replaced) {
    // Neighbours share their line, so that it is one pixel wide, not two.
    const [x, y, w, h] = boxAt(order, place, pen.canvas);
    outline(pen, [x, y, w + 1, h + 1], OUTLINE, 1);
  }
  pen.globalAlpha = 1;
}

/**
 * @param {Pen} pen
 * @param {Box} box
 * @param {string} colour
 * @param {number} thickness
 */
function outline(pen, [x, y, width, height], colour, thickness) {
  pen.strokeStyle = colour;
  pen.lineWidth = thickness;
  pen.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, height - thickness);
}
