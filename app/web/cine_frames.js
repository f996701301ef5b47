/* Tokens of a cine's frames: "TOKEN" is frame 0 and the cine as a whole, "TOKEN.7" is frame 7. app/visit/session.py reads
   them. */

const FRAME = ".";

/**
 * @param {string} token of the cine
 * @param {number} frame
 */
export const frameToken = (token, frame) => (frame ? token + FRAME + frame : token);

/**
 * The number of the frame that a token stands for.
 * @param {string} token
 */
export const frameOf = (token) => Number(token.split(FRAME)[1] ?? 0);

/**
 * The token of the cine, or of the scan, that a frame belongs to.
 * @param {string} token
 */
export const caseOf = (token) => token.split(FRAME)[0];
