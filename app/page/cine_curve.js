/* The volumes over the frames, drawn as SVG: where everything lies is computed here, without a DOM until `draw`. */

/** @typedef {import("../web/types").CineAnswer} CineAnswer */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{name: string, colour: string, path: string, dots: [number, number][]}} Line */

const SVG = "http://www.w3.org/2000/svg";
export const MARGIN = { left: 44, right: 12, top: 16, bottom: 4 };
const TICKS = 3;

/**
 * A round number that divides the axis into about three parts.
 * @param {number} most
 */
export function stepOf(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most / TICKS));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= TICKS) ?? 10 * power;
}

/**
 * Where frames and volumes lie, in pixels.
 * @param {number} frames
 * @param {number} most the largest volume
 * @param {Size} size
 */
export function scaleOf(frames, most, { width, height }) {
  const [across, up] = [width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
  const step = stepOf(most);
  const top = Math.max(step, Math.ceil(most / step) * step);
  const x = (/** @type {number} */ frame) => MARGIN.left + (across * frame) / Math.max(1, frames - 1);
  const y = (/** @type {number} */ volume) => MARGIN.top + up * (1 - volume / top);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return { x, y, ticks };
}

/**
 * The frame nearest to a place of the pointer.
 * @param {number} place in pixels from the left edge
 * @param {number} frames
 * @param {number} width of the drawing
 */
export function frameAt(place, frames, width) {
  const share = (place - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
  return Math.min(frames - 1, Math.max(0, Math.round(share * (frames - 1))));
}

/**
 * A line through the frames that are there; a frame between missing ones is a dot.
 * @param {(number | null)[]} volumes
 * @param {Pick<ReturnType<typeof scaleOf>, "x" | "y">} scale
 * @returns {{path: string, dots: [number, number][]}}
 */
export function lineOf(volumes, { x, y }) {
  /** @type {[number, number][]} */
  const dots = [];
  let path = "";
  volumes.forEach((volume, frame) => {
    if (volume === null) return;
    const hasBefore = frame > 0 && volumes[frame - 1] !== null;
    const hasAfter = frame + 1 < volumes.length && volumes[frame + 1] !== null;
    const place = /** @type {[number, number]} */ ([x(frame), y(volume)]);
    if (!hasBefore && !hasAfter) dots.push(place);
    path += (hasBefore ? "L" : "M") + place.map((value) => value.toFixed(1)).join(" ");
  });
  return { path, dots };
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function make(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/**
 * @param {SVGSVGElement} svg
 * @param {CineAnswer} told
 * @param {{frame: number, colours: Record<string, string>, size: Size}} look
 */
export function draw(svg, told, { frame, colours, size }) {
  const names = ["MYO", "RV", "LV"].filter((name) => told.volumes[name]);
  const most = Math.max(0, ...names.flatMap((name) => told.volumes[name].map((volume) => volume ?? 0)));
  const scale = scaleOf(told.frames, most, size);
  const { x, y, ticks } = scale;
  const [left, right] = [MARGIN.left, size.width - MARGIN.right];
  const bottom = size.height - MARGIN.bottom;
  const parts = ticks.map((tick) => make("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
  for (const tick of ticks) parts.push(make("text", { class: "tick", x: left - 6, y: y(tick) + 4 }, String(tick)));
  parts.push(make("text", { class: "unit", x: 0, y: 10 }, told.unit));
  for (const [place, word] of /** @type {[number | null | undefined, string][]} */ ([
    [told.heart?.ed_frame, "ED"],
    [told.heart?.es_frame, "ES"],
  ])) {
    if (place === null || place === undefined) continue;
    parts.push(make("line", { class: "phase", x1: x(place), x2: x(place), y1: MARGIN.top, y2: bottom }));
    const side = place === 0 ? "start" : place === told.frames - 1 ? "end" : "middle";
    parts.push(make("text", { class: "word", x: x(place), y: 11, "text-anchor": side }, word));
  }
  for (const name of names) {
    const { path, dots } = lineOf(told.volumes[name], scale);
    parts.push(make("path", { class: "curve", "data-line": name, d: path, stroke: colours[name] }));
    for (const [cx, cy] of dots) parts.push(make("circle", { cx, cy, r: 2.5, fill: colours[name] }));
  }
  parts.push(make("line", { class: "here", x1: x(frame), x2: x(frame), y1: MARGIN.top - 4, y2: bottom }));
  for (const name of names) {
    const volume = told.volumes[name][frame];
    if (volume !== null)
      parts.push(make("circle", { class: "at", cx: x(frame), cy: y(volume), r: 4, fill: colours[name] }));
  }
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  svg.replaceChildren(...parts);
}
