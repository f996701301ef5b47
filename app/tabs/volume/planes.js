/* Three planes on plain canvases, for browsers without WebGL 2. */
import { make } from "../../web/dom.js";
import { overlay, paint } from "../../web/pictures.js";
import { cutOf, isMirrored, layOf, thinnedPlace, turned, wholePlace, within } from "./grid.js";
import { PLANES, tilesOf } from "./tiles.js";

/** @typedef {import("./types").Drawn} Drawn */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").ScanVolume} ScanVolume */
/** @typedef {import("./types").Voxel} Voxel */
/** @typedef {ReturnType<typeof pictureOf>} Picture */

/**
 * @param {HTMLElement} host
 * @param {Pick<Report, "moved" | "scrolled">} report
 * @returns {import("./types").VolumeView}
 */
export function createPlanes(host, report) {
  /** @type {ScanVolume | null} */
  let scan = null;
  /** @type {Drawn | null} */
  let look = null;
  /** @type {Voxel | null} */
  let voxel = null;
  const pictures = new Map(PLANES.map((plane) => [plane, pictureOf(plane)]));
  for (const [plane, picture] of pictures) {
    const point = (/** @type {PointerEvent} */ event) => {
      if (scan && look && voxel) report.moved(pointed(plane, picture, event, { scan, look, voxel }));
    };
    listen(picture, point, (slices) => voxel && report.scrolled(plane, slices));
  }
  host.append(make("div", { className: "planes" }, ...[...pictures.values()].map(({ figure }) => figure)));
  new ResizeObserver(lay).observe(host);

  function lay() {
    if (!scan) return;
    const tiles = tilesOf("planes", scan.about.acquired, host.clientWidth > host.clientHeight);
    for (const [plane, { figure }] of pictures) {
      const [left, top, width, height] = tiles[plane].map((share) => 100 * share + "%");
      Object.assign(figure.style, { left, top, width, height });
    }
  }

  function draw() {
    if (!scan || !look || !voxel) return;
    for (const [plane, picture] of pictures) drawPlane(plane, picture, { scan, look, voxel });
  }

  return {
    name: "planes",
    layouts: ["planes"],
    async load(volume) {
      scan = volume;
      lay();
    },
    show(next) {
      look = next;
      draw();
    },
    place(next) {
      voxel = next;
      draw();
    },
    layout() {},
    turn() {},
    seeThrough() {},
    reset() {},
  };
}

/** @param {string} plane */
function pictureOf(plane) {
  const name = plane[0].toUpperCase() + plane.slice(1);
  const canvas = make("canvas", { role: "img", ariaLabel: name + " plane through the crosshair" });
  const letters = Array.from({ length: 4 }, () => make("i"));
  const picture = make("div", { className: "picture" }, canvas, make("figcaption", {}, name), ...letters);
  const figure = make("figure", {}, picture);
  figure.dataset.plane = plane;
  return { figure, picture, canvas, letters };
}

/**
 * @param {Picture} picture
 * @param {(event: PointerEvent) => void} point
 * @param {(slices: number) => void} scroll
 */
function listen({ figure, picture }, point, scroll) {
  let isPressed = false;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    isPressed = true;
    picture.setPointerCapture(event.pointerId);
    point(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (isPressed) point(event);
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => (isPressed = false));
  const wheel = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    scroll(Math.sign(event.deltaY));
  };
  figure.addEventListener("wheel", wheel, { passive: false });
}

/** @typedef {{scan: ScanVolume, look: Drawn, voxel: Voxel}} OnShow */

/** @param {string} plane @param {OnShow} shown */
const layIn = (plane, { scan, look }) => layOf(scan.shape, scan.about.axes[plane], look.planes[plane]);

/** @param {string} plane @param {Picture} picture @param {PointerEvent} event @param {OnShow} shown */
function pointed(plane, { picture }, event, shown) {
  const { about } = shown.scan;
  const lay = layIn(plane, shown);
  const box = picture.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const across = isMirrored(shown.look.convention, plane) ? 1 - share : share;
  const row = within(Math.floor(((event.clientY - box.top) / box.height) * lay.rows), lay.rows);
  const column = within(Math.floor(across * lay.columns), lay.columns);
  const [a, b] = turned(lay, row, column);
  const moved = shown.voxel.slice();
  moved[lay.along] = wholePlace(about, a, lay.along);
  moved[lay.across] = wholePlace(about, b, lay.across);
  return moved;
}

/** @param {string} plane @param {Picture} picture @param {OnShow} shown */
function drawPlane(plane, picture, shown) {
  const { scan, look, voxel } = shown;
  const lay = layIn(plane, shown);
  const mirrored = isMirrored(look.convention, plane);
  const cut = cutOf(scan.shape, lay, thinnedPlace(scan.about, scan.shape, voxel, lay.axis));
  const [black, white] = look.window;
  const grey = Uint8ClampedArray.from(cut, (at) => ((scan.voxels[at] - black) / (white - black)) * 255);
  const { labels } = look;
  const cutLabels = labels ? Uint8Array.from(cut, (at) => labels[at]) : new Uint8Array(cut.length);
  /** @type {{shape: [number, number]}} */
  const view = { shape: [lay.rows, lay.columns] };
  paint(picture.canvas, view, (out) => overlay(out, grey, cutLabels, view, look));
  picture.figure.style.setProperty("--ratio", String(look.planes[plane].ratio));
  picture.figure.style.setProperty("--mirror", mirrored ? "-1" : "1");
  const [row, column] = turned(
    lay,
    thinnedPlace(scan.about, scan.shape, voxel, lay.along),
    thinnedPlace(scan.about, scan.shape, voxel, lay.across),
  );
  cross(picture, row, mirrored ? lay.columns - 1 - column : column, lay);
  const [top, right, bottom, left] = look.planes[plane].letters;
  const letters = mirrored ? [top, left, bottom, right] : [top, right, bottom, left];
  picture.letters.forEach((letter, i) => (letter.textContent = letters[i]));
}

/** @param {Picture} picture @param {number} row @param {number} column @param {{rows: number, columns: number}} lay */
function cross({ picture }, row, column, { rows, columns }) {
  picture.style.setProperty("--cy", (100 * (row + 0.5)) / rows + "%");
  picture.style.setProperty("--cx", (100 * (column + 0.5)) / columns + "%");
}
