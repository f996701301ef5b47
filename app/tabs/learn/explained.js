/* Where a text of the lesson has terms that the page explains. No DOM. */

/**
 * The parts of a text. Each term is marked where it first stands; what it means is told there (app/web/terms.js).
 * @param {string} text
 * @param {Record<string, string>} terms the words for a term, apart by commas, by its name
 * @returns {{words: string, term: string | null}[]} in their order; put together, they are the text
 */
export function partsOf(text, terms) {
  const named = new Map(Object.entries(terms).flatMap(([term, all]) => all.split(", ").map((word) => [word, term])));
  const met = new Set();
  /** @type {{words: string, term: string | null}[]} */
  const parts = [];
  for (const words of text.split(/([\p{L}]+)/u)) {
    const term = named.get(words) ?? null;
    const last = parts.at(-1);
    if (term && !met.has(term)) parts.push({ words, term });
    else if (last && !last.term) last.words += words;
    else if (words) parts.push({ words, term: null });
    met.add(term);
  }
  return parts;
}
