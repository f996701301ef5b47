/* Planes and 3D drawn by NiiVue. The library comes from this app and is fetched when first needed. */
import { make } from "../../web/dom.js";
import { outlineOf, transformed, within } from "./grid.js";
import { packedColours } from "./look.js";
import { colourFile } from "./source.js";
import { millimetresPerPixel, tileAt, tilesOf } from "./tiles.js";

/** @typedef {import("./types").Drawn} Drawn */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").ScanVolume} ScanVolume */
/** @typedef {import("./types").Voxel} Voxel */

const COLOURS = "vqseg-scan";
const THROUGH = 0.3;
const START = { azimuth: 110, elevation: 10, turn: 5 };
/** @typedef {[pan: number[], azimuth: number, elevation: number, scale: number]} From where the volume is looked at from */
/** @type {From} */
const FRONT = [[0, 0, 0, 1], START.azimuth, START.elevation, 1];
const LINE = 1.2; // width of the crosshair in pixels of the smallest picture
const SAME_PLACE = 1e-5; // as a share of the volume
const OPTIONS = {
  logLevel: "error",
  loadingText: "",
  dragAndDropEnabled: false,
  isNearestInterpolation: true,
  isForceMouseClickToVoxelCenters: true,
  show3Dcrosshair: true,
  crosshairColor: [1, 1, 1, 0.8],
  crosshairWidthUnit: "mm",
  fontColor: [1, 1, 1, 1],
  showAllOrientationMarkers: true,
  sagittalNoseLeft: true,
  isRadiologicalConvention: true,
};

/** {slow} if the browser has WebGL 2, else null. */
export function graphicsOf() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return null;
  const debug = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(debug ? debug.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  // slow: the processor draws. Three planes are quick then, but a 3D view is slow.
  return { slow: /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer) };
}

/** @param {URL} address @returns {Promise<any>} */
function library(address) {
  const page = /** @type {any} */ (window);
  if (page.niivue) return Promise.resolve(page.niivue);
  return new Promise((resolve, reject) => {
    const script = make("script", { src: address.href });
    script.onload = () => resolve(page.niivue);
    script.onerror = () => reject(new Error("The browser could not load the drawing library"));
    document.head.append(script);
  });
}

/**
 * @param {HTMLElement} host
 * @param {URL} address of the library
 * @param {Report} report
 * @returns {Promise<import("./types").VolumeView>}
 */
export async function createNiivue(host, address, report) {
  const { Niivue, NVImage, SLICE_TYPE, DRAG_MODE } = await library(address);
  const canvas = make("canvas", { role: "img", ariaLabel: "The volume in planes and in 3D" });
  host.append(canvas);
  const nv = new Niivue({ ...OPTIONS, dragMode: DRAG_MODE.pan });
  await nv.attachToCanvas(canvas, false);
  // The frame around the canvas takes the focus and the keys.
  canvas.removeAttribute("tabindex");
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    report.lost();
  });
  return drawingWith({ nv, canvas, host, report, NVImage, kinds: kindsOf(SLICE_TYPE) });
}

/** NiiVue's number of each tile's kind. @param {Record<string, number>} types @returns {Record<string, number>} */
function kindsOf(types) {
  return { axial: types.AXIAL, coronal: types.CORONAL, sagittal: types.SAGITTAL, render: types.RENDER };
}

/**
 * @param {{nv: any, canvas: HTMLCanvasElement, host: HTMLElement, report: Report, NVImage: any, kinds: Record<string, number>}} context
 * @returns {import("./types").VolumeView}
 */
function drawingWith({ nv, canvas, host, report, NVImage, kinds }) {
  /** @type {ScanVolume | null} */
  let volume = null;
  /** @type {Voxel | null} */
  let place = null;
  /** @type {import("./types").Layout} */
  let layout = "planes";
  /** @type {import("./types").Tiles} */
  let tiles = {};
  let [scan, overlay, through] = /** @type {[any, any, number]} */ ([null, null, THROUGH]);

  function lay() {
    if (!volume) return;
    tiles = tilesOf(layout, volume.about.acquired, host.clientWidth > host.clientHeight);
    nv.opts.crosshairWidth = LINE * millimetresPerPixel(tiles, volume.about, canvas);
    nv.setCustomLayout(Object.entries(tiles).map(([kind, position]) => ({ sliceType: kinds[kind], position })));
  }

  /** Sets how much the scan hides the labels in 3D. The planes ignore this channel. */
  function colourmap() {
    const full = [0, 255];
    nv.addColormap(COLOURS, { R: full, G: full, B: full, A: [0, Math.round(128 * through ** 2)], I: full });
  }

  /** @param {ScanVolume} next */
  async function load(next) {
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
  }

  /** @param {Drawn} look */
  function show(look) {
    if (!volume) return;
    [scan.cal_min, scan.cal_max] = look.window;
    nv.opts.isRadiologicalConvention = look.convention === "radiological";
    colourVoxels(overlay.img, look, volume.shape);
    nv.updateGLVolume();
  }

  /** @param {Voxel} voxel */
  function putCrosshair(voxel) {
    if (!volume) return;
    place = voxel;
    const [now, next] = [nv.scene.crosshairPos, nv.mm2frac(transformed(volume.about.affine, voxel), 0, true)];
    // After a click NiiVue is there already, and drawing again costs time.
    const isThere = next.every((/** @type {number} */ share, /** @type {number} */ i) => {
      return Math.abs(share - now[i]) < SAME_PLACE;
    });
    if (isThere) return;
    nv.scene.crosshairPos = next;
    nv.drawScene();
  }

  /** Returns what brings back where it was looked at from; nothing if it has not moved. */
  function reset() {
    const { pan2Dxyzmm, renderAzimuth, renderElevation, volScaleMultiplier } = nv.scene;
    /** @type {From} */
    const former = [[...pan2Dxyzmm], renderAzimuth, renderElevation, volScaleMultiplier];
    lookFrom(...FRONT);
    return String(former) === String(FRONT) ? undefined : () => lookFrom(...former);
  }

  /** @param {From} from */
  function lookFrom(...[pan, azimuth, elevation, scale]) {
    nv.setPan2Dxyzmm(pan);
    nv.setRenderAzimuthElevation(azimuth, elevation);
    nv.setScale(scale);
  }

  nv.onLocationChange = (/** @type {{mm: Float32Array}} */ { mm }) => {
    if (!volume) return;
    const { inverse, shape } = volume.about;
    const voxel = transformed(inverse, [...mm].slice(0, 3)).map((v, i) => within(Math.round(v), shape[i]));
    if (!place || voxel.some((v, i) => v !== place?.[i])) report.moved(voxel);
  };
  takeFirst(host, reset, (x, y) => tileAt(tiles, x, y), report);
  new ResizeObserver(lay).observe(host);

  return {
    name: "niivue",
    layouts: ["planes", "both", "render"],
    ...{ load, show, reset, nv, place: putCrosshair },
    layout(name) {
      layout = name;
      lay();
    },
    turn(right, up) {
      const { renderAzimuth, renderElevation } = nv.scene;
      nv.setRenderAzimuthElevation(renderAzimuth + START.turn * right, renderElevation + START.turn * up);
    },
    seeThrough(share) {
      through = share;
      colourmap();
      if (volume) nv.updateGLVolume();
    },
  };
}

/**
 * Handles events before NiiVue does. Its double click would set a window of its own. The wheel turns slices here, except
 * with Ctrl and in 3D.
 * @param {HTMLElement} host
 * @param {() => void} reset
 * @param {(x: number, y: number) => string | undefined} tile by shares of the host
 * @param {Report} report
 */
function takeFirst(host, reset, tile, report) {
  const doubleClick = (/** @type {Event} */ event) => {
    event.stopPropagation();
    reset();
  };
  const wheel = (/** @type {WheelEvent} */ event) => {
    const box = host.getBoundingClientRect();
    const plane = tile((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    if (event.ctrlKey || !plane || plane === "render") return;
    event.preventDefault();
    event.stopPropagation();
    report.scrolled(plane, Math.sign(event.deltaY));
  };
  host.addEventListener("dblclick", doubleClick, true);
  host.addEventListener("wheel", wheel, { capture: true, passive: false });
}

/**
 * @param {Uint8Array} image red, green, blue and alpha a voxel
 * @param {Drawn} look
 * @param {number[]} shape
 */
function colourVoxels(image, look, shape) {
  const out = new Uint32Array(image.buffer, image.byteOffset, image.length / 4);
  if (!look.labels) return void out.fill(0);
  const labels = look.outline ? outlineOf(look.labels, shape, look.axis) : look.labels;
  const colours = packedColours(look);
  for (let i = 0; i < out.length; i++) out[i] = colours[labels[i]];
}
