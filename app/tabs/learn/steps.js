/* What every step of the lesson shows beside its text. c: {scan, facts, data, pictures, shown, strength, revealed, mark, pick}, the
   functions say(text of "pictures", more facts) and n(number). Before the question is answered nothing here tells the answer. */
const grey = (picture) => (i) => picture[i];
const labelled = (c, labels) => (i) => (labels[i] ? c.scan.colours[labels[i]] : c.shown.image[i] * 0.75);
const slicePicture = (c, more = {}) => stage({ name: "slice", caption: c.say("slice"), colour: grey(c.shown.image), focus: c.focus, mark: c.mark, pick: c.pick, hint: c.hint, ...more });

function patch(c) {
  const rows = c.data.values.map((row, i) => el("tr", {}, ...row.map((value, j) => {
    const cell = el("td", { class: c.data.inside[i][j] ? "inside" : "" }, c.n(value));
    cell.style.background = `rgb(${Array(3).fill(2.55 * value).join(" ")})`;
    cell.style.color = value > 50 ? "#000" : "#fff";
    return cell;
  })));
  return el("figure", { class: "patch" }, el("figcaption", {}, c.say("patch")), el("table", {}, el("tbody", {}, ...rows)));
}

/* pi(j|i) of the marked token at the epsilon on show, beside what was drawn at the question's. */
function fates(c) {
  const { codes, probabilities, drawn } = c.data, pi = probabilities.map((p) => c.strength * p);
  const rest = { name: c.say("others"), share: Math.max(0, c.strength - pi.reduce((a, b) => a + b, 0)), drawn: c.facts.draws - c.facts.truth - drawn.reduce((a, b) => a + b, 0) };
  const rows = [{ name: c.say("stays"), share: 1 - c.strength, drawn: c.facts.truth }, ...codes.map((code, i) => ({ name: c.say("becomes", { code: String(code) }), share: pi[i], drawn: drawn[i] })), rest];
  const most = Math.max(...rows.map((row) => row.share));
  const body = rows.flatMap((row) => {
    const bar = el("i", {});
    bar.style.width = (100 * row.share) / most + "%";
    return [el("dt", {}, row.name), el("dd", {}, el("span", {}, bar), el("b", {}, c.n(Math.round(1000 * row.share) / 10))), el("dd", {}, el("b", {}, c.n(row.drawn)))];
  });
  const head = [el("dt", {}), el("dd", { class: "head" }, c.say("expected")), el("dd", { class: "head" }, c.say("drawn"))];
  return el("figure", { class: "shares fates" }, el("figcaption", {}, c.say("fates")), el("dl", {}, ...head, ...body), el("p", {}, onShow(c)));
}

function onShow(c) {
  const { frame, request } = c.shown, at = c.at(c.mark);
  const [before, after] = [frame.clean_codes[at], frame.codes[at]];
  return c.say(before === after ? "stayed" : "here", { before: String(before), after: String(after), seed: String(request.seed) });
}

function neighbours(c) {
  const rows = c.data.codes.map((code, i) => ({ name: String(code), share: c.data.distances[i], note: c.n(c.data.distances[i]) }));
  return shares(rows, c.say("near"));
}

const picture = (c, name, colour, more) => stage({ name, caption: c.say(name, more), colour, focus: c.focus });

const LOOKS = {
  pixels: (c) => [slicePicture(c), c.revealed ? patch(c) : null],
  features: (c) => [
    slicePicture(c),
    c.revealed ? stage({ name: "alike", focus: c.focus, caption: c.say("alike"), colour: grey(c.pictures.likeness), cells: c.data.alike, mark: c.mark, pick: c.pick, hint: c.hint }) : null,
    bars(c.data.feature, c.say("features")),
  ],
  codeword: (c) => [slicePicture(c)],
  tokens: (c) => [
    slicePicture(c, { cells: c.revealed ? c.data.same : [] }),
    stage({ name: "map", focus: c.focus, caption: c.revealed ? c.say("same") : c.say("map"), colour: (i) => [...c.pictures.tokens.subarray(3 * i, 3 * i + 3)], cells: c.revealed ? c.data.same : [], mark: c.mark, pick: c.pick, hint: c.hint }),
  ],
  swap: (c) => [slicePicture(c), c.revealed ? fates(c) : neighbours(c)],
  decoders: (c) => [
    picture(c, "segmentation_before", labelled(c, c.pictures.labels)),
    picture(c, "reconstruction_before", grey(c.pictures.reconstruction)),
    ...(c.revealed ? [
      picture(c, "segmentation_after", labelled(c, c.shown.frame.labels), { strength: c.strength }),
      picture(c, "reconstruction_after", grey(c.shown.frame.reconstruction), { strength: c.strength }),
    ] : []),
  ],
  consistency: (c) => [
    picture(c, "teacher", labelled(c, c.pictures.teacher)),
    ...(c.revealed ? [
      picture(c, "student", labelled(c, c.pictures.student)),
      picture(c, "loss", grey(c.pictures.loss), { peak: c.data.peak }),
      shares(["inside", "border", "background"].filter((name) => typeof c.facts[name] === "number")
        .map((name) => ({ name: c.option(name), share: c.facts[name], note: c.n(c.facts[name]) })), c.say("mean_loss")),
    ] : []),
  ],
  radii: (c) => {
    const { strengths, radii } = c.data, near = Math.round(c.both * (strengths.length - 1));
    const size = c.shown.image.length, of = (name) => c.pictures[name].subarray(near * size, (near + 1) * size);
    const pair = (ys) => [{ name: c.say("qpm"), kind: "qpm", ...ys[0] }, { name: c.say("dropout"), kind: "dropout", ...ys[1] }];
    const plot = (caption, top, ys) => curves({ caption, axis: c.say("axis"), lines: pair(ys), marked: c.both, top, format: c.n });
    return [
      ...(c.revealed ? [
        picture(c, "swapped", labelled(c, of("qpm")), { strength: strengths[near] }),
        picture(c, "dropped", labelled(c, of("dropout")), { strength: strengths[near] }),
        plot(c.say("dice"), 1, [{ x: strengths, y: c.data.dice.qpm }, { x: strengths, y: c.data.dice.dropout }]),
      ] : []),
      plot(c.say("radius"), c.data.top, [{ x: radii.strengths, y: radii.qpm }, { x: radii.strengths, y: radii.dropout }]),
    ];
  },
};

/* Which steps have a slider, and what it moves: the page's epsilon, or the lesson's own strength for both. */
const SLIDERS = { swap: "strength", decoders: "strength", radii: "rate" };
/* Where a closer look is no help: a question about the whole slice. */
const WHOLE = { tokens: true };
