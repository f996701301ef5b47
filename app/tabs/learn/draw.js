/* The pieces of the lesson's steps: pictures with marked squares, strips, bars and curves. Each function returns a node. */
import { boxOf, cellAt, cellBeside } from "../../web/cells.js";
import { make } from "../../web/dom.js";
import { axesOf, barsOf, pixelsOf, PLOT, pointsOf, stripPixels } from "./plots.js";

/** @typedef {import("./types").Cell} Cell */
/** @typedef {import("./types").Stage} Stage */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * @param {string} className
 * @param {string} caption
 * @param {...(Node | null)} content
 */
export function figure(className, caption, ...content) {
  return make("figure", { className }, make("figcaption", {}, caption), ...content);
}

/**
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels RGBA
 * @param {number} width
 * @param {number} height
 */
function canvasOf(pixels, width, height) {
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

/**
 * A picture of the present slice, or of a part of it.
 * @param {Stage} stage
 */
export function stage({ where, name, caption, colour, focus, cells = [], mark = null, pick = null, hint = "" }) {
  const { scan, plane, convention } = where;
  const view = scan.planes[plane];
  const [rows, columns] = view.shape;
  const [, , width, height] = focus;
  const canvas = canvasOf(pixelsOf(colour, focus, columns), width, height);
  const place = make("div", { className: "picture", role: pick ? "application" : "img", ariaLabel: caption });
  place.dataset.stage = name;
  place.append(canvas, outlines(where, focus, cells, mark));
  place.style.setProperty("--mirror", convention === "neurological" && plane !== "sagittal" ? "-1" : "1");
  if (pick) pickable(place, { where, focus, mark, pick, hint });
  const frame = make("div", { className: "frame" }, place);
  frame.style.setProperty("--ratio", String((view.ratio * width * rows) / (height * columns)));
  return figure("", caption, frame);
}

/**
 * @param {import("./types").PageState} where
 * @param {import("./types").Rect} focus
 * @param {Cell[]} cells
 * @param {Cell | null} mark
 */
function outlines({ scan, plane }, focus, cells, mark) {
  const rect = (/** @type {string} */ kind, /** @type {Cell} */ [row, column]) => {
    const [x, y, width, height] = boxOf(scan, plane, row, column);
    return svg("rect", { class: kind, x, y, width, height });
  };
  const drawn = [...cells.map((cell) => rect("cell", cell)), ...(mark ? [rect("mark", mark)] : [])];
  const attributes = { viewBox: focus.join(" "), preserveAspectRatio: "none", "aria-hidden": "true" };
  return svg("svg", attributes, ...drawn);
}

/**
 * @param {HTMLElement} place
 * @param {Pick<Stage, "where" | "focus" | "mark"> & {pick: (cell: Cell) => void, hint: string}} stage
 */
function pickable(place, { where: { scan, plane }, focus, mark, pick, hint }) {
  const [rows, columns] = scan.planes[plane].shape;
  const [left, top, width, height] = focus;
  const inside = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.max(0, Math.min(most - 1, Math.floor(value)));
  const take = (/** @type {{row: number, column: number} | null} */ cell) => cell && pick([cell.row, cell.column]);
  place.tabIndex = 0;
  place.title = hint;
  // The browser gives positions within the element as if it were not mirrored.
  place.addEventListener("click", ({ offsetX, offsetY }) => {
    const row = inside(top + (offsetY / place.clientHeight) * height, rows);
    take(cellAt(scan, plane, row, inside(left + (offsetX / place.clientWidth) * width, columns)));
  });
  place.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    // Elsewhere on the page the arrow keys change the slice.
    event.preventDefault();
    const marked = mark ? { row: mark[0], column: mark[1] } : null;
    const mirrored = getComputedStyle(place).getPropertyValue("--mirror").trim() === "-1";
    take(cellBeside(scan, plane, marked, event.key, mirrored));
  });
}

/**
 * A strip that shows numbers as colours.
 * @param {number[]} values
 * @param {number} most
 */
export function strip(values, most) {
  const canvas = canvasOf(stripPixels(values, most), values.length, 1);
  return Object.assign(canvas, { className: "strip", ariaHidden: "true" });
}

/**
 * One bar for each number, up or down from zero.
 * @param {number[]} values
 * @param {string} caption
 */
export function bars(values, caption) {
  const drawn = barsOf(values).map((bar) => svg("rect", bar));
  const viewBox = `0 -1.02 ${values.length} 2.04`;
  const picture = svg("svg", { viewBox, preserveAspectRatio: "none", role: "img", "aria-label": caption }, ...drawn);
  return figure("bars", caption, picture);
}

/**
 * @param {{name: string, share: number, note: string}[]} rows
 * @param {string} caption
 */
export function shares(rows, caption) {
  const most = Math.max(1e-9, ...rows.map((row) => row.share));
  const said = rows.flatMap(({ name, share, note }) => {
    const bar = make("i");
    bar.style.width = (100 * share) / most + "%";
    return [make("dt", {}, name), make("dd", {}, make("span", {}, bar), make("b", {}, note))];
  });
  return figure("shares", caption, make("dl", {}, ...said));
}

/**
 * A table of numbers; those with a share have a bar of that length behind them.
 * @param {{kind: string, caption: string, groups: {name: string, columns: number}[], columns: string[],
 *   rows: {name: string, cells: {text: string, share?: number}[]}[], under?: string}} table
 */
export function measured({ kind, caption, groups, columns, rows, under }) {
  const over = groups.map(({ name, columns: colSpan }) => make("th", { colSpan, scope: "colgroup" }, name));
  const head = [
    groups.length ? make("tr", {}, make("td"), ...over) : null,
    make("tr", {}, make("td"), ...columns.map((text) => make("th", { scope: "col" }, text))),
  ];
  const body = rows.map(({ name, cells }) => {
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells.map(measuredCell));
  });
  const table = make("table", {}, make("thead", {}, ...head), make("tbody", {}, ...body));
  return figure("measured " + kind, caption, table, under ? make("p", {}, under) : null);
}

/** @param {{text: string, share?: number}} cell */
function measuredCell({ text, share }) {
  const cell = make("td", { className: share === undefined ? "" : "share" }, text);
  if (share !== undefined) cell.style.setProperty("--share", 100 * share + "%");
  return cell;
}

/**
 * Rows of small square pictures, one for each code.
 * @param {{name: string, codes: number[]}[]} rows
 * @param {Uint8Array} pictures those of all rows, one after the other
 * @param {number} side of a picture
 * @param {string} caption
 */
export function tiles(rows, pictures, side, caption) {
  let start = 0;
  const drawn = rows.flatMap(({ name, codes }) => {
    const row = codes.map((code) => {
      const pixels = pictures.subarray(start, (start += side * side));
      const tile = canvasOf(
        pixelsOf((at) => pixels[at], [0, 0, side, side], side),
        side,
        side,
      );
      return Object.assign(tile, { role: "img", ariaLabel: String(code), title: String(code) });
    });
    return [make("dt", {}, name), make("dd", {}, ...row)];
  });
  return figure("tiles", caption, make("dl", {}, ...drawn));
}

/**
 * Lines over 0 to 1. marked: the place of the dotted line; top: the upper end of the vertical axis.
 * @param {{caption: string, axis: string, lines: import("./types").Line[], marked: number, top: number,
 *   format: (value: number) => string}} plot
 */
export function curves({ caption, axis, lines, marked, top, format }) {
  const { width, height } = PLOT;
  const drawn = lines.map((line) => svg("polyline", { class: line.kind, points: pointsOf(line, top) }));
  const x = axesOf(top).x(marked);
  const now = svg("line", { class: "now", x1: x, x2: x, y1: PLOT.top, y2: height - PLOT.bottom });
  const legend = lines.map(({ name, kind }) => make("li", { className: kind }, name));
  const content = [
    ...gridLines(top, format),
    ...drawn,
    now,
    label(width - PLOT.right, height - PLOT.descent, axis, "end"),
  ];
  const attributes = { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": caption };
  return figure("curves", caption, svg("svg", attributes, ...content), make("ul", { className: "legend" }, ...legend));
}

/**
 * @param {number} top
 * @param {(value: number) => string} format
 */
function gridLines(top, format) {
  const { x, y } = axesOf(top);
  const { width, height, left, right, bottom } = PLOT;
  return [0, 0.5, 1].flatMap((share) => {
    const level = y(share * top);
    return [
      svg("line", { class: "grid", x1: left, x2: width - right, y1: level, y2: level }),
      label(left - 5, level + 4, format(share * top), "end"),
      label(x(share), height - bottom + 14, format(share), "middle"),
    ];
  });
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {"end" | "middle"} anchor
 */
function label(x, y, content, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, content);
}
