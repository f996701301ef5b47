/* Translates what stands on the page: texts and the attributes that are read out or shown. Views write English, whenever they like;
   this follows every change before it is painted, and remembers the English of each place, so that the language can change. */

import { language, translated, translatedSentence } from "./language.js";
import { FIELD, giveNumber } from "./number_fields.js";

// data-title: what plotly.js shows at the buttons of a plot.
const ATTRIBUTES = ["title", "aria-label", "aria-description", "placeholder", "alt", "aria-valuetext", "data-title"];
/* Names, code, and what has texts of its own in every language: a plot's are translated before it is drawn (plot_texts.js). */
const VERBATIM =
  "[translate=no], code, pre, script, style, textarea, .js-plotly-plot .svg-container > :not(.modebar-container)";
const LIST = "input[role=combobox]"; // the field of Gradio's drop-down list, whose value is a text
const WITHIN = "SPAN, B, STRONG, EM, CODE, KBD, A, SMALL, BUTTON, OUTPUT";

/** @typedef {{english: string, shown: string, sentence?: string}} Place with the language, if it is a part of a translated sentence */
/** @type {WeakMap<Node, Place>} */
const texts = new WeakMap();
/** @type {WeakMap<Element, Map<string, Place>>} */
const attributes = new WeakMap();

/** What a view wrote; a place that shows something else than what was put there was written anew.
 *  @param {Place | undefined} place @param {string} present */
const englishOf = (place, present) => (place?.shown === present ? place.english : present);

const sourceOf = (/** @type {Text} */ node) => englishOf(texts.get(node), node.data);

/** What a view wrote into an element, whatever the language. @param {Element} element */
export function written(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let english = "";
  while (walker.nextNode()) english += sourceOf(/** @type {Text} */ (walker.currentNode));
  return english;
}

/** @param {Text} node @param {Place} place */
function put(node, place) {
  const { parentElement: parent } = node;
  // An option that has no value of its own has its text as value.
  if (parent instanceof HTMLOptionElement && !parent.hasAttribute("value")) parent.value = place.english.trim();
  texts.set(node, place);
  if (node.data !== place.shown) node.data = place.shown;
}

/** @param {Text} node */
function giveText(node) {
  const place = texts.get(node);
  if (place?.sentence === language.code && place.shown === node.data) return;
  const english = sourceOf(node);
  if (place || english.trim()) put(node, { english, shown: translated(english) });
}

/** @param {Element} element */
function giveAttributes(element) {
  for (const name of ATTRIBUTES) {
    const present = element.getAttribute(name);
    if (!present) continue;
    const places = attributes.get(element) ?? new Map();
    const english = englishOf(places.get(name), present);
    const shown = translated(english);
    attributes.set(element, places.set(name, { english, shown }));
    if (present !== shown) element.setAttribute(name, shown);
  }
}

/** @type {WeakMap<Element, Place>} */
const values = new WeakMap();

/**
 * The choice that a drop-down list shows. Gradio writes it as the field's value, of which no observer is told, and reads it again:
 * so the field shows the translation, and whoever asks gets what was written.
 * @param {Element} field
 */
function giveChoice(field) {
  const value = /** @type {Required<Pick<PropertyDescriptor, "get" | "set">>} */ (
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
  );
  const shown = () => value.get.call(field);
  const english = () => englishOf(values.get(field), shown());
  const show = (/** @type {string} */ text) => {
    values.set(field, { english: text, shown: translated(text) });
    value.set.call(field, translated(text));
  };
  if (!Object.hasOwn(field, "value")) Object.defineProperty(field, "value", { get: english, set: show });
  if (shown() !== translated(english())) show(english());
}

/**
 * A sentence with words set apart in it, as "Swap a scan's [tokens] and watch both answers.": another language may need other words
 * on either side of them.
 * @param {Element} element
 */
function giveSentence(element) {
  const nodes = [...element.childNodes].filter(({ nodeType }) => nodeType !== Node.COMMENT_NODE);
  const apart = nodes.filter((node) => node instanceof Element);
  if (!apart.length || apart.length === nodes.length || !apart.every(isWord)) return;
  const english = nodes
    .map((node) => (node instanceof Text ? sourceOf(node) : `[${sourceOf(/** @type {Text} */ (node.firstChild))}]`))
    .join("");
  const parts = translatedSentence(english)?.split(/[[\]]/);
  if (parts?.length !== 2 * apart.length + 1) return;
  apart.forEach((one, i) => {
    const word = /** @type {Text} */ (one.firstChild);
    put(word, { english: sourceOf(word), shown: parts[2 * i + 1], sentence: language.code });
    putBeside(one, "previousSibling", parts[2 * i]);
  });
  putBeside(apart[apart.length - 1], "nextSibling", parts[parts.length - 1]);
}

/** @param {Node} node */
const isWord = (node) =>
  node instanceof Element && node.matches(WITHIN) && node.childNodes.length === 1 && node.firstChild instanceof Text;

/** @param {Node} node @param {"previousSibling" | "nextSibling"} side @param {string} shown */
function putBeside(node, side, shown) {
  const beside = node[side];
  if (!shown && !(beside instanceof Text)) return;
  const place = beside instanceof Text ? beside : document.createTextNode("");
  if (place !== beside) node.parentNode?.insertBefore(place, side === "previousSibling" ? node : node.nextSibling);
  put(place, { english: sourceOf(place), shown, sentence: language.code });
}

/** @param {Node} node */
const isVerbatim = (node) => (node instanceof Element ? node : node.parentElement)?.closest(VERBATIM) !== null;

/** @param {Node} root */
function give(root) {
  if (isVerbatim(root)) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
    node instanceof Element && node.matches(VERBATIM) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = /** @type {Node | null} */ (root); node; node = walker.nextNode()) {
    if (node instanceof Text) giveText(node);
    else if (node instanceof Element) {
      giveAttributes(node);
      giveSentence(node);
      if (node.matches(LIST)) giveChoice(node);
      if (node.matches(FIELD)) giveNumber(/** @type {HTMLInputElement} */ (node));
    }
  }
}

/** Keeps the page in its language from now on. */
export function keepTranslated() {
  const changes = new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === "attributes") isVerbatim(target) || giveAttributes(/** @type {Element} */ (target));
      else if (type === "characterData") give(target);
      else {
        for (const node of addedNodes) if (node.isConnected) give(node);
        // Of a sentence with words set apart, the parts may have come one by one.
        if (addedNodes.length && target instanceof Element && !isVerbatim(target)) giveSentence(target);
      }
    }
    // What was just put there is no change of a view.
    changes.takeRecords();
  });
  const watched = {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ATTRIBUTES,
  };
  let isWatching = false;
  language.subscribe(() => {
    // An English page needs nobody who looks at it.
    if (!isWatching && language.code === "en") return;
    give(document.documentElement);
    changes.takeRecords();
    if (!isWatching) changes.observe(document.documentElement, watched);
    isWatching = true;
  });
}
