/* The switch of the page's language. What is on show stays. */

import { make } from "../web/dom.js";
import { language } from "../web/language.js";
import { links } from "../web/links.js";

/** @param {HTMLElement} place */
export function offerLanguages(place) {
  const buttons = language.offered.map(([code, name]) => {
    const [short, on] = [code.toUpperCase(), { click: () => choose(code) }];
    return make("button", { type: "button", lang: code, title: name, ariaLabel: `${short}, ${name}`, on }, short);
  });

  function mark() {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.lang === language.code));
  }

  /** A link names the language that was chosen; a link without one leaves it to whoever follows it. @param {string} code */
  async function choose(code) {
    await language.choose(code);
    links.more({ lang: code });
  }

  place.replaceChildren(...buttons);
  language.subscribe(mark);
  mark();
}
