/* What the colours of the tokens mean: the map that they come from, as a small picture. */

import { mapPixels } from "./token_pixels.js";

const SIDE = 40; // pixels of the picture, each side

/**
 * @param {import("./types").Tab} tab
 * @param {{colours: Uint8Array, places: Uint8Array} | null} map null where the codebook has none
 */
export function tellColours(tab, map) {
  const key = tab.find(".colours");
  const canvas = /** @type {HTMLCanvasElement} */ (key.querySelector("canvas"));
  canvas.hidden = !map;
  if (map) {
    const picture = new ImageData(SIDE, SIDE);
    mapPixels(picture.data, SIDE, map.colours, map.places);
    Object.assign(canvas, { width: SIDE, height: SIDE }).getContext("2d")?.putImageData(picture, 0, 0);
  }
  tab.text("colours").textContent = map
    ? "Colours: the code's place on the codebook's map. Like colours are neighbouring codes."
    : "This codebook has no map: a token's colour only tells its code from others.";
  key.hidden = false;
}
