/* Input | segmentation | reconstruction | difference of one slice, drawn pixel by pixel on canvases. What is shown and its
   pictures come from window.vqseg. One function with viewer_window.js, viewer_pointer.js and viewer_status.js, which follow it. */
const root = element.querySelector(".viewer");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const canvasOf = (name) => root.querySelector("[data-panel=" + name + "] canvas");
const notice = root.querySelector(".notice");
const scrubs = ["strength", "slice"].map((name) => [name, root.querySelector(".scrub[data-moves=" + name + "]")]);
const pictures = window.vqseg.pictures;
const LIT = [255, 92, 200];

let shown = null;           // what is on the canvases
let painting = 0;
let mirrored = false;
let described = null;       // the scan whose name is written

function follow(state) {
  // Until another scan's first picture is there the former one stays, with its own name and figures, and steps back.
  leave(Boolean(shown) && shown.request.token !== state.scan.token);
  text("lit").hidden = !state.lit.length;
  text("lit").textContent = state.lit.length + (state.lit.length === 1 ? " code lit ×" : " codes lit ×");
  moveScrubs(state);
  if (shown) repaint();
}

function receive(event) {
  if (event.error) say(event.error);
  if (event.progress) tellProgress(event.progress);
  else if (event.shown || event.error) root.querySelector(".busy").hidden = true;
  if (!event.shown) return;
  shown = event.shown;
  say("");
  repaint();
}

function repaint() {
  if (!painting) painting = requestAnimationFrame(paint);
}

function paint() {
  painting = 0;
  const { request, frame, image } = shown;
  const state = window.vqseg.state;
  // The pictures of another scan are on their way.
  if (state.scan.token !== request.token) return;
  if (described !== state.scan) describe((described = state.scan));
  leave(false);
  const view = state.scan.planes[request.plane];
  if (root.dataset.plane !== request.token + request.plane + state.convention) layOut(request, view, state);
  const input = windowed(shown, state), { grey, overlay } = pictures;
  pictures.paint(canvasOf("image"), view, (out) => grey(out, input));
  pictures.paint(canvasOf("labels"), view, (out) => {
    overlay(out, input, frame.labels, view, state);
    if (state.lit.length && frame.clean_codes) lightCells(out, frame.clean_codes, request.plane, view, state);
  });
  pictures.paint(canvasOf("reconstruction"), view, (out) => grey(out, frame.reconstruction));
  pictures.paint(canvasOf("difference"), view, (out) => grey(out, image.map((value, i) => Math.abs(value - frame.reconstruction[i]))));
  write(request, frame, view, state);
  root.dataset.painted = [request.plane, request.index, request.strength, request.mode, request.seed].join(" ");
  root.dataset.latency = (performance.now() - state.changed).toFixed(1);
}

/* Pixels whose token carries a lit code, over everything else. */
function lightCells(out, codes, plane, { shape: [rows, columns] }, { scan, lit }) {
  const wanted = new Set(lit), [h, w] = scan.grid_of_tokens;
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    const at = window.vqseg.frames.cellAt(scan, plane, row, column).at % (h * w), o = 4 * (row * columns + column);
    if (!Array.from({ length: scan.levels }, (_, level) => codes[level * h * w + at]).some((code) => wanted.has(code))) continue;
    LIT.forEach((value, i) => (out[o + i] = (out[o + i] + value) >> 1));
  }
}

function layOut(request, view, state) {
  root.dataset.plane = request.token + request.plane + state.convention;
  mirrored = pictures.shapeStages(root, view, request.plane, state);
  const wide = view.ratio > 1.6;
  root.toggleAttribute("data-wide", wide);
  if (wide) root.style.setProperty("--stage", Math.min(3, view.ratio));
  const [top, right, bottom, left] = view.letters;
  const letters = mirrored ? [top, left, bottom, right] : view.letters;
  for (const stage of root.querySelectorAll(".stage")) {
    stage.querySelectorAll("i").forEach((edge, i) => (edge.textContent = letters[i]));
  }
  window.vqseg.zoom.reset();
}

// When all the parts are there.
queueMicrotask(() => {
  text("lit").addEventListener("click", () => window.vqseg.light([]));
  for (const [name, { lastElementChild: range }] of scrubs) range.addEventListener("input", () => window.vqseg.setSlider(name, Number(range.value)));
  root.querySelector(".busy button").addEventListener("click", () => window.vqseg.setSlider("strength", 0));
  window.vqseg.subscribe(follow);
  window.vqseg.frames.subscribe(receive);
  window.vqseg.frames.connect((request) => server.frame(request));
});
