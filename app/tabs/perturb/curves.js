/* The curves over epsilon, from the frames that are there, and over the rate of feature dropout, asked for point by point.
   Part of the tab, see perturb.js. Trace numbers are those of app/curve_figures.py. */
const TRUTH = 2, DROPOUT = 4;
const FIGURES = ["dice_vs_clean", "agreement", "truth", "psnr"];
const STEPS = 20;

let drawn = "";
let dropout = null;      // {key, points} of the slice on show, in the order of asking
let fetching = false;

const graphOf = () => document.querySelector("#curves .js-plotly-plot");
const meanOf = (list) => { const known = (list ?? []).filter((v) => v !== null); return known.length ? known.reduce((a, b) => a + b) / known.length : null; };
const figureOf = (point, name) => (name === "truth" ? meanOf(point.truth) : point[name]);

function drawCurves(state) {
  const graph = graphOf();
  if (!graph?._fullLayout || !window.Plotly) return;
  fetchDropout();
  const points = window.vqseg.frames.curve, dropped = pointsOfDropout();
  const key = [graph.dataset.dressed, state.strength, points.map((p) => p.strength), dropped.length, settingsKey()].join(" ");
  if (key === drawn) return;
  dress(graph);
  drawn = key;
  const lines = [...FIGURES.map((name) => points.map((p) => [p.strength, figureOf(p, name)])), ...FIGURES.map((name) => dropped.map((p) => [p.rate, figureOf(p, name)]))];
  const line = { color: getComputedStyle(root).color, width: 2, dash: "dot" };
  const present = ["", "2"].map((axis) => ({ type: "line", xref: "x" + axis, yref: "y" + axis + " domain", x0: state.strength, x1: state.strength, y0: 0, y1: 1, line }));
  window.Plotly.update(graph, {
    x: lines.map((line) => line.map(([x]) => x)),
    y: lines.map((line) => line.map(([, y]) => y)),
    visible: lines.map((_, i) => i % DROPOUT !== TRUTH || Boolean(shown.request.truth)),
  }, { shapes: present }, lines.map((_, trace) => trace));
  Object.assign(graph.dataset, { points: points.length, dropout: dropped.length, present: state.strength });
}

/* Dropout does not know epsilon and mode: its curve belongs to the slice, the seed and the forced tokens. */
function dropoutKey() {
  const { token, plane, index, seed, edits, truth } = shown.request;
  return JSON.stringify([token, plane, index, seed, edits, truth]);
}

const pointsOfDropout = () => (dropout?.key === dropoutKey() ? dropout.points.toSorted((a, b) => a.rate - b.rate) : []);

/* One point after the other while the tab is looked at and the frames of epsilon are there: those are more urgent. */
async function fetchDropout() {
  if (fetching) return;
  fetching = true;
  try {
    while (visible() && viewOf().acquired && window.vqseg.frames.readyAhead > STEPS) {
      const key = dropoutKey(), request = shown.request;
      if (dropout?.key !== key) dropout = { key, points: [] };
      const rate = nextRate(dropout.points);
      if (rate === undefined) break;
      const answer = await server.dropout({ ...request, rate });
      if (!answer || answer.error) break;
      if (dropout.key === key) dropout.points.push(answer);
      schedule();
    }
  } finally {
    fetching = false;
  }
}

/* From coarse to fine, so that the curve's form is there early: 0, 1, 0.5, then what lies between. */
function nextRate(points) {
  const there = new Set(points.map((point) => Math.round(point.rate * STEPS)));
  const order = [0, 20, 10, 14, 18, 5, 16, 12, 19, 2, 8];
  const step = [...order, ...Array.from({ length: STEPS + 1 }, (_, i) => i)].find((i) => !there.has(i));
  return step === undefined ? undefined : step / STEPS;
}

/* The curves for print, drawn by the server, which decodes all their points again. */
async function saveFigure(button) {
  const { nameOf, save, bytesOf, prepare, callOff } = window.vqseg.files, kind = button.dataset.figure, svg = kind.endsWith("svg");
  if (callOff(button)) return;
  const name = nameOf(svg ? "_curves.svg" : "_curves.png", true), wish = { ...shown.request, kind };
  const answer = await prepare(button, () => server.export(wish), ({ done, of }) => (text("tool").textContent = "Drawing the figure of the curves: " + done + " of " + of));
  text("tool").textContent = "";
  tellMaps();
  if (answer === null) return;
  if (!answer?.bytes) return say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer), svg ? "image/svg+xml" : "image/png", name);
}

/* The colour of text, which only the page knows; and on a narrow screen PSNR below the shares instead of beside them. */
function dress(graph) {
  if (graph.dataset.dressed) return;
  graph.dataset.dressed = "true";
  const narrow = graph.clientWidth < 520 ? { "xaxis.domain": [0, 1], "yaxis.domain": [0.56, 1], "xaxis2.domain": [0, 1], "yaxis2.domain": [0, 0.32] } : {};
  window.Plotly.relayout(graph, { "font.color": getComputedStyle(root).color, "modebar.color": getComputedStyle(root).color, ...narrow });
}
