/* Pixels, drawn alike by every view of a slice. Loaded in the page's head after store.js. Knows nothing of requests and frames. */
(() => {
  /* Give a canvas the size of a displayed slice and its pixels: fill gets the RGBA bytes. */
  function paint(canvas, view, fill) {
    const [rows, columns] = view.shape, picture = new ImageData(columns, rows);
    if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
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

  /* The shape of the stages that hold a slice: properties --ratio of the picture, --stage of its frame, --mirror of its sides. */
  function shapeStages(root, view, plane, state) {
    // Sagittal pictures show no left and right.
    const mirrored = state.convention === "neurological" && plane !== "sagittal";
    root.style.setProperty("--ratio", view.ratio);
    root.style.setProperty("--stage", Math.min(1.5, Math.max(0.8, view.ratio)));
    root.style.setProperty("--mirror", mirrored ? -1 : 1);
    return mirrored;
  }

  /* The displayed pixel under a pointer, null beside the picture. */
  function pixelAt(canvas, event, view, mirrored) {
    const box = canvas.getBoundingClientRect(), [rows, columns] = view.shape;
    const across = (event.clientX - box.left) / box.width;
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows), column = Math.floor((mirrored ? 1 - across : across) * columns);
    return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column, at: row * columns + column } : null;
  }

  /* Centre and width in Hounsfield units of the windows that the sidebar names for CT. */
  const windows = { lung: [-600, 1500], soft: [40, 400], bone: [400, 1800] };

  window.vqseg.pictures = { paint, grey, overlay, shapeStages, pixelAt, windows };
})();
