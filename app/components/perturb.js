/* The tokens of the slice on show before and after, one cell in detail, cells forced by hand, and the curves over epsilon.
   Frames come from window.vqseg; nothing is decoded twice. Trace numbers are those of app/codebook_figures.py. */
const root = element.querySelector(".perturb");
// The card of a cell stands beside the plot, in a component of its own (cell.html).
const panel = element.closest("[role=tabpanel]") ?? document.body;
const text = (name) => panel.querySelector("[data-text=" + name + "]");
const part = (name) => panel.querySelector(".card " + name);
const canvasOf = (name) => root.querySelector("[data-panel=" + name + "] canvas");
const notice = root.querySelector(".notice");
const DICE = 0, AGREEMENT = 1, TRUTH = 2, PSNR = 3;
const OUTLINE = "#ffffff", CHOSEN = "#ff2bb8";

let colours = null;     // K x 3 bytes
let painted = null;     // name of the checkpoint whose codes they are
let shown = null;
let chosen = null;      // the cell in detail, of window.vqseg.frames.cellAt
let asked = 0;
let map = null;         // sensitivity: {key, picture}
let painting = 0;

const visible = () => element.offsetParent !== null;
const schedule = () => { if (!painting && visible()) painting = requestAnimationFrame(paint); };
const viewOf = () => window.vqseg.state.scan.planes[shown.request.plane];
const mapKey = () => JSON.stringify({ ...shown.request, sequence: 0, truth: 0 });

function colourOf(code) {
  if (colours) return "rgb(" + colours.slice(3 * code, 3 * code + 3).join(" ") + ")";
  return "hsl(" + ((code * 137.508) % 360) + " 60% 50%)";
}

function paint() {
  painting = 0;
  const state = window.vqseg.state;
  if (!shown || !part("table") || state.scan.token !== shown.request.token) return;
  const { frame, image } = shown, view = viewOf();
  root.style.setProperty("--ratio", view.ratio);
  root.style.setProperty("--stage", Math.min(1.5, Math.max(0.8, view.ratio)));
  root.style.setProperty("--mirror", state.convention === "neurological" && shown.request.plane !== "sagittal" ? -1 : 1);
  say(frame.codes ? "" : "Tokens lie in the acquired slices: choose the " + acquired(state.scan) + " plane to see and force them.");
  if (frame.codes) {
    drawTokens("before", frame.clean_codes, null, view, state.scan);
    drawTokens("after", frame.codes, frame.clean_codes, view, state.scan);
  } else for (const name of ["before", "after"]) canvasOf(name).width = 1;
  const over = map?.key === mapKey() ? map.picture : null;
  root.querySelector("[data-panel=segmentation] figcaption").textContent = over ? "Sensitivity" : "Segmentation";
  drawPixels("segmentation", view, (i) => (over ? [over[i], over[i] * 0.6, over[i] * 0.1] : frame.labels[i] ? state.scan.colours[frame.labels[i]] : [image[i], image[i], image[i]]));
  drawPixels("picture", view, (i) => [frame.reconstruction[i], frame.reconstruction[i], frame.reconstruction[i]]);
  tellEdits(state);
  drawCurves(state);
  root.dataset.painted = [shown.request.index, shown.request.strength, shown.request.seed, state.edits.length].join(" ");
}

const acquired = (scan) => Object.keys(scan.planes).find((plane) => scan.planes[plane].acquired);

function drawPixels(name, view, colour) {
  const canvas = canvasOf(name), [rows, columns] = view.shape, picture = new ImageData(columns, rows);
  Object.assign(canvas, { width: columns, height: rows });
  for (let i = 0; i < rows * columns; i++) picture.data.set([...colour(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/* Where a cell lies in the displayed picture: [left, top, width, height] in its pixels. */
function boxOf(row, column, view, scan) {
  const [rows, columns] = view.shape, [along, across] = view.transpose ? [column, row] : [row, column];
  const [ch, cw] = view.transpose ? [scan.cell[1], scan.cell[0]] : scan.cell;
  const top = view.flip[0] ? rows - (along + 1) * ch : along * ch, left = view.flip[1] ? columns - (across + 1) * cw : across * cw;
  return [left, top, cw, ch];
}

function drawTokens(name, codes, before, view, scan) {
  const canvas = canvasOf(name), [rows, columns] = view.shape, [h, w] = scan.grid_of_tokens;
  const scale = Math.max(1, Math.round(8 / Math.min(...scan.cell))), first = (scan.levels - 1) * h * w;
  Object.assign(canvas, { width: columns * scale, height: rows * scale });
  const pen = canvas.getContext("2d");
  for (let row = 0; row < h; row++) for (let column = 0; column < w; column++) {
    const at = first + row * w + column, box = boxOf(row, column, view, scan).map((n) => Math.round(n * scale));
    pen.fillStyle = colourOf(codes[at]);
    pen.fillRect(...box);
    if (before && before[at] !== codes[at]) outline(pen, box, OUTLINE, 1);
  }
  if (chosen) outline(pen, boxOf(chosen.row, chosen.column, view, scan).map((n) => Math.round(n * scale)), CHOSEN, 3);
}

function outline(pen, [x, y, width, height], colour, thickness) {
  pen.strokeStyle = colour;
  pen.lineWidth = thickness;
  pen.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, height - thickness);
}

/* --- one cell --- */
function choose(event) {
  if (!shown?.frame.codes) return;
  const box = event.currentTarget.getBoundingClientRect(), [rows, columns] = viewOf().shape;
  const mirrored = getComputedStyle(root).getPropertyValue("--mirror").trim() === "-1";
  const across = (event.clientX - box.left) / box.width;
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows), column = Math.floor((mirrored ? 1 - across : across) * columns);
  chosen = window.vqseg.frames.cellAt(window.vqseg.state.scan, shown.request.plane, Math.min(rows - 1, row), Math.min(columns - 1, column));
  describeCell();
  schedule();
}

async function describeCell() {
  const { frame, request } = shown, number = ++asked;
  const [code, to] = [frame.clean_codes[chosen.at], frame.codes[chosen.at]];
  const answer = await server.neighbours({ token: request.token, code, to });
  if (number !== asked) return;
  if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Click the cell again.");
  const last = answer.codes.length - 1, pi = (i) => (request.strength * answer.probabilities[i]).toFixed(4);
  text("cell").textContent = "Token " + chosen.row + ", " + chosen.column;
  const isForced = window.vqseg.state.edits.some(([r, c]) => r * window.vqseg.state.scan.grid_of_tokens[1] + c === chosen.at);
  text("move").textContent = code === to ? "code " + code + (isForced ? ", forced to itself" : ", not replaced")
    : "code " + code + " → " + to + (isForced ? ", forced" : "") + " · π = " + pi(last) + " · distance " + answer.distances[last].toFixed(3);
  part("tbody").replaceChildren(...answer.codes.slice(0, last).map((j, i) => neighbourRow(j, answer.distances[i], pi(i))));
  part("table").hidden = part("form").hidden = false;
  part("input").max = window.vqseg.state.scan.codebook_size - 1;
  root.dataset.cell = [chosen.row, chosen.column, code, to].join(" ");
}

function neighbourRow(code, distance, probability) {
  const row = document.createElement("tr"), swatch = document.createElement("i"), button = document.createElement("button");
  for (const value of [code, distance.toFixed(3), probability, ""]) row.insertCell().textContent = value;
  swatch.style.background = colourOf(code);
  row.cells[0].prepend(swatch);
  button.type = "button";
  button.textContent = "Force";
  button.setAttribute("aria-label", "Force to code " + code);
  button.addEventListener("click", () => force(code));
  row.cells[3].append(button);
  return row;
}

function force(code) {
  if (!chosen) return;
  const w = window.vqseg.state.scan.grid_of_tokens[1];
  window.vqseg.edit([...window.vqseg.state.edits, [Math.floor(chosen.at / w), chosen.at % w, code]]);
}

function tellEdits(state) {
  const count = state.edits.length;
  text("edits").textContent = count === 0 ? "No cell is forced." : count + (count === 1 ? " edit in this slice." : " edits in this slice.");
  for (const name of ["undo", "clear"]) part("[data-do=" + name + "]").disabled = count === 0;
}

/* --- sensitivity over seeds --- */
async function measure() {
  if (!shown) return;
  const request = shown.request, key = mapKey(), button = root.querySelector("[data-do=sensitivity]");
  if (map?.key === key) {
    map = null;
    return schedule();
  }
  button.disabled = true;
  text("tool").textContent = "Decoding " + props.value.seeds + " draws of epsilon " + request.strength.toFixed(2);
  const answer = await server.sensitivity(request);
  button.disabled = false;
  if (!answer?.picture) {
    text("tool").textContent = "";
    return say(answer?.error ?? "The server did not answer. Try again.");
  }
  map = { key, picture: await window.vqseg.frames.unpack(answer.picture) };
  const changing = map.picture.filter((v) => v > 0).length / map.picture.length;
  text("tool").textContent = (100 * changing).toFixed(1) + " % of the pixels change their label between " + props.value.seeds + " seeds. Press again for the segmentation.";
  root.dataset.sensitivity = changing.toFixed(4);
  schedule();
}

/* --- curves --- */
const graphOf = () => document.querySelector("#curves .js-plotly-plot");
let drawn = "";

function drawCurves(state) {
  const graph = graphOf();
  if (!graph?._fullLayout || !window.Plotly) return;
  const points = window.vqseg.frames.curve, key = [graph.dataset.dressed, state.strength, points.map((p) => p.strength), mapKey()].join(" ");
  if (key === drawn) return;
  dress(graph);
  drawn = key;
  const mean = (list) => { const known = (list ?? []).filter((v) => v !== null); return known.length ? known.reduce((a, b) => a + b) / known.length : null; };
  const ys = { [DICE]: points.map((p) => p.dice_vs_clean), [AGREEMENT]: points.map((p) => p.agreement), [TRUTH]: points.map((p) => mean(p.truth)), [PSNR]: points.map((p) => p.psnr) };
  const data = [DICE, AGREEMENT, TRUTH, PSNR];
  const colour = getComputedStyle(root).color;
  const line = { type: "line", x0: state.strength, x1: state.strength, y0: 0, y1: 1, yref: "paper", line: { color: colour, width: 2, dash: "dot" } };
  window.Plotly.update(graph, { x: data.map(() => points.map((p) => p.strength)), y: data.map((i) => ys[i]), visible: data.map((i) => i !== TRUTH || ys[TRUTH].some((v) => v !== null)) }, { shapes: [line] });
  graph.dataset.points = points.length;
  graph.dataset.present = state.strength;
}

function dress(graph) {
  if (graph.dataset.dressed) return;
  graph.dataset.dressed = "true";
  window.Plotly.relayout(graph, { "font.color": getComputedStyle(root).color });
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}

panel.addEventListener("click", (event) => {
  const name = event.target.closest("[data-do]")?.dataset.do, list = window.vqseg.state.edits ?? [];
  if (name === "undo") window.vqseg.edit(list.slice(0, -1));
  if (name === "clear") window.vqseg.edit([]);
  if (name === "sensitivity") measure();
});
panel.addEventListener("submit", (event) => {
  event.preventDefault();
  force(Number(part("input").value));
});
for (const name of ["before", "after"]) canvasOf(name).addEventListener("click", choose);

function receive(event) {
  if (event.shown) {
    const moved = shown && (shown.request.token !== event.shown.request.token || shown.request.plane !== event.shown.request.plane || shown.request.index !== event.shown.request.index);
    shown = event.shown;
    if (moved) forget();
    else if (chosen && shown.frame.codes) describeCell();
  }
  if (shown && visible()) schedule();
}

function forget() {
  chosen = null;
  asked++;
  part("table").hidden = part("form").hidden = true;
  text("cell").textContent = "Click a cell";
  text("move").textContent = "Its code, what replaced it and the codewords nearest to it appear here.";
  delete root.dataset.cell;
}

/* Another checkpoint has other codes: their colours are fetched once. */
async function dye(state) {
  if (painted === state.scan.checkpoint) return;
  painted = state.scan.checkpoint;
  colours = null;
  const mine = painted, answer = await server.palette({ token: state.scan.token });
  if (mine !== painted || !answer?.colours) return;
  const fetched = await window.vqseg.frames.unpack(answer.colours);
  if (mine === painted) colours = fetched;
  schedule();
}

(() => {
  window.vqseg.frames.subscribe(receive);
  window.vqseg.subscribe(dye);
  window.vqseg.subscribe(schedule);
  new IntersectionObserver(schedule).observe(element);
  new MutationObserver(() => { if (graphOf() && !graphOf().dataset.dressed) schedule(); }).observe(panel, { childList: true, subtree: true });
})();
