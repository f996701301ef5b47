/* The pixels of a slice, the same in every view. Knows nothing of requests and frames. */

/** @typedef {import("./types").Look} Look */
/** @typedef {import("./types").Pixel} Pixel */
/** @typedef {import("./types").PlaneView} PlaneView */

/**
 * Give a canvas the size and the pixels of a displayed slice.
 * @param {HTMLCanvasElement} canvas
 * @param {Pick<PlaneView, "shape">} view
 * @param {(rgba: Uint8ClampedArray) => void} fill
 */
export function paint(canvas, view, fill) {
  const [rows, columns] = view.shape;
  const picture = new ImageData(columns, rows);
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  fill(picture.data);
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
}

/**
 * @param {Uint8ClampedArray} out RGBA
 * @param {ArrayLike<number>} values 0 to 255
 */
export function grey(out, values) {
  for (let i = 0, o = 0; i < values.length; i++, o += 4) {
    out[o] = out[o + 1] = out[o + 2] = values[i];
    out[o + 3] = 255;
  }
}

/**
 * A picture in grey, or in colour where it has three bytes a pixel.
 * @param {Uint8ClampedArray} out RGBA
 * @param {ArrayLike<number>} values 0 to 255
 */
export function coloured(out, values) {
  if (4 * values.length === out.length) return grey(out, values);
  for (let i = 0, o = 0; o < out.length; i += 3, o += 4) {
    for (let c = 0; c < 3; c++) out[o + c] = values[i + c];
    out[o + 3] = 255;
  }
}

/**
 * Whether a labelled pixel has another label above, below, left or right. Beyond the edge everything is background.
 * @param {ArrayLike<number>} labels
 * @param {[number, number]} shape
 * @returns {(at: number) => boolean}
 */
export function outlineOf(labels, [rows, columns]) {
  return (at) => {
    const row = Math.floor(at / columns);
    const column = at % columns;
    const label = labels[at];
    if (row === 0 || row === rows - 1 || column === 0 || column === columns - 1) return true;
    const besides = labels[at - 1] !== label || labels[at + 1] !== label;
    return besides || labels[at - columns] !== label || labels[at + columns] !== label;
  };
}

/**
 * Class colours over a picture, in grey or with three bytes a pixel. The arithmetic is that of app/scan/render.py, so
 * both give the same bytes.
 * @param {Uint8ClampedArray} out RGBA
 * @param {ArrayLike<number>} image 0 to 255
 * @param {ArrayLike<number>} labels
 * @param {Pick<PlaneView, "shape">} view
 * @param {Look} look
 */
export function overlay(out, image, labels, view, look) {
  coloured(out, image);
  if (!look.shown) return;
  const weight = Math.round(look.opacity * 256);
  const drawn = look.scan.classes.map((name, i) => i > 0 && look.visible.includes(name));
  const isEdge = look.outline ? outlineOf(labels, view.shape) : () => true;
  for (let i = 0; i < labels.length; i++) {
    if (!drawn[labels[i]] || !isEdge(i)) continue;
    const colour = look.scan.colours[labels[i]];
    for (let c = 0; c < 3; c++) {
      out[4 * i + c] = Math.min(255, (out[4 * i + c] * (256 - weight) + colour[c] * weight + 128) >> 8);
    }
  }
}

/**
 * Sets the shape of the stages that hold a slice: --ratio of the picture, --stage of its frame, --mirror of its sides.
 * @param {HTMLElement} root
 * @param {Pick<PlaneView, "ratio">} view
 * @param {string} plane
 * @param {{convention: string}} state
 * @returns {boolean} whether left and right are exchanged
 */
export function shapeStages(root, view, plane, state) {
  // A sagittal picture does not show left and right.
  const mirrored = state.convention === "neurological" && plane !== "sagittal";
  root.style.setProperty("--ratio", String(view.ratio));
  root.style.setProperty("--stage", String(Math.min(1.5, Math.max(0.8, view.ratio))));
  root.style.setProperty("--mirror", mirrored ? "-1" : "1");
  return mirrored;
}

/**
 * The displayed pixel under a pointer, null outside the picture.
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} event
 * @param {Pick<PlaneView, "shape">} view
 * @param {boolean} mirrored
 * @returns {Pixel | null}
 */
export function pixelAt(canvas, event, view, mirrored) {
  const box = canvas.getBoundingClientRect();
  const [rows, columns] = view.shape;
  const across = (event.clientX - box.left) / box.width;
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor((mirrored ? 1 - across : across) * columns);
  const isInside = row >= 0 && row < rows && column >= 0 && column < columns;
  return isInside ? { row, column, at: row * columns + column } : null;
}
