/* What Python gives too: tests/test_twin_facts.py. */

import { readFileSync } from "node:fs";

/**
 * @param {string} name
 * @returns {any[]}
 */
export const fixture = (name) => JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8"));
