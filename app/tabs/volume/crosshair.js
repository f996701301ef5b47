/* The crosshair: moved by clicks, keys and the slider of the other tabs, which it moves in turn. Part of the tab, see volume.js. */
const ECHO = 1000;          // milliseconds within which a slider that was sent somewhere arrives

let crosshair = null;       // voxel of the scan
let sent = null;            // {plane, index, until}: where the slider was sent to and has not arrived
let sending = 0;

function moved(voxel) {
  setCrosshair(voxel);
  const { plane, index } = stateOf(), place = crosshair[scan.about.axes[plane]];
  if (place === (sent?.index ?? index)) return;
  sent = { plane, index: place, until: performance.now() + ECHO };
  // A drag passes many voxels between two pictures: the slider gets the last of them.
  if (!sending) sending = requestAnimationFrame(() => {
    sending = 0;
    if (sent) window.vqseg.setSlider("slice", sent.index);
  });
}

function scrolled(plane, slices) {
  const axis = scan.about.axes[plane];
  moved(crosshair.map((v, i) => (i === axis ? bounded(v + slices * scan.about.steps[i], i) : v)));
}

const bounded = (v, axis) => Math.max(0, Math.min(scan.about.shape[axis] - 1, v));

/* The slider was moved elsewhere. Where it was sent to from here it arrives later, and passes others on its way. */
function syncCrosshair({ plane, index }) {
  const arriving = sent?.plane === plane && performance.now() < sent.until;
  if (arriving && index !== sent.index) return;
  sent = null;
  setCrosshair(crosshair.map((v, axis) => (axis === scan.about.axes[plane] ? index : v)));
}

function setCrosshair(voxel) {
  if (voxel.every((v, i) => v === crosshair[i])) return;
  crosshair = voxel;
  moveView();
}

function moveView() {
  view.place(crosshair);
  root.dataset.crosshair = crosshair.join(" ");
  text("readout").textContent = readoutOf(stateOf(), scan, volumes, crosshair);
}

const ALONG = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, THROUGH = { PageUp: 1, PageDown: -1 };

/* Arrows as the chosen plane's picture has its directions; with the 3D view alone they turn it. */
function press(event) {
  const along = ALONG[event.key], through = THROUGH[event.key];
  if ((!along && !through) || event.ctrlKey || event.metaKey || event.altKey || !scan) return;
  event.preventDefault();
  if (along && chosen("layout") === "render") return view.turn(along[0], -along[1]);
  const { plane, scan: shown, convention } = stateOf(), lay = shown.planes[plane], axis = scan.about.axes[plane];
  const [a, b] = [0, 1, 2].filter((one) => one !== axis), [rows, columns] = lay.transpose ? [b, a] : [a, b], step = [0, 0, 0];
  const mirrored = convention === "neurological" && plane !== "sagittal";
  if (through) step[axis] = through;
  else {
    step[columns] = along[0] * (lay.flip[1] !== mirrored ? -1 : 1);
    step[rows] = along[1] * (lay.flip[0] ? -1 : 1);
  }
  const size = event.shiftKey ? 5 : 1;
  moved(crosshair.map((v, i) => bounded(v + size * scan.about.steps[i] * step[i], i)));
}
