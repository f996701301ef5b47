/* The pictures beside each step's text. They do not give the answer away before the visitor has predicted. */
import { make } from "../../web/dom.js";
import { barOf, bars, curves, figure, shares, stage } from "./draw.js";
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

/** pi(j|i) of the marked token at the present epsilon, beside the draws at the question's epsilon. @param {Look<"swap">} c */
function fates(c) {
  const counts = { draws: Number(c.facts.draws), kept: Number(c.facts.truth) };
  const rows = fatesOf(c.data, counts, c.where.strength);
  const most = Math.max(...rows.map((row) => row.share));
  const body = rows.flatMap(({ kind, code, share, drawn }) => [
    make("dt", {}, kind === "becomes" ? c.say("becomes", { code: String(code) }) : c.say(kind)),
    barOf(share, most, c.n(percentOf(share))),
    make("dd", {}, make("b", {}, c.n(drawn))),
  ]);
  const head = [c.say("expected"), c.say("drawn")].map((text) => make("dd", { className: "head" }, text));
  const list = make("dl", {}, make("dt"), ...head, ...body);
  return figure("shares fates", c.say("fates"), list, make("p", {}, onShow(c)));
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
  return shares(rows, c.say("near"));
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
  const { labels, reconstruction } = c.shown.frame;
  const { strength } = c.where;
  return [
    ...before,
    picture(c, "segmentation_after", labelled(c, labels), { strength }),
    picture(c, "reconstruction_after", grey(reconstruction), { strength }),
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

/** @param {Look<"radii">} c */
function radii(c) {
  const { strengths, dice, top } = c.data;
  const radius = plot(c, c.say("radius"), top, c.data.radii);
  if (!c.revealed) return [radius];
  const near = Math.round(c.both * (strengths.length - 1));
  const size = c.shown.image.length;
  const of = (/** @type {string} */ name) => c.pictures[name].subarray(near * size, (near + 1) * size);
  const strength = strengths[near];
  return [
    picture(c, "swapped", labelled(c, of("qpm")), { strength }),
    picture(c, "dropped", labelled(c, of("dropout")), { strength }),
    plot(c, c.say("dice"), 1, { strengths, ...dice }),
    radius,
  ];
}

/** @param {Look<"radii">} c @param {string} caption @param {number} top @param {StepData["radii"]["radii"]} found */
function plot(c, caption, top, { strengths: x, qpm, dropout }) {
  const lines = [
    { name: c.say("qpm"), kind: "qpm", x, y: qpm },
    { name: c.say("dropout"), kind: "dropout", x, y: dropout },
  ];
  return curves({ caption, axis: c.say("axis"), lines, marked: c.both, top, format: c.n });
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
  swap: (c) => [marked(c, {}), c.revealed ? fates(c) : neighbours(c)],
  decoders,
  consistency,
  radii,
};
