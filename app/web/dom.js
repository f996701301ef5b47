/* One way to create elements. */

/** @typedef {Node | string | number | null | undefined} Child */

/**
 * An element with properties, listeners and children. A name that is no property becomes an attribute; null is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown> & {on?: Record<string, (event: any) => void>}} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, { on = {}, ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    // The property `list` of an input is read-only.
    if (name in made && name !== "list") Object.assign(made, { [name]: value });
    else made.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(typeof child === "number" ? String(child) : child);
  }
  return made;
}
