/* Python's constants. app/page/build.py owns them and writes them into the page's head as JSON. Empty without a page. */

/** @typedef {import("./types").Facts} Facts */

/** @returns {Facts} */
function read() {
  const written = globalThis.document?.getElementById("vqseg-facts")?.textContent;
  return JSON.parse(written || "{}");
}

export const facts = read();
