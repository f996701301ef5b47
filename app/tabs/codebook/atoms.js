/* Small pictures of what codewords decode to. */

import { make } from "../../web/dom.js";
import { unpack } from "../../web/packed.js";

/** @typedef {import("./types").Atom} Atom */

/** How many pictures are kept. */
const MOST = 4096;

/**
 * @param {import("./types").Context} context
 * @returns {import("./types").Atoms}
 */
export function createAtoms({ codebook, server }) {
  /** @type {Map<string, Atom>} By codebook and code. */
  const kept = new Map();

  /** @param {number} code */
  async function get(code) {
    const { book, token } = codebook.state;
    const key = book?.key + " " + code;
    const known = kept.get(key);
    if (known) return known;
    const answer = await server.atoms({ token, codes: [code] });
    if (!answer?.atoms) return null;
    const atom = { grey: await unpack(answer.atoms), side: answer.side };
    kept.set(key, atom);
    while (kept.size > MOST) kept.delete([...kept.keys()][0]);
    return atom;
  }

  return {
    picture(code) {
      const place = make("span", { className: "atom" });
      get(code).then((atom) => atom && place.replaceChildren(greyPicture(atom, "What code " + code + " decodes to")));
      return place;
    },
  };
}

/**
 * @param {Atom} atom
 * @param {string} label for a screen reader
 */
export function greyPicture({ grey, side }, label) {
  const canvas = make("canvas", { width: side, height: grey.length / side });
  const picture = new ImageData(canvas.width, canvas.height);
  grey.forEach((value, i) => picture.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}
