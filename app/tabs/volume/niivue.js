/* Planes and 3D by NiiVue, which is fetched from this app when first needed. */
const RGBA = 2304, COLOURS = "vqseg-scan";

/* {slow} of a browser with WebGL 2, else null. */
function graphicsOf() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return null;
  const debug = gl.getExtension("WEBGL_debug_renderer_info"), renderer = String(gl.getParameter(debug ? debug.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  // Drawn by the processor: three planes are quick, a 3D view takes its time.
  return { slow: /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer) };
}

function library(address) {
  if (window.niivue) return Promise.resolve(window.niivue);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.niivue);
    script.onerror = () => reject(new Error("The drawing library did not arrive."));
    document.head.append(script);
  });
}

/* An empty colour volume on the grid of a NIfTI file. */
function colourFile(volume) {
  const voxels = volume.voxels.length, file = new ArrayBuffer(HEADER_BYTES + 4 * voxels), header = new DataView(file);
  new Uint8Array(file).set(new Uint8Array(volume.file, 0, HEADER_BYTES));
  header.setInt16(70, RGBA, true);
  header.setInt16(72, 32, true);
  return file;
}

/* report.moved(voxel), report.scrolled(plane, slices), report.lost() */
async function niivueView(host, address, report) {
  const { Niivue, NVImage, SLICE_TYPE, DRAG_MODE } = await library(address);
  const KINDS = { axial: SLICE_TYPE.AXIAL, coronal: SLICE_TYPE.CORONAL, sagittal: SLICE_TYPE.SAGITTAL, render: SLICE_TYPE.RENDER };
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The volume in planes and in 3D");
  host.append(canvas);
  const nv = new Niivue({
    logLevel: "error", loadingText: "", dragAndDropEnabled: false, isNearestInterpolation: true, isForceMouseClickToVoxelCenters: true,
    show3Dcrosshair: true, crosshairColor: [1, 1, 1, 0.8], crosshairWidthUnit: "mm", fontColor: [1, 1, 1, 1],
    showAllOrientationMarkers: true, sagittalNoseLeft: true, isRadiologicalConvention: true, dragMode: DRAG_MODE.pan,
  });
  await nv.attachToCanvas(canvas, false);
  // The frame around it has the focus and the keys.
  canvas.removeAttribute("tabindex");
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    report.lost();
  });
  // Before NiiVue hears of them: a double click would set its own window, and the wheel turns slices here, except with Ctrl and in 3D.
  host.addEventListener("dblclick", (event) => {
    event.stopPropagation();
    reset();
  }, true);
  host.addEventListener("wheel", (event) => {
    const plane = tileAt(event);
    if (event.ctrlKey || !plane || plane === "render") return;
    event.preventDefault();
    event.stopPropagation();
    report.scrolled(plane, Math.sign(event.deltaY));
  }, { capture: true, passive: false });
  new ResizeObserver(() => volume && lay()).observe(host);
  let scan = null, overlay = null, volume = null, through = 0.3, place = null, layout = "planes", tiles = {};

  function lay() {
    tiles = tilesOf(layout, volume.about.acquired, host.clientWidth > host.clientHeight);
    nv.opts.crosshairWidth = 1.2 * millimetresPerPixel();
    nv.setCustomLayout(Object.entries(tiles).map(([kind, position]) => ({ sliceType: KINDS[kind], position })));
  }

  /* Of the smallest picture: a line thinner than its pixels would vanish there. */
  function millimetresPerPixel() {
    const { affine, shape, axes } = volume.about, extent = (plane) => shape[axes[plane]] * Math.hypot(...[0, 1, 2].map((row) => affine[row][axes[plane]]));
    // What runs across and down a picture is what the two other planes cut.
    const sides = { axial: ["sagittal", "coronal"], coronal: ["sagittal", "axial"], sagittal: ["coronal", "axial"] };
    const scales = Object.keys(sides).filter((plane) => tiles[plane]).map((plane) => {
      const [, , width, height] = tiles[plane], [across, down] = sides[plane];
      return Math.max(extent(across) / (width * canvas.width), extent(down) / (height * canvas.height));
    });
    return Number.isFinite(Math.max(...scales)) ? Math.max(...scales) : 1;
  }

  function tileAt(event) {
    const box = host.getBoundingClientRect(), [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return Object.keys(tiles).find((kind) => { const [left, top, width, height] = tiles[kind]; return x >= left && x < left + width && y >= top && y < top + height; });
  }

  function reset() {
    nv.setPan2Dxyzmm([0, 0, 0, 1]);
    nv.setRenderAzimuthElevation(110, 10);
    nv.setScale(1);
  }

  nv.onLocationChange = ({ mm }) => {
    if (!volume) return;
    const voxel = transformed(volume.about.inverse, Array.from(mm).slice(0, 3)).map((v, i) => Math.max(0, Math.min(volume.about.shape[i] - 1, Math.round(v))));
    if (!place || voxel.some((v, i) => v !== place[i])) report.moved(voxel);
  };

  /* How much of the scan hides the labels in 3D; the planes do not look at this channel. */
  function colourmap() {
    nv.addColormap(COLOURS, { R: [0, 255], G: [0, 255], B: [0, 255], A: [0, Math.round(128 * through ** 2)], I: [0, 255] });
  }

  function paintLabels(look) {
    const out = new Uint32Array(overlay.img.buffer, overlay.img.byteOffset, overlay.img.length / 4);
    if (!look.labels) return out.fill(0);
    const labels = look.outline ? outlineOf(look.labels, volume.shape, look.axis) : look.labels, alpha = Math.round(look.opacity * 255);
    // Little-endian: red is the lowest byte.
    const packed = look.scan.colours.map(([r, g, b], i) => (look.drawn[i] ? (((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0) : 0));
    for (let i = 0; i < out.length; i++) out[i] = packed[labels[i]];
  }

  return {
    name: "niivue",
    layouts: ["planes", "both", "render"],
    async load(next) {
      while (nv.volumes.length) nv.removeVolume(nv.volumes[0]);
      volume = null;
      colourmap();
      scan = await NVImage.loadFromUrl({ url: next.file, name: "scan.nii", colormap: COLOURS });
      overlay = await NVImage.loadFromUrl({ url: colourFile(next), name: "labels.nii" });
      nv.opts.isOrientationTextVisible = next.about.oriented;
      nv.addVolume(scan);
      nv.addVolume(overlay);
      volume = next;
      lay();
    },
    show(look) {
      [scan.cal_min, scan.cal_max] = look.window;
      nv.opts.isRadiologicalConvention = look.convention === "radiological";
      paintLabels(look);
      nv.updateGLVolume();
    },
    place(voxel) {
      place = voxel;
      const [now, next] = [nv.scene.crosshairPos, nv.mm2frac(transformed(volume.about.affine, voxel), 0, true)];
      // A click has put it there already, and a picture costs time.
      if (next.every((share, i) => Math.abs(share - now[i]) < 1e-5)) return;
      nv.scene.crosshairPos = next;
      nv.drawScene();
    },
    layout(name) {
      layout = name;
      if (volume) lay();
    },
    turn: (right, up) => nv.setRenderAzimuthElevation(nv.scene.renderAzimuth + 5 * right, nv.scene.renderElevation + 5 * up),
    seeThrough(share) {
      through = share;
      colourmap();
      if (volume) nv.updateGLVolume();
    },
    reset,
    nv,
  };
}
