import assert from "node:assert/strict";
import { test } from "node:test";
import { heading } from "../../app/tabs/see/notes.js";

test("one note is told whole, several are counted", () => {
  assert.equal(heading(["colour was read as grey"]), "Colour was read as grey.");
  assert.equal(heading(["one", "two"]), "2 notes on how the file was read");
});
