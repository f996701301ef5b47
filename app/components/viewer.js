/* Input | segmentation | reconstruction of one slice, drawn pixel by pixel on canvases, driven by window.vqseg.
   One request is under way at a time; while it is, only the newest wish is kept, so the last value of a drag always wins. */
const root = element.querySelector(".viewer");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const panel = (name) => root.querySelector("[data-panel=" + name + "]");
const notice = root.querySelector(".notice");
const scrub = root.querySelector(".scrub input");

const KEPT_PIXELS = 2 ** 25;  // of each of the two:
const inputs = new Map();   // pictures of the input by slice
const frames = new Map();   // answers by slice and settings
let wanted = null;          // the newest request that was not sent
let busy = false;
let sequence = 0;           // of the newest request wished for
let present = null;         // what is on the canvases
let painting = 0;

const sliceKey = (s) => [s.token, s.plane, s.index].join(" ");
const frameKey = (s) => [sliceKey(s), s.strength, s.mode, s.seed].join(" ");

function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  const most = Math.max(2, Math.min(64, Math.floor(KEPT_PIXELS / value.length)));
  while (map.size > most) map.delete(map.keys().next().value);
}

async function inflate(packed) {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function follow(state) {
  const { scan, plane, index, strength, mode, seed } = state;
  if (present?.state.scan.token !== scan.token) describe(scan);
  scrub.value = strength;
  root.querySelector(".scrub output").textContent = strength.toFixed(2);
  const request = { token: scan.token, plane, index, strength, mode, seed, sequence: ++sequence };
  const frame = frames.get(frameKey(request));
  if (frame && inputs.has(sliceKey(request))) {
    wanted = null;
    show(request, state, frame);
  } else {
    wanted = { request, state };
    pump();
  }
}

async function pump() {
  if (busy) return;
  busy = true;
  try {
    while (wanted) {
      const { request, state } = wanted;
      wanted = null;
      await fetchFrame(request, state);
    }
  } finally {
    busy = false;
  }
}

async function fetchFrame(request, state) {
  const key = sliceKey(request);
  // The server's functions answer undefined when the connection or the server failed.
  const answer = await server.frame({ ...request, with_image: !inputs.has(key) });
  if (!answer || answer.error) {
    if (request.sequence === sequence) say(answer?.error ?? "The server did not answer. Move the slider to try again.");
    return;
  }
  const [labels, reconstruction, image] = await Promise.all([answer.labels, answer.reconstruction, answer.image].map((p) => p && inflate(p)));
  if (image) remember(inputs, key, image);
  const frame = { ...answer, labels, reconstruction, length: labels.length };
  remember(frames, frameKey(request), frame);
  // While a drag goes on its answers are shown as they come, but never those of a slice that was left.
  const newest = window.vqseg.state;
  if (sliceKey(request) === sliceKey({ ...newest, token: newest.scan.token }) && request.sequence >= (present?.request.sequence ?? 0)) show(request, state, frame);
}

function show(request, state, frame) {
  present = { request, state, frame };
  say("");
  if (!painting) painting = requestAnimationFrame(paint);
}

function paint() {
  painting = 0;
  const { request, frame } = present;
  const state = window.vqseg.state;
  const image = inputs.get(sliceKey(request));
  if (!image) return;
  const view = state.scan.planes[request.plane];
  if (root.dataset.plane !== request.token + request.plane) layOut(request, view);
  draw("image", view, (out) => grey(out, image));
  draw("labels", view, (out) => overlay(out, image, frame.labels, view, state));
  draw("reconstruction", view, (out) => grey(out, frame.reconstruction));
  text("replaced").textContent = (100 * frame.replaced_share).toFixed(1) + " %";
  text("dice").textContent = frame.dice_vs_clean.toFixed(3);
  text("psnr").textContent = frame.psnr.toFixed(1) + " dB";
  text("milliseconds").textContent = Math.round(frame.milliseconds) + " ms";
  text("grid").textContent = state.scan.grid + " · " + request.plane + " slice " + request.index + " (0–" + (view.count - 1) + ")";
  root.dataset.painted = [request.plane, request.index, request.strength, request.mode, request.seed].join(" ");
  root.dataset.latency = (performance.now() - state.changed).toFixed(1);
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
