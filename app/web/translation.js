/* The page's English texts in another language. A catalogue (app/web/texts) has the English text as its key; a part of it that
   varies stands in braces: {name} for any words, {#name} for a number. Knows nothing of the page. */

/** @typedef {import("./types").Catalogue} Catalogue */

const NAME = /\{(#?)(\w+)\}/g;
const NUMBER = String.raw`(?:[<>] )?[+\-−±]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?`;
const WORDS = ".+?";
/* What the page joins by itself, from the loosest on: facts, sentences, parts of a list. */
const JOINTS = [/( · )/, /(?<=[.!?])( )(?=\p{Lu})/u, /(, )/, /( → )/];
/* Numbers with signs and units, which are the same in every language. */
const QUANTITY = /^[\p{P}\p{S}\d\s]*(?:[εpABKσ]\P{L}+)?(?:dB|ml|mm|ms|s|g|nats|HU|MB|GB|bpm)?[\p{P}\s]*$/u;
const DIGITS = /\d[\d,]*(?:\.\d+)?/g;
const MOST_KEPT = 2000; // texts; those of a page that is looked at for long would be many

/**
 * A function that gives the text in the catalogue's language, or the English one where the catalogue has none.
 * @param {Catalogue} catalogue
 * @returns {(english: string) => string}
 */
export function createTranslation({ texts, numbers }) {
  /** @type {Map<string, string>} */
  const exact = new Map();
  /** @type {{form: RegExp, names: string[], text: string, weight: number}[]} */
  const patterns = [];
  for (const [english, text] of Object.entries(texts)) {
    if (english.match(NAME)) patterns.push(patternOf(english, text));
    else exact.set(english, text);
  }
  // The one that says most: "{#a} of {#b} slices" before "{#a} of {words}".
  patterns.sort((one, other) => other.weight - one.weight);

  const written = (/** @type {string} */ number) =>
    number.replace(/[,.]/g, (sign) => (sign === "," ? numbers.thousands : numbers.decimal));

  /** @param {string} english one line without spaces around it @returns {string} */
  function whole(english) {
    const known = exact.get(english);
    if (known !== undefined) return known;
    for (const { form, names, text } of patterns) {
      const found = form.exec(english);
      if (!found) continue;
      const values = Object.fromEntries(names.map((name, i) => [name, line(found[i + 1])]));
      return text.replace(NAME, (_, _number, name) => values[name]);
    }
    return QUANTITY.test(english) ? english.replace(DIGITS, written) : inParts(english);
  }

  /** @param {string} english */
  function inParts(english) {
    for (const joint of JOINTS) {
      const parts = english.split(joint);
      if (parts.length < 2) continue;
      const translated = parts.map((part) => (joint.test(part) ? part : line(part))).join("");
      if (translated !== english) return translated;
    }
    return english;
  }

  const line = remembered(whole);

  return (english) => {
    const [before, text, after] = /^(\s*)(.*?)(\s*)$/s.exec(english)?.slice(1) ?? ["", english, ""];
    return text ? before + line(text.replace(/\s+/g, " ")) + after : english;
  };
}

/**
 * @param {string} english
 * @param {string} text
 */
function patternOf(english, text) {
  const names = Array.from(english.matchAll(NAME), ([, , name]) => name);
  const fixed = english.split(NAME);
  // split() gives the captures too: text, sign, name, text, sign, name ...
  const form = fixed.map((part, i) =>
    i % 3 === 0 ? part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : i % 3 === 1 ? `(${part ? NUMBER : WORDS})` : "",
  );
  return { form: new RegExp(`^${form.join("")}$`), names, text, weight: english.replace(NAME, "$1").length };
}

/**
 * @param {(text: string) => string} make
 * @returns {(text: string) => string}
 */
function remembered(make) {
  const kept = new Map();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    if (kept.size >= MOST_KEPT) kept.clear();
    const made = make(text);
    kept.set(text, made);
    return made;
  };
}
