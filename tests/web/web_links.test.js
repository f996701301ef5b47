import assert from "node:assert/strict";
import { test } from "node:test";

import { described } from "../../app/web/links.js";
import { fixture } from "./fixtures.js";

test("an address describes what the page shows by the names that Python reads", () => {
  for (const { state, address } of fixture("links")) assert.deepEqual(described(state), address);
});
