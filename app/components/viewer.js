/* Input | segmentation | reconstruction | difference of one slice, drawn pixel by pixel on canvases. What is shown and its
   pictures come from window.vqseg. */
const root = element.querySelector(".viewer");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const panel = (name) => root.querySelector("[data-panel=" + name + "]");
const notice = root.querySelector(".notice");
const scrub = root.querySelector(".scrub input");

let shown = null;           // what is on the canvases
let painting = 0;
let mirrored = false;
let dragged = null;         // a window set by hand: [black, white], until another is chosen
let chosen = null;          // the window that the sidebar named last

function follow(state) {
  if (text("name").textContent !== state.scan.name) describe(state.scan);
  scrub.value = state.strength;
  root.querySelector(".scrub output").textContent = state.strength.toFixed(2);
  if (shown) repaint();
}

function receive(event) {
  if (event.error) say(event.error);
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
  const view = state.scan.planes[request.plane];
  if (root.dataset.plane !== request.token + request.plane + state.convention) layOut(request, view, state);
  const input = windowed(shown, state);
  draw("image", view, (out) => grey(out, input));
  draw("labels", view, (out) => overlay(out, input, frame.labels, view, state));
  draw("reconstruction", view, (out) => grey(out, frame.reconstruction));
  draw("difference", view, (out) => grey(out, image.map((value, i) => Math.abs(value - frame.reconstruction[i]))));
  write(request, frame, view, state);
  root.dataset.painted = [request.plane, request.index, request.strength, request.mode, request.seed].join(" ");
  root.dataset.latency = (performance.now() - state.changed).toFixed(1);
}

function write(request, frame, view, state) {
  text("replaced").textContent = (100 * frame.replaced_share).toFixed(1) + " %";
  text("dice").textContent = frame.dice_vs_clean.toFixed(3);
  text("psnr").textContent = frame.psnr.toFixed(1) + " dB";
  text("milliseconds").textContent = Math.round(frame.milliseconds) + " ms";
  text("grid").textContent = state.scan.grid + " · " + request.plane + " slice " + request.index + " (0–" + (view.count - 1) + ")";
  root.querySelector(".truth").hidden = !frame.truth;
  text("truth").replaceChildren(...(frame.truth ?? []).map((dice, i) => score(state.scan, i + 1, dice)));
}

/* One structure's Dice, led by its colour and name. */
function score(scan, label, dice) {
  const item = document.createElement("span"), name = document.createElement("small");
  name.textContent = scan.classes[label];
  name.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
  item.append(name, dice === null ? "–" : dice.toFixed(2));
  if (dice === null) item.title = "in neither picture";
  return item;
}

function draw(name, view, fill) {
  const canvas = panel(name).querySelector("canvas");
  const [rows, columns] = view.shape;
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const picture = new ImageData(columns, rows);
  fill(picture.data);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function grey(out, values) {
  for (let i = 0, o = 0; i < values.length; i++, o += 4) {
    out[o] = out[o + 1] = out[o + 2] = values[i];
    out[o + 3] = 255;
  }
}

/* The arithmetic of app/render.py: both give the same bytes. */
function overlay(out, image, labels, view, state) {
  grey(out, image);
  if (!state.shown) return;
  const [rows, columns] = view.shape;
  const weight = Math.round(state.opacity * 256);
  const drawn = state.scan.classes.map((name, i) => i > 0 && state.visible.includes(name));
  const other = (i, inside, step) => !inside || labels[i + step] !== labels[i];
  for (let i = 0; i < labels.length; i++) {
    if (!drawn[labels[i]]) continue;
    if (state.outline) {
      const row = Math.floor(i / columns), column = i % columns;
      if (!(other(i, row > 0, -columns) || other(i, row < rows - 1, columns) || other(i, column > 0, -1) || other(i, column < columns - 1, 1))) continue;
    }
    const colour = state.scan.colours[labels[i]];
    for (let c = 0; c < 3; c++) out[4 * i + c] = Math.min(255, (image[i] * (256 - weight) + colour[c] * weight + 128) >> 8);
  }
}

function layOut(request, view, state) {
  root.dataset.plane = request.token + request.plane + state.convention;
  root.style.setProperty("--ratio", view.ratio);
  root.style.setProperty("--stage", Math.min(1.5, Math.max(0.8, view.ratio)));
  // Sagittal pictures show no left and right.
  mirrored = state.convention === "neurological" && request.plane !== "sagittal";
  root.style.setProperty("--mirror", mirrored ? -1 : 1);
  const [top, right, bottom, left] = view.letters;
  const letters = mirrored ? [top, left, bottom, right] : view.letters;
  for (const stage of root.querySelectorAll(".stage")) {
    stage.querySelectorAll("i").forEach((edge, i) => (edge.textContent = letters[i]));
  }
  unzoom();
}

function describe(scan) {
  text("name").textContent = scan.name;
  text("name").title = scan.name;
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}

/* --- window and level: which values of the file are black and white --- */
const CENTRE_AND_WIDTH = { lung: [-600, 1500], soft: [40, 400], bone: [400, 1800] };

function bounds(shown, state) {
  if (dragged) return dragged;
  if (state.range === "network") return null;
  if (state.range === "percentiles") {
    const sorted = shown.values.slice().sort();
    return [sorted[Math.floor(0.01 * (sorted.length - 1))], sorted[Math.ceil(0.99 * (sorted.length - 1))]];
  }
  const [centre, width] = CENTRE_AND_WIDTH[state.range];
  return [centre - width / 2, centre + width / 2];
}

/* The input's bytes. The other pictures are the network's work and keep its own window. */
function windowed(shown, state) {
  if (state.range !== chosen) {
    chosen = state.range;
    dragged = null;
  }
  const range = bounds(shown, state);
  root.dataset.window = range ? range.map((v) => Math.round(v)).join(" ") : "network";
  if (!range) return shown.image;
  const [black, white] = range, scale = 255 / Math.max(white - black, 1e-6);
  return Uint8ClampedArray.from(shown.values, (value) => (value - black) * scale);
}

/* --- zoom, pan and the crosshair, the same in all four --- */
const at = { zoom: 1, x: 0, y: 0 };
let pressed = null;

function place(stage) {
  const most = (at.zoom - 1) / 2;
  at.x = Math.max(-most * stage.clientWidth, Math.min(most * stage.clientWidth, at.x));
  at.y = Math.max(-most * stage.clientHeight, Math.min(most * stage.clientHeight, at.y));
  root.style.setProperty("--zoom", at.zoom);
  root.style.setProperty("--x", at.x + "px");
  root.style.setProperty("--y", at.y + "px");
  root.toggleAttribute("data-zoomed", at.zoom > 1);
}

function unzoom() {
  Object.assign(at, { zoom: 1, x: 0, y: 0 });
  place(root.querySelector(".stage"));
}

function pixelAt(stage, event) {
  const view = shown && window.vqseg.state.scan.planes[shown.request.plane];
  if (!view) return null;
  const box = stage.querySelector("canvas").getBoundingClientRect(), [rows, columns] = view.shape;
  const across = (event.clientX - box.left) / box.width;
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows), column = Math.floor((mirrored ? 1 - across : across) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column, columns } : null;
}

function point(stage, event) {
  const pixel = pixelAt(stage, event), box = stage.getBoundingClientRect();
  root.toggleAttribute("data-pointed", Boolean(pixel));
  if (!pixel) return;
  root.style.setProperty("--cx", event.clientX - box.left + "px");
  root.style.setProperty("--cy", event.clientY - box.top + "px");
  const { request, frame, values } = shown, scan = window.vqseg.state.scan;
  const i = pixel.row * pixel.columns + pixel.column, cell = window.vqseg.frames.cellAt(scan, request.plane, pixel.row, pixel.column);
  const parts = ["row " + pixel.row + ", column " + pixel.column, "value " + Number(values[i].toPrecision(5)), scan.classes[frame.labels[i]]];
  if (cell && frame.codes) {
    const [before, after] = [frame.clean_codes[cell.at], frame.codes[cell.at]];
    parts.push("token " + cell.row + ", " + cell.column + ": code " + before + (before === after ? "" : " → " + after));
  }
  text("readout").textContent = parts.join(" · ");
}

function drag(stage, event) {
  const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
  if (pressed.range) {
    const [black, white] = pressed.range, width = Math.max(1e-3, white - black), unit = width / 200;
    const centre = (black + white) / 2 + y * unit, half = Math.max(width / 100, width + x * unit) / 2;
    dragged = [centre - half, centre + half];
    repaint();
  } else if (at.zoom > 1) {
    Object.assign(at, { x: pressed.atX + x, y: pressed.atY + y });
    place(stage);
  }
}

function press(stage, event) {
  if (!shown || event.button) return;
  const extent = () => shown.values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const range = event.shiftKey ? bounds(shown, window.vqseg.state) ?? extent() : null;
  pressed = { x: event.clientX, y: event.clientY, atX: at.x, atY: at.y, range };
  stage.setPointerCapture(event.pointerId);
  point(stage, event);
}

function zoomAt(stage, event) {
  if (!shown) return;
  event.preventDefault();
  const box = stage.getBoundingClientRect(), zoom = Math.min(12, Math.max(1, at.zoom * Math.exp(-event.deltaY / 400)));
  const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  // What is under the cursor stays there.
  Object.assign(at, { x: x - ((x - at.x) * zoom) / at.zoom, y: y - ((y - at.y) * zoom) / at.zoom, zoom });
  place(stage);
  point(stage, event);
}

for (const stage of root.querySelectorAll(".stage")) {
  stage.addEventListener("wheel", (event) => zoomAt(stage, event), { passive: false });
  stage.addEventListener("pointerdown", (event) => press(stage, event));
  stage.addEventListener("pointermove", (event) => {
    if (pressed) drag(stage, event);
    if (shown) point(stage, event);
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => (pressed = null));
  stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
  stage.addEventListener("dblclick", unzoom);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#reset")) return;
  dragged = null;
  unzoom();
  if (shown) repaint();
});
scrub.addEventListener("input", () => window.vqseg.setSlider("strength", Number(scrub.value)));
window.vqseg.subscribe(follow);
window.vqseg.frames.subscribe(receive);
window.vqseg.frames.connect((request) => server.frame(request));
