/* The pictures beside each step's text. They do not give the answer away before the visitor has predicted. */
import { make } from "../../web/dom.js";
import { bars, curves, figure, measured, shares, stage, tiles } from "./draw.js";
import { codeAt } from "./lesson.js";
import { fatesOf, percentOf } from "./plots.js";

/** @typedef {import("./types").Facts} Facts */
/** @typedef {import("./types").Picture} Picture */
/** @typedef {import("./types").StepData} StepData */
/**
 * @template {keyof StepData} Step
 * @typedef {import("./types").Look<StepData[Step]>} Look
 */
/** @typedef {Look<any>} AnyLook */

// For pixels without a label, so that the labels stand out.
const DARKER = 0.75;

/** @param {Picture} picture @returns {import("./types").Colour} */
const grey = (picture) => (i) => picture[i];

/** @param {AnyLook} c @param {Picture} labels @returns {import("./types").Colour} */
const labelled = (c, labels) => (i) => (labels[i] ? c.where.scan.colours[labels[i]] : c.shown.image[i] * DARKER);

/** @param {AnyLook} c @param {string} name @param {import("./types").Colour} colour @param {Facts} [more] */
const picture = (c, name, colour, more) =>
  stage({ where: c.where, focus: c.focus, name, caption: c.say(name, more), colour });

/** A picture whose squares can be marked. @param {AnyLook} c @param {object} more */
const marked = (c, more) => {
  const { where, focus, mark, pick, hint } = c;
  const slice = { name: "slice", caption: c.say("slice"), colour: grey(c.shown.image) };
  return stage({ where, focus, mark, pick, hint, ...slice, ...more });
};

/** @param {Look<"pixels">} c */
function patch(c) {
  const { values, inside } = c.data;
  const rows = values.map((row, i) => {
    return make("tr", {}, ...row.map((value, j) => brightness(value, inside[i][j], c.n(value))));
  });
  return figure("patch", c.say("patch"), make("table", {}, make("tbody", {}, ...rows)));
}

/** @param {number} value 0 to 100 @param {boolean} isInside @param {string} text */
function brightness(value, isInside, text) {
  const cell = make("td", { className: isInside ? "inside" : "" }, text);
  cell.style.background = `rgb(${Array(3)
    .fill(2.55 * value)
    .join(" ")})`;
  cell.style.color = value > 50 ? "#000" : "#fff";
  return cell;
}

/** @type {import("./types").Near[]} */
const NEAR_AND_FAR = ["near", "far"];

/** pi(j|i) of the marked token at the present epsilon and both reaches, beside the draws at the question's epsilon.
 *  @param {Look<"swap">} c */
function fates(c) {
  const { codes, probabilities, drawn } = c.data;
  const counts = { draws: Number(c.facts.draws), kept: Number(c.facts.kept) };
  const chances = (/** @type {import("./types").Near} */ name) => {
    return { codes, probabilities: probabilities[name], drawn: drawn[name] };
  };
  const [near, far] = NEAR_AND_FAR.map((name) => fatesOf(chances(name), counts, c.where.strength));
  const rows = near.map(({ kind, code, ...one }, i) => {
    const name = kind === "becomes" ? c.say("becomes", { code: String(code) }) : c.say(kind);
    const cells = [one, far[i]].flatMap(({ share, drawn: times }) => [
      { text: c.n(percentOf(share)), share },
      { text: c.n(times) },
    ]);
    return { name, cells };
  });
  const columns = NEAR_AND_FAR.flatMap(() => [c.say("expected"), c.say("drawn")]);
  const groups = NEAR_AND_FAR.map((name) => ({ name: c.say(name), columns: 2 }));
  return measured({ kind: "fates", caption: c.say("fates"), groups, columns, rows, under: onShow(c) });
}

/** What the marked codeword and its replacements look like. @param {Look<"swap">} c */
function lookalikes(c) {
  const { atoms, side } = c.data;
  const parts = { own: c.say("itself"), near: c.part("near"), far: c.part("far") };
  const rows = Object.entries(parts).map(([part, name]) => {
    return { name, codes: atoms[/** @type {"own"} */ (part)] };
  });
  return tiles(rows, c.pictures.atoms, side, c.say("atoms"));
}

/** @param {Look<"swap">} c */
function onShow(c) {
  const { frame, request } = c.shown;
  const at = codeAt(c.where.scan, c.mark);
  const [before, after] = [frame.clean_codes, frame.codes].map((codes) => String(codes?.[at]));
  return c.say(before === after ? "stayed" : "here", { before, after, seed: String(request.seed) });
}

/** @param {Look<"swap">} c */
function neighbours(c) {
  const { codes, distances } = c.data;
  const rows = codes.map((code, i) => ({ name: String(code), share: distances[i], note: c.n(distances[i]) }));
  return shares(rows, c.say("nearest"));
}

/** @param {Look<"features">} c */
function features(c) {
  const alike = { name: "alike", caption: c.say("alike"), colour: grey(c.pictures.likeness), cells: c.data.alike };
  return [marked(c, {}), c.revealed ? marked(c, alike) : null, bars(c.data.feature, c.say("features"))];
}

/** @param {Look<"tokens">} c */
function tokens(c) {
  const cells = c.revealed ? c.data.same : [];
  const colour = (/** @type {number} */ i) => [...c.pictures.tokens.subarray(3 * i, 3 * i + 3)];
  const map = { name: "map", caption: c.revealed ? c.say("same") : c.say("map"), colour, cells };
  return [marked(c, { cells }), marked(c, map)];
}

/** @param {Look<"decoders">} c */
function decoders(c) {
  const before = [
    picture(c, "segmentation_before", labelled(c, c.pictures.labels)),
    picture(c, "reconstruction_before", grey(c.pictures.reconstruction)),
  ];
  if (!c.revealed) return before;
  const { frame, request } = c.shown;
  const { labels, reconstruction } = frame;
  // What the pictures were computed with, not what the sliders ask for by now.
  const now = { strength: request.strength, reach: Math.round(request.reach ?? c.where.scan.reach.own) };
  return [
    before[0],
    picture(c, "segmentation_near", labelled(c, c.pictures.labels_near)),
    picture(c, "segmentation_after", labelled(c, labels), now),
    before[1],
    picture(c, "reconstruction_near", grey(c.pictures.reconstruction_near)),
    picture(c, "reconstruction_after", grey(reconstruction), now),
  ];
}

/** @param {Look<"consistency">} c */
function consistency(c) {
  const teacher = picture(c, "teacher", labelled(c, c.pictures.teacher));
  if (!c.revealed) return [teacher];
  const rows = ["inside", "border", "background"].flatMap((name) => {
    const share = c.facts[name];
    return typeof share === "number" ? [{ name: c.option(name), share, note: c.n(share) }] : [];
  });
  return [
    teacher,
    picture(c, "student", labelled(c, c.pictures.student)),
    picture(c, "loss", grey(c.pictures.loss), { peak: c.data.peak }),
    shares(rows, c.say("mean_loss")),
  ];
}

/** @type {import("./types").Compared[]} */
const COMPARED = ["near", "far", "dropout", "channels"];
/** Those whose strength is called epsilon. @type {import("./types").Compared[]} */
const SWAPS = ["near", "far"];

/** @param {Look<"radii">} c */
function radii(c) {
  const { strengths, dice } = c.data;
  const size = c.shown.image.length;
  const clean = c.pictures.near.subarray(0, size);
  if (!c.revealed) return [picture(c, "segmentation_before", labelled(c, clean)), twoNumbers(c)];
  const at = strengths.indexOf(c.all);
  const pictures = COMPARED.map((name) => {
    const colour = labelled(c, c.pictures[name].subarray(at * size, (at + 1) * size));
    const said = { name: c.say(name), strength: c.all };
    const caption = SWAPS.includes(name) ? c.say("swapped", said) : c.say("dropped", said);
    return stage({ where: c.where, focus: c.focus, name, caption, colour });
  });
  const lines = COMPARED.map((name) => ({ name: c.say(name), kind: name, x: strengths, y: dice[name] }));
  const plot = { caption: c.say("score"), axis: c.say("axis"), lines, marked: c.all, top: 1, format: c.n };
  return [...pictures, curves(plot), twoNumbers(c)];
}

/** Radius and effect at the question's strength; after the answer the Dice score too. @param {Look<"radii">} c */
function twoNumbers(c) {
  const { radius, effect } = c.data;
  const left = c.revealed ? [c.say("dice")] : [];
  const rows = COMPARED.map((name) => {
    const scores = c.revealed ? [{ text: c.n(c.facts[name]), share: Number(c.facts[name]) }] : [];
    return { name: c.say(name), cells: [{ text: c.n(radius[name]) }, { text: c.n(effect[name]) }, ...scores] };
  });
  const columns = [c.say("radius"), c.say("effect"), ...left];
  return measured({ kind: "measures", caption: c.say("measures"), groups: [], columns, rows });
}

/**
 * The pieces of every step; null for a piece that is not there yet.
 * @type {Record<string, (c: any) => (HTMLElement | null)[]>}
 */
export const LOOKS = {
  pixels: (c) => [marked(c, {}), c.revealed ? patch(c) : null],
  features,
  codeword: (c) => [marked(c, {})],
  tokens,
  swap: (c) => [marked(c, {}), ...(c.revealed ? [lookalikes(c), fates(c)] : [neighbours(c)])],
  decoders,
  consistency,
  radii,
};
