/* Python's constants, which the page's head has as JSON: app/page/build.py is their owner. Empty where there is no page. */

/** @typedef {import("./types").Facts} Facts */

/** @returns {Facts} */
function read() {
  const written = globalThis.document?.getElementById("vqseg-facts")?.textContent;
  return JSON.parse(written || "{}");
}

export const facts = read();
