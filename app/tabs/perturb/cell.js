/* One cell of the token grid in detail, and cells that are forced to a code. Part of the tab, see perturb.js. */
const part = (name) => panel.querySelector(".card " + name);

let chosen = null;      // the cell, of window.vqseg.frames.cellAt
let asked = 0;

/* Whether there are tokens to choose from, and not those of a scan that is being left. */
const hasCells = () => Boolean(shown?.frame.codes) && shown.request.token === window.vqseg.state.scan.token;

const isMirrored = () => getComputedStyle(root).getPropertyValue("--mirror").trim() === "-1";

/* A click on one of the two grids. */
function chooseIn(stage, event) {
  if (!hasCells() || !stage.matches("[data-panel=before] *, [data-panel=after] *")) return;
  const pixel = pictures.pixelAt(stage.querySelector("canvas"), event, viewOf(), isMirrored());
  if (!pixel) return;
  chosen = window.vqseg.frames.cellAt(window.vqseg.state.scan, shown.request.plane, pixel.row, pixel.column);
  describeCell();
  schedule();
}

/* The arrow keys go from cell to cell as they are displayed. */
function moveCell(event) {
  if (!event.key.startsWith("Arrow") || !hasCells()) return;
  event.preventDefault();
  const next = window.vqseg.frames.cellBeside(window.vqseg.state.scan, shown.request.plane, chosen, event.key, isMirrored());
  if (!next) return;
  chosen = next;
  bringIntoSight(event.currentTarget);
  describeCell();
  schedule();
}

/* The chosen cell may lie beside what a zoomed picture shows. */
function bringIntoSight(canvas) {
  const [x, y, width, height] = boxOf(chosen.row, chosen.column), [rows, columns] = viewOf().shape, stage = canvas.parentElement;
  const inStage = (across, down) => [(across * canvas.clientWidth) / stage.clientWidth / columns, (down * canvas.clientHeight) / stage.clientHeight / rows];
  const side = isMirrored() ? -1 : 1;
  window.vqseg.zoom.reveal(inStage(side * (x + width / 2 - columns / 2), y + height / 2 - rows / 2), inStage(width, height));
}

async function describeCell() {
  const { frame, request } = shown, number = ++asked;
  const [code, to] = [frame.clean_codes[chosen.at], frame.codes[chosen.at]];
  const answer = await server.neighbours({ token: request.token, code, to });
  if (number !== asked) return;
  if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Click the cell again.");
  const atoms = await window.vqseg.frames.unpack(answer.atoms), size = answer.side ** 2;
  if (number !== asked) return;
  const atom = (i) => atoms.subarray(i * size, (i + 1) * size);
  const last = answer.codes.length - 1, pi = (i) => share(request.strength * answer.probabilities[i]);
  text("cell").textContent = "Token " + chosen.row + ", " + chosen.column;
  const isForced = window.vqseg.state.edits.some(([r, c]) => r * window.vqseg.state.scan.grid_of_tokens[1] + c === chosen.at);
  text("move").textContent = code === to ? "code " + code + (isForced ? ", forced to itself" : ", not replaced")
    : "code " + code + " → " + to + (isForced ? ", forced" : "") + " · π " + pi(last).replace(/^(?!<)/, "= ") + " · distance " + answer.distances[last].toFixed(3);
  drawSwap([[code, atom(0)], [to, atom(last + 1)]]);
  part("tbody").replaceChildren(...answer.codes.slice(0, last).map((j, i) => neighbourRow(j, atom(i + 1), answer.distances[i], pi(i))));
  part("table").hidden = part("form").hidden = false;
  part("input").max = window.vqseg.state.scan.codebook_size - 1;
  root.dataset.cell = [chosen.row, chosen.column, code, to].join(" ");
}

/* A probability to four places; what is less than that is not said to be nothing. */
const share = (value) => (value > 0 && value < 1e-4 ? "< 0.0001" : value.toFixed(4));

/* What the code and its replacement decode to; one picture if there was no replacement. */
function drawSwap(codes) {
  const swap = part(".swap"), figures = swap.querySelectorAll("figure");
  codes.forEach(([code, atom], i) => {
    drawAtom(figures[i].querySelector("canvas"), code, atom);
    figures[i].querySelector("figcaption").textContent = code;
  });
  figures[1].hidden = swap.querySelector("span").hidden = codes[0][0] === codes[1][0];
  swap.hidden = false;
}

function drawAtom(canvas, code, atom) {
  const side = Math.sqrt(atom.length);
  pictures.paint(canvas, { shape: [side, side] }, (out) => pictures.grey(out, atom));
  canvas.setAttribute("aria-label", "What code " + code + " decodes to");
}

function neighbourRow(code, atom, distance, probability) {
  const row = document.createElement("tr"), canvas = document.createElement("canvas"), button = document.createElement("button");
  for (const value of [code, distance.toFixed(3), probability, ""]) row.insertCell().textContent = value;
  canvas.setAttribute("role", "img");
  drawAtom(canvas, code, atom);
  row.cells[0].prepend(canvas);
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
  text("edits").textContent = count === 0 ? "No cell is forced" : count + (count === 1 ? " edit in this slice" : " edits in this slice");
  for (const name of ["undo", "clear"]) part("[data-do=" + name + "]").disabled = count === 0;
}

function forgetCell() {
  chosen = null;
  asked++;
  part("table").hidden = part("form").hidden = part(".swap").hidden = true;
  text("cell").textContent = "Click a cell";
  text("move").textContent = "Its code, what replaced it and the codewords nearest to it appear here, and what each of them decodes to. The wheel, two fingers, + and \u2212 zoom.";
  delete root.dataset.cell;
}

panel.addEventListener("submit", (event) => {
  event.preventDefault();
  force(Number(part("input").value));
});
for (const name of ["before", "after"]) canvasOf(name).addEventListener("keydown", moveCell);
