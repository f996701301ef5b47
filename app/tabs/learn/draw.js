/* Pieces that the steps of the lesson are drawn with: pictures with marked squares, strips, bars and curves. Each gives a node. */
const SVG = "http://www.w3.org/2000/svg";

/* A node. attributes: properties of HTML, attributes of SVG; on: listeners; children: nodes and texts, null for none. */
function el(tag, { on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in node && name !== "list" && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/* A picture of the slice on show, or of its part `focus`: left, top, width and height in displayed pixels. colour: byte or [r, g, b]
   of a displayed pixel by its number; cells: squares to outline; pick: called with the square that is clicked or
   moved to by the keys, which hint tells of. */
function stage({ name, caption, colour, focus, cells = [], mark = null, pick = null, hint }) {
  const { scan, plane, convention } = window.vqseg.state, view = scan.planes[plane], [rows, columns] = view.shape;
  const [left, top, width, height] = focus;
  const canvas = el("canvas", { width, height }), picture = new ImageData(width, height);
  for (let row = 0, o = 0; row < height; row++) for (let column = 0; column < width; column++, o += 4) {
    const shade = colour((top + row) * columns + left + column);
    picture.data.set(Array.isArray(shade) ? [...shade, 255] : [shade, shade, shade, 255], o);
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
  const rect = (kind) => (cell) => {
    const [x, y, w, h] = window.vqseg.frames.boxOf(scan, plane, ...cell);
    return svg("rect", { class: kind, x, y, width: w, height: h });
  };
  const over = svg("svg", { viewBox: focus.join(" "), preserveAspectRatio: "none", "aria-hidden": "true" }, ...cells.map(rect("cell")), ...(mark ? [mark].map(rect("mark")) : []));
  const place = el("div", { class: "picture", role: pick ? "application" : "img", "aria-label": caption, "data-stage": name, ...(pick ? { title: hint } : {}) }, canvas, over);
  place.style.setProperty("--mirror", convention === "neurological" && plane !== "sagittal" ? -1 : 1);
  if (pick) pickable(place, { scan, plane, view, focus, mark, pick });
  const frame = el("div", { class: "frame" }, place);
  frame.style.setProperty("--ratio", (view.ratio * width * rows) / (height * columns));
  return el("figure", {}, el("figcaption", {}, caption), frame);
}

function pickable(place, { scan, plane, view, focus, mark, pick }) {
  const [rows, columns] = view.shape, [left, top, width, height] = focus, inside = (value, most) => Math.max(0, Math.min(most - 1, Math.floor(value)));
  const take = (cell) => cell && pick([cell.row, cell.column]);
  place.tabIndex = 0;
  // Positions within an element count before it is mirrored.
  place.addEventListener("click", ({ offsetX, offsetY }) => take(window.vqseg.frames.cellAt(scan, plane,
    inside(top + (offsetY / place.clientHeight) * height, rows), inside(left + (offsetX / place.clientWidth) * width, columns))));
  place.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    // Elsewhere the arrows turn the slices.
    event.preventDefault();
    take(window.vqseg.frames.cellBeside(scan, plane, { row: mark[0], column: mark[1] }, event.key, getComputedStyle(place).getPropertyValue("--mirror").trim() === "-1"));
  });
}

/* Numbers as colours: blue below zero, orange above, light at zero. */
function strip(values, most) {
  const canvas = el("canvas", { width: values.length, height: 1, class: "strip", "aria-hidden": "true" }), picture = new ImageData(values.length, 1);
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / most), end = value < 0 ? [0, 114, 178] : [213, 94, 0];
    picture.data.set([...end.map((part) => 245 + share * (part - 245)), 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

const extent = (lists) => Math.max(1e-9, ...lists.flat().map(Math.abs));

/* One bar a number, up and down from zero. */
function bars(values, caption) {
  const most = extent([values]);
  const drawn = values.map((value, i) => svg("rect", { x: i + 0.12, width: 0.76, y: value > 0 ? -value / most : 0, height: Math.abs(value) / most, class: value < 0 ? "below" : "above" }));
  return el("figure", { class: "bars" }, el("figcaption", {}, caption),
    svg("svg", { viewBox: `0 -1.02 ${values.length} 2.04`, preserveAspectRatio: "none", role: "img", "aria-label": caption }, ...drawn));
}

/* Rows of {name, share, note}: a bar as long as its share of the longest. */
function shares(rows, caption) {
  const most = Math.max(1e-9, ...rows.map((row) => row.share));
  return el("figure", { class: "shares" }, el("figcaption", {}, caption), el("dl", {}, ...rows.flatMap(({ name, share, note, marked }) => {
    const bar = el("i", {});
    bar.style.width = (100 * share) / most + "%";
    return [el("dt", {}, name), el("dd", { class: marked ? "marked" : "" }, el("span", {}, bar), el("b", {}, note))];
  })));
}

/* Lines over 0 to 1: {name, kind, x, y} with null where there is no value; marked: where the dotted line stands; top: of the axis. */
function curves({ caption, axis, lines, marked, top, format }) {
  const W = 210, H = 140, L = 30, B = 32, T = 8, R = 8;
  const px = (x) => L + x * (W - L - R), py = (y) => H - B - (Math.min(y, top * 1.05) / top) * (H - B - T);
  const text = (x, y, content, anchor) => svg("text", { x, y, "text-anchor": anchor }, content);
  const grid = [0, 0.5, 1].flatMap((share) => [
    svg("line", { class: "grid", x1: L, x2: W - R, y1: py(share * top), y2: py(share * top) }),
    text(L - 5, py(share * top) + 4, format(share * top), "end"), text(px(share), H - B + 14, format(share), "middle")]);
  const drawn = lines.map(({ kind, x, y }) => svg("polyline", { class: kind, points: x.map((value, i) => (y[i] === null || y[i] > top * 1.05 ? "" : px(value) + "," + py(y[i]))).join(" ") }));
  const now = svg("line", { class: "now", x1: px(marked), x2: px(marked), y1: T, y2: H - B });
  const legend = el("ul", { class: "legend" }, ...lines.map(({ name, kind }) => el("li", { class: kind }, name)));
  return el("figure", { class: "curves" }, el("figcaption", {}, caption),
    svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": caption }, ...grid, ...drawn, now, text(W - R, H - 1, axis, "end")), legend);
}
