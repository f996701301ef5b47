/* What is said of a cine: its progress, the frame on show, and what the frames show of the heart. No DOM. */

/** @typedef {import("../web/types").Chamber} Chamber */
/** @typedef {import("../web/types").CineAnswer} CineAnswer */
/** @typedef {import("../web/types").CineState} CineState */

const UNKNOWN = "–";
const NO_SPACING = "unknown spacing";
const ORDER = ["LV", "RV", "MYO"];
/** @type {{term: string, about: Record<string, string>}[]} */
const HEADS = [
  { term: "EF", about: { "data-term": "ef" } },
  { term: "EDV", about: { "data-term": "edv", "data-here": "This is the volume at ED." } },
  { term: "ESV", about: { "data-term": "edv", "data-here": "This is the volume at ES." } },
  { term: "SV", about: { "data-term": "edv", "data-here": "This is their difference." } },
];

/** @param {number | null | undefined} value @param {string} unit */
const measured = (value, unit) => (value === null || value === undefined ? UNKNOWN : Math.round(value) + " " + unit);

/** @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/**
 * How far the frames are; "" when all are there.
 * @param {CineState} state
 */
export function progressOf({ told, wanted, frame, frames }) {
  if (!told) return "Reading the frames";
  if (told.stopped) return told.done + " of " + frames + " frames";
  const missing = wanted === frame ? "" : ", frame " + wanted + " comes next";
  if (told.done < frames) return told.done + " of " + frames + " frames" + missing;
  return wanted === frame ? "" : "Encoding frame " + wanted + " again";
}

/**
 * What a frame is called: of a pair, the scans in the order in which they were opened.
 * @param {Pick<CineState, "wanted" | "frames" | "paired">} state
 */
export function nameOf({ wanted, frames, paired }) {
  return paired ? "Scan " + (wanted + 1) + " of " + frames : "Frame " + wanted;
}

/**
 * When a frame is in the cycle; "" where that is not known.
 * @param {number} frame
 * @param {CineAnswer | null} told
 */
export function timeOf(frame, told) {
  return told?.seconds ? Math.round(1000 * frame * told.seconds) + " ms" : "";
}

/**
 * "end-diastole", "end-systole", or "".
 * @param {number} frame
 * @param {CineAnswer | null} told
 */
export function phaseOf(frame, told) {
  if (told?.heart?.ed_frame === frame) return "end-diastole";
  return told?.heart?.es_frame === frame ? "end-systole" : "";
}

/**
 * The volumes of a frame in words, for who does not see the curve.
 * @param {number} frame
 * @param {CineAnswer | null} told
 */
export function valueText(frame, told) {
  const parts = ["frame " + frame, timeOf(frame, told), phaseOf(frame, told)];
  for (const name of ORDER) {
    const value = told?.volumes[name]?.[frame];
    if (value !== null && value !== undefined) parts.push(name + " " + measured(value, told?.unit ?? ""));
  }
  return parts.filter(Boolean).join(", ");
}

/**
 * The curve in words.
 * @param {CineAnswer | null} told
 */
export function curveText(told) {
  const { heart, volumes, unit } = told ?? {};
  const volume = volumes?.LV;
  if (!heart || heart.ed_frame === null || heart.es_frame === null || !volume) return "";
  const [most, least] = [volume[heart.ed_frame], volume[heart.es_frame]];
  return `The left ventricle has ${measured(most, unit ?? "")} at end-diastole, frame ${heart.ed_frame}, and ${measured(least, unit ?? "")} at end-systole, frame ${heart.es_frame}.`;
}

/**
 * The table: a row for the left and, where there is one, the right ventricle. Without spacing one cell stands for all volumes.
 * @param {CineAnswer | null} told
 * @returns {{heads: {term: string, about: Record<string, string>}[], rows: {side: string, values: string[]}[]}}
 */
export function tableOf(told) {
  const heart = told?.heart;
  const hasRight = heart ? heart.rv !== null : Boolean(told?.volumes.RV);
  /** @param {Chamber | null | undefined} chamber */
  function valuesOf(chamber) {
    const fraction = measured(chamber?.ejection_fraction_percent, "%");
    if (heart && !heart.spacing_known) return [fraction, NO_SPACING];
    const volumes = [chamber?.edv_ml, chamber?.esv_ml, chamber?.stroke_volume_ml];
    return [fraction, ...volumes.map((volume) => measured(volume, "ml"))];
  }
  const left = { side: "LV", values: valuesOf(heart?.lv) };
  return { heads: HEADS, rows: hasRight ? [left, { side: "RV", values: valuesOf(heart?.rv) }] : [left] };
}

/**
 * The left ventricle's ejection fraction alone; "" while it is not known.
 * @param {CineAnswer | null} told
 */
export function fractionOf(told) {
  const fraction = told?.heart?.lv.ejection_fraction_percent ?? null;
  return fraction === null ? "" : "EF " + measured(fraction, "%");
}

/**
 * Mass and heart rate in a line.
 * @param {CineAnswer | null} told
 */
export function moreOf(told) {
  const heart = told?.heart;
  if (!heart) return "";
  const mass = heart.spacing_known ? measured(heart.myocardial_mass_g, "g") : NO_SPACING;
  const rate = heart.heart_rate_bpm === null ? "" : " · " + measured(heart.heart_rate_bpm, "beats/min");
  return (told?.volumes.MYO ? "Mass " + mass : "") + rate;
}

/**
 * What a person should know of all this, as sentences.
 * @param {CineAnswer | null} told
 */
export function notesOf(told) {
  return [told?.problem ?? "", ...(told?.heart?.notes ?? [])].filter(Boolean).map(sentence).join(" ");
}
