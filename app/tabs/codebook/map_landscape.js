/* The density of the flat map as a layer below the codewords, and the names of its clusters above them. */

import { make } from "../../web/dom.js";
import { ink } from "../../web/plotly.js";
import { fullName } from "../../web/structures.js";
import { apart, clustersByClass, densityOf } from "./landscape.js";
import { pageColour } from "./look.js";

/** @typedef {import("./landscape.js").Density} Density */
/** @typedef {import("./landscape.js").Named} Named */

/** At most so many clusters of a class are named, each with at least this share of the class's codes. */
const EACH = 2;
const SHARE = 0.15;
const TEAL = [35, 144, 137];
/** Of the highest band. */
const OPACITY = 0.38;
const BANDS = 6;
/** Pixels of the layer's side: the bands have smooth edges. */
const SIDE = 420;
const NONE = { images: [], annotations: [] };

/** @param {import("./types").Context} context */
export function createLandscape({ root, part }) {
  /** @type {{key: string, density: Density, names: Named[]} | null} Of the last flat map. */
  let known = null;

  /** @param {import("./types").Placed} placed */
  function isWanted({ dimensions }) {
    /** @type {HTMLInputElement} */
    const box = part("[data-set=landscape]");
    return dimensions === 2 && box.checked;
  }

  return {
    /**
     * Computes the landscape of a map, once, in two pieces of idle time.
     * @param {import("./types").Placed} placed
     * @param {import("./types").Book} book
     * @returns {Promise<boolean>} whether there is something new to draw
     */
    async compute(placed, book) {
      if (!isWanted(placed) || known?.key === placed.key) return false;
      await idle();
      const density = densityOf(placed.points);
      await idle();
      const names = clustersByClass(placed.points, book, { each: EACH, share: SHARE });
      known = { key: placed.key, density, names: apart(names, density) };
      return true;
    },
    /**
     * What plotly's layout has to say of it: nothing in space, before it is computed, or if the visitor does not want it.
     * @param {import("./types").Placed} placed
     * @param {import("./types").Book} book
     */
    layout(placed, book) {
      if (!isWanted(placed) || known?.key !== placed.key) return NONE;
      const look = { ink: ink(root), ground: pageColour(root, "--background-fill-primary") };
      return { images: [layerOf(known.density)], annotations: known.names.map((named) => nameOf(named, book, look)) };
    },
  };
}

const idle = () =>
  new Promise((then) =>
    "requestIdleCallback" in window ? requestIdleCallback(then, { timeout: 300 }) : setTimeout(then),
  );

/**
 * The density in bands, as contours have them.
 * @param {Density} density
 */
function layerOf(density) {
  const { x0, x1, y0, y1 } = density;
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  const pen = canvas.getContext("2d");
  if (pen) {
    // The browser's own enlargement lies between the cells; what it has made smooth is cut into bands.
    pen.drawImage(greyOf(density), 0, 0, SIDE, SIDE);
    const picture = pen.getImageData(0, 0, SIDE, SIDE);
    for (let at = 0; at < picture.data.length; at += 4) {
      const band = Math.floor((picture.data[at + 3] / 256) * BANDS) / (BANDS - 1);
      picture.data.set([...TEAL, 255 * OPACITY * band], at);
    }
    pen.putImageData(picture, 0, 0);
  }
  const place = { xref: "x", yref: "y", x: x0, y: y1, sizex: x1 - x0, sizey: y1 - y0 };
  return { source: canvas.toDataURL(), ...place, sizing: "stretch", layer: "below" };
}

/**
 * The heights as opacity, a pixel a cell. Rows of a picture go down.
 * @param {Density} density
 */
function greyOf({ side, heights }) {
  const canvas = make("canvas", { width: side, height: side });
  const picture = new ImageData(side, side);
  const most = heights.reduce((high, height) => Math.max(high, height), 0);
  heights.forEach((height, cell) => {
    picture.data[4 * ((side - 1 - Math.floor(cell / side)) * side + (cell % side)) + 3] = 255 * (height / most);
  });
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
  return canvas;
}

/**
 * @param {Named} named
 * @param {import("./types").Book} book
 * @param {{ink: string, ground: string}} look
 */
const nameOf = ({ x, y, label }, book, look) => ({
  ...{ x, y, text: fullName(book.classes[label]), showarrow: false, captureevents: false },
  ...{ font: { size: 12, color: look.ink }, bgcolor: look.ground, opacity: 0.82, borderpad: 2 },
});
