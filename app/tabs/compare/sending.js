/* Sends files to the server, as Gradio's own fields do: the server reads them for the visit that names them, and deletes them. */

const LOST = "The files did not arrive. Send them again.";

/**
 * @param {File[]} files
 * @param {typeof fetch} [ask]
 * @returns {Promise<{paths: string[]} | {error: string}>} the names under which the server holds them, or why it does not
 */
export async function send(files, ask = fetch) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  const address = new URL("gradio_api/upload", document.baseURI);
  // With a number, files that nobody opens are deleted when the page is closed.
  address.searchParams.set("upload_id", crypto.getRandomValues(new Uint32Array(2)).join(""));
  try {
    const answer = await ask(address, { method: "POST", body: form });
    if (answer.ok) return { paths: await answer.json() };
    // What stands between the page and the server answers with pages of its own.
    const isPlain = answer.headers.get("content-type")?.startsWith("text/plain");
    return { error: (isPlain && (await answer.text())) || LOST };
  } catch {
    return { error: LOST };
  }
}
