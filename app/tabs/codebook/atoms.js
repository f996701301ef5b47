/* Small pictures of what codewords decode to. */

import { make } from "../../web/dom.js";
import { unpack } from "../../web/packed.js";

/** @typedef {import("./types").Atom} Atom */

/** How many pictures are kept. */
const MOST = 4096;
/** As many travel in one answer. */
const AT_ONCE = 128;

/**
 * @param {import("./types").Context} context
 * @returns {import("./types").Atoms}
 */
export function createAtoms({ codebook, server }) {
  /** @type {Map<string, Atom>} By codebook and code. */
  const kept = new Map();
  /** @type {Map<number, ((atom: Atom | null) => void)[]>} Who waits for which code. */
  const waiting = new Map();

  /* Asks for all that is waited for: what a view draws at one time travels together. */
  async function ask() {
    const { book, token } = codebook.state;
    const codes = [...waiting.keys()].slice(0, AT_ONCE);
    const told = codes.map((code) => waiting.get(code) ?? []);
    for (const code of codes) waiting.delete(code);
    if (waiting.size) ask();
    const answer = await server.atoms({ token, codes });
    const pixels = answer?.atoms ? await unpack(answer.atoms) : null;
    const { side = 0 } = answer ?? {};
    codes.forEach((code, i) => {
      const atom = pixels && { grey: pixels.slice(i * side * side, (i + 1) * side * side), side };
      if (atom) keep(book?.key + " " + code, atom);
      for (const then of told[i]) then(atom);
    });
  }

  /**
   * @param {string} key
   * @param {Atom} atom
   */
  function keep(key, atom) {
    kept.set(key, atom);
    while (kept.size > MOST) kept.delete([...kept.keys()][0]);
  }

  /**
   * @param {number} code
   * @returns {Promise<Atom | null>}
   */
  async function get(code) {
    const known = kept.get(codebook.state.book?.key + " " + code);
    if (known) return known;
    if (!waiting.size) queueMicrotask(ask);
    return new Promise((then) => {
      waiting.set(code, [...(waiting.get(code) ?? []), then]);
    });
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
