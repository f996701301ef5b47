/* Window and level: which values of the file are black and white. Part of the view, see viewer.js. */
let dragged = null;   // a window set by hand: [black, white], until another is chosen
let chosen = null;    // the scan and the window that the sidebar named last

/* [black, white] in the file's values; null for the window that the network reads. */
function bounds(shown, state) {
  if (dragged) return dragged;
  if (state.range === "network") return null;
  if (state.range === "percentiles") {
    const sorted = shown.values.slice().sort();
    return [sorted[Math.floor(0.01 * (sorted.length - 1))], sorted[Math.ceil(0.99 * (sorted.length - 1))]];
  }
  const [centre, width] = window.vqseg.pictures.windows[state.range];
  return [centre - width / 2, centre + width / 2];
}

/* Where a drag starts from: the present window, or all the slice's values. */
const windowToDrag = () => bounds(shown, window.vqseg.state) ?? shown.values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);

/* The window after a drag by x pixels (width) and y pixels (centre). */
function dragWindow([black, white], x, y) {
  const width = Math.max(1e-3, white - black), unit = width / 200;
  const centre = (black + white) / 2 + y * unit, half = Math.max(width / 100, width + x * unit) / 2;
  dragged = [centre - half, centre + half];
}

/* The input's bytes. The other pictures are the network's work and keep its own window. */
function windowed(shown, state) {
  const choice = shown.request.token + " " + state.range;
  if (choice !== chosen) {
    chosen = choice;
    dragged = null;
  }
  const range = bounds(shown, state);
  root.dataset.window = range ? range.map((v) => Math.round(v)).join(" ") : "network";
  text("window").textContent = range ? "W " + Math.round(range[1] - range[0]) + " L " + Math.round((range[0] + range[1]) / 2) : "";
  if (!range) return shown.image;
  const [black, white] = range, scale = 255 / Math.max(white - black, 1e-6);
  return Uint8ClampedArray.from(shown.values, (value) => (value - black) * scale);
}
