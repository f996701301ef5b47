import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fill, number } from "../../app/tabs/learn/texts.js";

/** @type {Record<string, {signs: import("../../app/tabs/learn/types").Signs, numbers: [number | string, string][]}>} */
const written = JSON.parse(readFileSync(new URL("../fixtures/learn_numbers.json", import.meta.url), "utf8"));

for (const [language, { signs, numbers }] of Object.entries(written)) {
  test(`numbers are written in ${language} as texts.py writes them`, () => {
    for (const [value, text] of numbers) assert.equal(number(value, signs), text);
  });
}

test("facts take the places of their names, and an ellipsis stands for one that is on its way", () => {
  const { signs } = written.en;
  assert.equal(fill("{a} of {b}, {a} of {c}", { a: 1, b: 2000 }, signs), "1 of 2,000, 1 of …");
  assert.equal(fill("no names", {}, signs), "no names");
});
