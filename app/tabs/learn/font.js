/* The font of the formulas: browsers draw MathML well only in a font that is made for it. */

const NAME = "VQ-Seg formulas"; // as in view.css
let isOffered = false;

/** The browser fetches it when it first draws a formula. @param {string} address relative to the page */
export function offerFont(address) {
  if (isOffered) return;
  isOffered = true;
  document.fonts.add(new FontFace(NAME, `url(${new URL(address, document.baseURI)})`));
}
