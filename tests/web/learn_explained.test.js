/* Terms of the lesson's texts. */
import assert from "node:assert/strict";
import test from "node:test";

import { partsOf } from "../../app/tabs/learn/explained.js";

const TERMS = { token: "token, tokens", codeword: "Codewort, Codewörter", epsilon: "ε" };

test("a term is marked where it first stands, in any of its forms, and nothing is lost", () => {
  const text = "With ε, tokens move; a token may become one of ten Codewörter.";
  const parts = partsOf(text, TERMS);
  assert.equal(parts.map(({ words }) => words).join(""), text);
  assert.deepEqual(
    parts.filter(({ term }) => term),
    [
      { words: "ε", term: "epsilon" },
      { words: "tokens", term: "token" },
      { words: "Codewörter", term: "codeword" },
    ],
  );
});

test("a word within another is no term", () => {
  assert.deepEqual(partsOf("Tokenizer, betoken", { token: "token, Token" }), [
    { words: "Tokenizer, betoken", term: null },
  ]);
  assert.deepEqual(partsOf("", TERMS), []);
});
