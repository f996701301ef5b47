/* What structures are called in full. A class that has no other name stands as it is. */

import { facts } from "./facts.js";

/** @param {string} name of a class */
export const fullName = (name) => facts.structures?.[name.toUpperCase()] ?? name;

/**
 * The same as the beginning of a line.
 * @param {string} name of a class
 */
export const titleOf = (name) => fullName(name).replace(/^./, (first) => first.toUpperCase());
