/* The tokens of the slice on show before and after, and what both decoders make of them. Frames come from window.vqseg; nothing
   is decoded twice. One function with perturb_wipe.js, perturb_maps.js, perturb_cell.js and perturb_curves.js, which follow it. */
const root = element.querySelector(".perturb");
// The card of a cell stands beside the plot, in a component of its own (cell.html).
const panel = element.closest("[role=tabpanel]") ?? document.body;
const text = (name) => panel.querySelector("[data-text=" + name + "]");
const canvasOf = (name) => root.querySelector("[data-panel=" + name + "] canvas");
const notice = root.querySelector(".notice");
const pictures = window.vqseg.pictures;
const OUTLINE = "#ffffff", CHOSEN = "#ff2bb8";
const MOST_PIXELS = 4e6;   // of the grid of tokens, however far it is zoomed in

let colours = null;     // K x 3 bytes
let painted = null;     // name of the checkpoint whose codes they are
let shown = null;
let painting = 0;

const visible = () => element.offsetParent !== null;
const schedule = () => { if (!painting && visible()) painting = requestAnimationFrame(paint); };
const viewOf = () => window.vqseg.state.scan.planes[shown.request.plane];
const acquired = (scan) => Object.keys(scan.planes).find((plane) => scan.planes[plane].acquired);
/* What the picture on show depends on, without the sequence of asking. */
const settingsKey = () => JSON.stringify({ ...shown.request, sequence: 0, truth: 0 });

function colourOf(code) {
  if (colours) return "rgb(" + colours.slice(3 * code, 3 * code + 3).join(" ") + ")";
  return "hsl(" + ((code * 137.508) % 360) + " 60% 50%)";
}

function paint() {
  painting = 0;
  const state = window.vqseg.state;
  if (!shown || !part("table") || state.scan.token !== shown.request.token) return;
  const { frame } = shown, view = viewOf();
  pictures.shapeStages(root, view, shown.request.plane, state);
  root.toggleAttribute("data-across", !frame.codes);
  say(frame.codes ? "" : "Tokens and curves belong to the acquired slices: choose the " + acquired(state.scan) + " plane to see them, and to force tokens.");
  if (frame.codes) {
    drawTokens("before", frame.clean_codes, null, view, state.scan);
    drawTokens("after", frame.codes, frame.clean_codes, view, state.scan);
  } else for (const name of ["before", "after"]) canvasOf(name).width = 1;
  drawBranches(canvasOf("segmentation"), canvasOf("picture"), frame, view, state);
  drawPinned(view, state);
  tellMaps();
  tellEdits(state);
  drawCurves(state);
  root.dataset.painted = [shown.request.index, shown.request.strength, shown.request.seed, state.edits.length].join(" ");
}

/* Both decoders' answers in one frame, the segmentation under the map that was chosen. */
function drawBranches(segmentation, picture, frame, view, state) {
  pictures.paint(segmentation, view, (out) => drawMap(out, frame, view) || pictures.overlay(out, shown.image, frame.labels, view, state));
  pictures.paint(picture, view, (out) => pictures.grey(out, frame.reconstruction));
}

const boxOf = (row, column) => window.vqseg.frames.boxOf(window.vqseg.state.scan, shown.request.plane, row, column);

function drawTokens(name, codes, before, view, scan) {
  const canvas = canvasOf(name), [rows, columns] = view.shape, [h, w] = scan.grid_of_tokens, first = (scan.levels - 1) * h * w;
  // As many pixels as the screen gives it: outlines of one pixel would be lost or doubled in a picture of another size.
  const onScreen = canvas.clientWidth ? (canvas.clientWidth * devicePixelRatio * window.vqseg.zoom.level()) / columns : Math.max(1, Math.round(8 / Math.min(...scan.cell)));
  const scale = Math.min(onScreen, Math.sqrt(MOST_PIXELS / (rows * columns)));
  Object.assign(canvas, { width: Math.round(columns * scale), height: Math.round(rows * scale) });
  const pen = canvas.getContext("2d");
  for (let row = 0; row < h; row++) for (let column = 0; column < w; column++) {
    pen.fillStyle = colourOf(codes[first + row * w + column]);
    pen.fillRect(...enlarged(boxOf(row, column), scale));
  }
  // Lines of whole pixels would hide cells that are hardly larger.
  pen.globalAlpha = Math.min(1, (Math.min(...scan.cell) * scale - 1) / 6);
  for (let at = first; before && at < first + h * w; at++) {
    if (before[at] === codes[at]) continue;
    // Neighbours share their line: one pixel, not two.
    const [x, y, width, height] = enlarged(boxOf(Math.floor((at - first) / w), (at - first) % w), scale);
    outline(pen, [x, y, width + 1, height + 1], OUTLINE, 1);
  }
  pen.globalAlpha = 1;
  if (chosen) outline(pen, enlarged(boxOf(chosen.row, chosen.column), scale), CHOSEN, 3);
}

/* A box in the canvas's pixels, its edges on whole ones, so that neither gaps nor overlaps are left between two. */
function enlarged([x, y, width, height], scale) {
  const [left, top] = [x, y].map((n) => Math.round(n * scale));
  return [left, top, Math.round((x + width) * scale) - left, Math.round((y + height) * scale) - top];
}

function outline(pen, [x, y, width, height], colour, thickness) {
  pen.strokeStyle = colour;
  pen.lineWidth = thickness;
  pen.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, height - thickness);
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}

function receive(event) {
  if (event.shown) {
    const moved = shown && ["token", "plane", "index"].some((name) => shown.request[name] !== event.shown.request[name]);
    if (shown && shown.request.token !== event.shown.request.token) unpin();
    shown = event.shown;
    if (moved) forgetCell();
    else if (chosen && shown.frame.codes) describeCell();
  }
  if (shown && visible()) schedule();
}

const ACTIONS = {
  pin: () => (pinned ? unpin() : pin()),
  branches: () => chooseMap("branches"),
  sensitivity: () => chooseMap("sensitivity"),
  cancel: () => stopDraws(),
  undo: () => window.vqseg.edit(window.vqseg.state.edits.slice(0, -1)),
  clear: () => window.vqseg.edit([]),
};

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

panel.addEventListener("click", (event) => {
  const name = event.target.closest("[data-do]")?.dataset.do, figure = event.target.closest("[data-figure]");
  if (shown && figure) saveFigure(figure);
  if (shown && Object.hasOwn(ACTIONS, name ?? "")) ACTIONS[name]();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#reset") || !shown) return;
  unpin();
  chooseMap(null);
});

// When all the parts are there.
queueMicrotask(() => {
  window.vqseg.frames.subscribe(receive);
  window.vqseg.subscribe(dye);
  window.vqseg.subscribe(schedule);
  new IntersectionObserver(schedule).observe(element);
  new ResizeObserver(schedule).observe(canvasOf("after"));
  window.vqseg.zoom.attach({ root, ready: () => Boolean(shown), click: chooseIn, moved: schedule });
  // The card and the plot are built beside this component, in their own time.
  new MutationObserver(() => { if (graphOf() && !graphOf().dataset.dressed) schedule(); }).observe(panel, { childList: true, subtree: true });
});
