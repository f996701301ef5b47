/* Input | segmentation | reconstruction | difference of one slice, drawn pixel by pixel on canvases. What is shown and its
   pictures come from window.vqseg. */
const root = element.querySelector(".viewer");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const panel = (name) => root.querySelector("[data-panel=" + name + "]");
const notice = root.querySelector(".notice");
const scrub = root.querySelector(".scrub input");

let shown = null;           // what is on the canvases
let painting = 0;

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
  if (root.dataset.plane !== request.token + request.plane) layOut(request, view);
  draw("image", view, (out) => grey(out, image));
  draw("labels", view, (out) => overlay(out, image, frame.labels, view, state));
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

function layOut(request, view) {
  root.dataset.plane = request.token + request.plane;
  root.style.setProperty("--ratio", view.ratio);
  root.style.setProperty("--stage", Math.min(1.5, Math.max(0.8, view.ratio)));
  for (const stage of root.querySelectorAll(".stage")) {
    stage.querySelectorAll("i").forEach((edge, i) => (edge.textContent = view.letters[i]));
  }
}

function describe(scan) {
  text("name").textContent = scan.name;
  text("name").title = scan.name;
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}

scrub.addEventListener("input", () => window.vqseg.setSlider("strength", Number(scrub.value)));
window.vqseg.subscribe(follow);
window.vqseg.frames.subscribe(receive);
window.vqseg.frames.connect((request) => server.frame(request));
