/* Prints the texts that stand in modules, as JSON by file: node texts_of_modules.js FILE ... What is put together, by + or in a template,
   is one text with {} where something else comes in; of alternatives each makes a text of its own. */

import { readFileSync } from "node:fs";
import { parse } from "acorn";

const MOST = 64; // combinations of one text
/* What an attribute, a selector or a name of the platform is given by. */
const SELECTING =
  /^(querySelector|querySelectorAll|closest|matches|find|part|parts|elementIn|getElementById|addEventListener|click)$/;
const NAMING = /^(className|type|role|style|id|viewBox|href|method|cache|accept|transform|d)$/;
const WAYS = [
  "getContext",
  "getExtension",
  "setProperty",
  "getPropertyValue",
  "matchMedia",
  "on",
  "fetch",
  "test",
  "startsWith",
];

/** @param {any} node @returns {string[] | null} its texts; null if it is none */
function texts(node) {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? [node.value] : null;
    case "TemplateLiteral":
      return node.quasis
        .map((/** @type {any} */ quasi, /** @type {number} */ i) => {
          const inside = node.expressions[i];
          return product([quasi.value.cooked], inside ? (texts(inside) ?? ["{}"]) : [""]);
        })
        .reduce(product);
    case "BinaryExpression": {
      if (node.operator !== "+") return null;
      const [left, right] = [texts(node.left), texts(node.right)];
      return left || right ? product(left ?? ["{}"], right ?? ["{}"]) : null;
    }
    case "ConditionalExpression": {
      const [one, other] = [texts(node.consequent), texts(node.alternate)];
      return one || other ? [...(one ?? ["{}"]), ...(other ?? ["{}"])] : null;
    }
    default:
      return null;
  }
}

/** @param {string[]} left @param {string[]} right */
const product = (left, right) => left.flatMap((one) => right.map((other) => one + other)).slice(0, MOST);

/** @param {any} call */
const nameOf = (call) => call.callee.property?.name ?? call.callee.name ?? "";

/** @param {any} node @param {string[]} found */
function collect(node, found) {
  if (!node || typeof node.type !== "string") return;
  if (/^(Import|Export(All|Named)Decl)/.test(node.type) && node.source) return;
  const own = texts(node);
  if (own) found.push(...own);
  for (const [key, value] of Object.entries(node)) {
    if (own && node.type !== "ConditionalExpression") {
      // Its pieces are told already; only what comes in from elsewhere may have texts of its own.
      for (const inside of holes(node)) collect(inside, found);
      return;
    }
    if (isName(node, key)) continue;
    for (const child of Array.isArray(value) ? value : [value]) collect(child, found);
  }
}

/** @param {any} node @returns {any[]} */
function holes(node) {
  if (node.type === "TemplateLiteral")
    return node.expressions.flatMap((/** @type {any} */ one) => (texts(one) ? holes(one) : [one]));
  if (node.type === "BinaryExpression")
    return [node.left, node.right].flatMap((one) => (texts(one) ? holes(one) : [one]));
  if (node.type === "ConditionalExpression")
    return [node.test, ...[node.consequent, node.alternate].flatMap((one) => (texts(one) ? holes(one) : [one]))];
  return [];
}

/** Whether a part of a node names something of the page or the platform. @param {any} node @param {string} key */
function isName(node, key) {
  if (node.type === "Property" && key === "key") return !node.computed;
  if (node.type === "Property" && key === "value") return NAMING.test(node.key.name ?? node.key.value);
  if (node.type === "CallExpression" && key === "arguments")
    return SELECTING.test(nameOf(node)) || WAYS.includes(nameOf(node));
  if (node.type === "BinaryExpression") return /^[!=]==$/.test(node.operator);
  return node.type === "SwitchCase" && key === "test";
}

/** @type {Record<string, string[]>} */
const told = {};
for (const file of process.argv.slice(2)) {
  /** @type {string[]} */
  const found = [];
  collect(parse(readFileSync(file, "utf8"), { ecmaVersion: "latest", sourceType: "module" }), found);
  told[file] = [...new Set(found)];
}
console.log(JSON.stringify(told));
