/* The language of the page. The code and the server speak English; what reaches the page is translated there (translated.js).
   The catalogue of another language is fetched when it is chosen. */

import { facts } from "./facts.js";
import { createTranslation } from "./translation.js";

const ENGLISH = "en";
const KEPT = "vqseg-language"; // in the browser's storage
const same = (/** @type {string} */ text) => text;

/** @typedef {ReturnType<typeof createTranslation> & {signs: string}} Tongue with the signs within numbers, the decimal one first */

let code = ENGLISH;
/** @type {Tongue} */
let tongue = { text: same, sentence: () => undefined, signs: ".," };
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {Map<string, Tongue>} */
const known = new Map([[ENGLISH, tongue]]);

/** A text of the page in its language; the English text where the language has none. @param {string} english */
export const translated = (english) => tongue.text(english);

/** The same for a sentence with words in brackets; undefined where the language has none. @param {string} english */
export const translatedSentence = (english) => tongue.sentence(english);

/** The visitor's last choice. A browser may refuse to keep anything. */
function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} chosen */
function keep(chosen) {
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // The next visit then asks the browser for its language.
  }
}

/**
 * The first language that is wanted and that there is: by the address, by an earlier choice, by the browser.
 * @param {readonly string[]} offered
 * @param {(string | null | undefined)[]} wanted
 */
export function firstOf(offered, wanted) {
  const plain = wanted.map((one) => one?.toLowerCase().split("-")[0]);
  return plain.find((one) => one !== undefined && offered.includes(one)) ?? ENGLISH;
}

const offered = () => [ENGLISH, ...Object.keys(facts.languages ?? {})];

/** @param {string} wanted */
async function tongueOf(wanted) {
  const ready = known.get(wanted);
  if (ready) return ready;
  const answer = await fetch(new URL(facts.languages[wanted].address, document.baseURI));
  if (!answer.ok) throw new Error(`The texts in the language ${wanted} did not arrive`);
  const catalogue = await answer.json();
  const { decimal, thousands } = catalogue.numbers;
  const made = { ...createTranslation(catalogue), signs: decimal + thousands };
  known.set(wanted, made);
  return made;
}

/** @param {string} wanted */
async function speak(wanted) {
  tongue = await tongueOf(wanted);
  code = wanted;
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener();
}

export const language = {
  get code() {
    return code;
  },
  /** The signs within numbers, the decimal one first. */
  get signs() {
    return tongue.signs;
  },
  /** Codes and names, English first. */
  get offered() {
    return Object.entries({ [ENGLISH]: "English", ...names() });
  },
  /** @param {string} wanted */
  offers: (wanted) => offered().includes(wanted),
  /** Speaks the language of the address, of an earlier choice or of the browser. */
  begin() {
    const asked = new URLSearchParams(location.search).get("lang");
    return speak(firstOf(offered(), [asked, kept(), ...navigator.languages]));
  },
  /** @param {string} wanted by the visitor */
  async choose(wanted) {
    await speak(wanted);
    keep(wanted);
  },
  /** @param {() => void} listener that is told when the language has changed */
  subscribe: (listener) => void listeners.add(listener),
};

/** @returns {Record<string, string>} */
const names = () => Object.fromEntries(Object.entries(facts.languages ?? {}).map(([one, { name }]) => [one, name]));
