/* The page's English texts in another language. A catalogue (app/web/texts) has the English text as its key; a part of it that
   varies stands in braces: {name} for any words, {#name} for a number. Knows nothing of the page. */

/** @typedef {import("./types").Catalogue} Catalogue */

const NAME = /\{(#?)(\w+)\}/g;
const NUMBER = String.raw`(?:[<>] )?[+\-−±]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?`;
const WORDS = ".+?";
const LAST = /( (?:and|or) )/; // of a list
const SHARE = /( )(?=(?:[<>] )?\d[\d,]*(?:\.\d+)? %[.]?$)/; // behind a name, which may be a model's own
/* What the page joins by itself, from the loosest on: facts, sentences, parts of a list. */
const JOINTS = [/( · )/, /(?<=[.!?])( )(?=[\p{Lu}\d])/u, /(; )/, /(, )/, /( → )/, LAST, SHARE];
/* Numbers with signs and units, which are the same in every language. */
const QUANTITY = /^[\p{P}\p{S}\d\s]*(?:[εpπABKσ]\P{L}+)?(?:dB|ml|mm|ms|s|g|nats|HU|MB|GB|bpm)?[\p{P}\s]*$/u;
const DIGITS = /\d[\d,]*(?:\.\d+)?/g;
const MOST_KEPT = 2000; // texts; those of a page that is looked at for long would be many

/**
 * Two functions that give texts in the catalogue's language: `text`, of a place, in parts if need be, and the English one where the
 * catalogue has none; `sentence`, as a whole or not at all.
 * @param {Catalogue} catalogue
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
      // Words end with the brackets around them: "a (b); c (d)" are two such parts, and not one with "b); c (d" in its brackets.
      if (!found || !found.slice(1).every(isBalanced)) continue;
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
      const translated = parts.map(around(line));
      // Half a sentence in each language would be worse than an English one.
      const isWhole = joint !== LAST || translated.every((part, i) => part !== parts[i]);
      if (isWhole && translated.join("") !== english) return translated.join("");
    }
    return english;
  }

  const line = remembered(whole);

  return { text: around(line), sentence: (/** @type {string} */ english) => exact.get(oneLine(english)) };
}

/** @param {string} words */
function isBalanced(words) {
  let open = 0;
  for (const sign of words) {
    if (sign === "(") open++;
    else if (sign === ")" && --open < 0) return false;
  }
  return open === 0;
}

/** @param {string} text */
const oneLine = (text) => text.trim().replace(/\s+/g, " ");

/**
 * The same for a text with spaces around it, which stay.
 * @param {(text: string) => string} line
 * @returns {(text: string) => string}
 */
function around(line) {
  return (english) => {
    const text = english.trim();
    return text ? english.replace(text, () => line(oneLine(text))) : english;
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
