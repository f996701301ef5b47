import assert from "node:assert/strict";
import { test } from "node:test";

import { send } from "../../app/tabs/compare/sending.js";

globalThis.document = /** @type {any} */ ({ baseURI: "http://here/app/" });
const files = [new File(["a"], "one.nii"), new File(["b"], "two.nii")];

/** @param {Response | Error} answer */
function server(answer) {
  /** @type {any[]} */
  const asked = [];
  /** @type {any} */
  const ask = (/** @type {unknown} */ address, /** @type {unknown} */ options) => {
    asked.push([address, options]);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, ask };
}

test("all files go in one request, with a number by which the page is known", async () => {
  const { asked, ask } = server(Response.json(["/t/one.nii", "/t/two.nii"]));
  assert.deepEqual(await send(files, ask), { paths: ["/t/one.nii", "/t/two.nii"] });
  const [address, { method, body }] = asked[0];
  assert.equal(address.pathname, "/app/gradio_api/upload");
  assert.match(address.searchParams.get("upload_id"), /^\d+$/);
  assert.equal(method, "POST");
  assert.deepEqual(
    body.getAll("files").map((/** @type {File} */ { name }) => name),
    ["one.nii", "two.nii"],
  );
});

test("a refusal is told in the server's words, and in the page's where it has none", async () => {
  const plain = new Response("too much was sent at once; at most 4 GiB are taken", { status: 413 });
  assert.deepEqual(await send(files, server(plain).ask), {
    error: "too much was sent at once; at most 4 GiB are taken",
  });
  const lost = { error: "The files did not arrive. Send them again." };
  const page = new Response("<html>", { status: 502, headers: { "content-type": "text/html" } });
  assert.deepEqual(await send(files, server(page).ask), lost);
  assert.deepEqual(await send(files, server(new Error("offline")).ask), lost);
});
