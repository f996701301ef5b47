/* Colours of the page, which may be light or dark. */

/**
 * @param {Element} root
 * @param {string} name of a custom property
 */
export const pageColour = (root, name) => getComputedStyle(root).getPropertyValue(name).trim();

/**
 * The colour of codes without a value.
 * @param {Element} root
 */
export const grey = (root) => pageColour(root, "--input-border-color");
