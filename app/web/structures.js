/* What structures are called in full, by the name of their class. A class that is not here stands as it is. */

/** @type {Record<string, string>} */
const FULL = {
  RV: "right ventricle",
  LV: "left ventricle",
  MYO: "myocardium",
  RA: "right atrium",
  LA: "left atrium",
  NODULE: "lung nodule",
};

/** @param {string} name of a class */
export const fullName = (name) => FULL[name.toUpperCase()] ?? name;

/**
 * The same as the beginning of a line.
 * @param {string} name of a class
 */
export const titleOf = (name) => fullName(name).replace(/^./, (first) => first.toUpperCase());
