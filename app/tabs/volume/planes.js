/* Three planes on plain canvases, for browsers without WebGL 2. report.moved(voxel), report.scrolled(plane, slices) */
function planesView(host, report) {
  const PLANES = ["axial", "coronal", "sagittal"];
  const root = document.createElement("div");
  root.className = "planes";
  const parts = {};
  let scan = null, look = null, voxel = null, pressed = null;

  for (const plane of PLANES) {
    const figure = document.createElement("figure"), picture = document.createElement("div"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    figure.dataset.plane = plane;
    picture.className = "picture";
    caption.textContent = plane[0].toUpperCase() + plane.slice(1);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", caption.textContent + " plane through the crosshair");
    picture.append(canvas, caption, ...Array.from({ length: 4 }, () => document.createElement("i")));
    figure.append(picture);
    root.append(figure);
    parts[plane] = { figure, picture, canvas };
    picture.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pressed = plane;
      picture.setPointerCapture(event.pointerId);
      point(plane, event);
    });
    picture.addEventListener("pointermove", (event) => { if (pressed === plane) point(plane, event); });
    for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => (pressed = null));
    figure.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (voxel) report.scrolled(plane, Math.sign(event.deltaY));
    }, { passive: false });
  }
  host.append(root);
  new ResizeObserver(lay).observe(host);

  function lay() {
    if (!scan) return;
    const tiles = tilesOf("planes", scan.about.acquired, host.clientWidth > host.clientHeight);
    for (const plane of PLANES) ["left", "top", "width", "height"].forEach((side, i) => (parts[plane].figure.style[side] = 100 * tiles[plane][i] + "%"));
  }

  /* How a plane's picture lies in the thinned array: its axes along rows and columns, their lengths and directions. */
  function layOf(plane) {
    const view = look.planes[plane], [a, b] = [0, 1, 2].filter((axis) => axis !== scan.about.axes[plane]);
    const [along, across] = view.transpose ? [b, a] : [a, b];
    return { axis: scan.about.axes[plane], along, across, rows: scan.shape[along], columns: scan.shape[across], flip: view.flip };
  }

  const thinned = (axis) => Math.max(0, Math.min(scan.shape[axis] - 1, Math.round((voxel[axis] - scan.about.offsets[axis]) / scan.about.steps[axis])));
  const whole = (axis, place) => Math.max(0, Math.min(scan.about.shape[axis] - 1, place * scan.about.steps[axis] + scan.about.offsets[axis]));

  function point(plane, event) {
    const box = parts[plane].picture.getBoundingClientRect(), { along, across, rows, columns, flip } = layOf(plane);
    const share = (event.clientX - box.left) / box.width, mirrored = mirror(plane) < 0;
    const bounded = (value, count) => Math.max(0, Math.min(count - 1, Math.floor(value * count)));
    const row = bounded((event.clientY - box.top) / box.height, rows), column = bounded(mirrored ? 1 - share : share, columns);
    const moved = voxel.slice();
    moved[along] = whole(along, flip[0] ? rows - 1 - row : row);
    moved[across] = whole(across, flip[1] ? columns - 1 - column : column);
    report.moved(moved);
  }

  const mirror = (plane) => (look.convention === "neurological" && plane !== "sagittal" ? -1 : 1);

  function paint() {
    if (scan && look && voxel) PLANES.forEach(paintPlane);
  }

  function paintPlane(plane) {
    const { canvas, figure, picture } = parts[plane], { axis, along, across, rows, columns, flip } = layOf(plane);
    const strides = [1, scan.shape[0], scan.shape[0] * scan.shape[1]], first = thinned(axis) * strides[axis], [black, white] = look.window;
    const grey = new Uint8ClampedArray(rows * columns), labels = new Uint8Array(rows * columns);
    for (let row = 0, i = 0; row < rows; row++) for (let column = 0; column < columns; column++, i++) {
      const at = first + (flip[0] ? rows - 1 - row : row) * strides[along] + (flip[1] ? columns - 1 - column : column) * strides[across];
      grey[i] = ((scan.voxels[at] - black) / (white - black)) * 255;
      if (look.labels) labels[i] = look.labels[at];
    }
    const view = { shape: [rows, columns] };
    window.vqseg.pictures.paint(canvas, view, (out) => window.vqseg.pictures.overlay(out, grey, labels, view, look));
    figure.style.setProperty("--ratio", look.planes[plane].ratio);
    figure.style.setProperty("--mirror", mirror(plane));
    const row = flip[0] ? rows - 1 - thinned(along) : thinned(along), column = flip[1] ? columns - 1 - thinned(across) : thinned(across);
    picture.style.setProperty("--cy", (100 * (row + 0.5)) / rows + "%");
    picture.style.setProperty("--cx", (100 * ((mirror(plane) < 0 ? columns - 1 - column : column) + 0.5)) / columns + "%");
    const [top, right, bottom, left] = look.planes[plane].letters;
    const letters = mirror(plane) < 0 ? [top, left, bottom, right] : [top, right, bottom, left];
    figure.querySelectorAll("i").forEach((letter, i) => (letter.textContent = letters[i]));
  }

  return {
    name: "planes",
    layouts: ["planes"],
    async load(volume) {
      scan = volume;
      lay();
    },
    show(next) { look = next; paint(); },
    place(next) { voxel = next; paint(); },
    layout() {},
    turn() {},
    seeThrough() {},
    reset() {},
  };
}
