/* The slice beside the map, linked both ways: cells that carry marked codes are lit, a click or a brush gives a region's codes.
   Its tokens are the encoder's own, before any perturbation. */
{
  const { state } = codebook;
  const canvas = part(".lens canvas"), stage = part(".lens .stage"), strip = part("[data-part=strip]");
  const pictures = window.vqseg.pictures, small = document.createElement("canvas");
  let painting = 0, brushed = null, cursor = null, asked = 0, counted = "", mirrored = false;

  const scan = () => window.vqseg.state.scan;
  const view = () => scan().planes[state.frame.request.plane];
  const schedule = () => { if (!painting && visible()) painting = requestAnimationFrame(paint); };
  const here = () => state.frame && scan()?.token === state.frame.request.token;
  const codes = () => state.frame?.frame.clean_codes ?? null;

  const boxOf = (row, column) => window.vqseg.frames.boxOf(scan(), state.frame.request.plane, row, column);

  function paint() {
    painting = 0;
    if (!here() || state.view !== "map") return;
    const shown = view(), [rows, columns] = shown.shape, scale = Math.max(1, Math.round(512 / Math.max(rows, columns)));
    mirrored = pictures.shapeStages(stage, shown, state.frame.request.plane, window.vqseg.state);
    Object.assign(canvas, { width: columns * scale, height: rows * scale });
    // Half as bright while something is lit.
    const lit = lights(), dim = lit.size ? 0.55 : 1, pen = canvas.getContext("2d");
    pictures.paint(small, shown, (out) => pictures.grey(out, dim === 1 ? state.frame.image : state.frame.image.map((value) => value * dim)));
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, columns * scale, rows * scale);
    if (codes()) drawCells(pen, scale, lit);
    tell(lit);
    root.dataset.slice = [state.frame.request.plane, state.frame.request.index].join(" ");
  }

  /* Codes that are lit: the marked ones and that of the card. */
  function lights() {
    const lit = new Set(state.selected);
    if (state.picked !== null) lit.add(state.picked);
    return lit;
  }

  function drawCells(pen, scale, lit) {
    const [h, w] = scan().grid_of_tokens, levels = scan().levels, found = [];
    for (let row = 0; row < h; row++) for (let column = 0; column < w; column++) {
      const box = boxOf(row, column).map((n) => Math.round(n * scale));
      const here = Array.from({ length: levels }, (_, level) => codes()[(level * h + row) * w + column]);
      const isLit = here.some((code) => lit.has(code)), isPicked = here.includes(state.picked);
      if (isLit) {
        pen.fillStyle = isPicked ? "rgb(255 226 89 / .75)" : "rgb(255 92 200 / .6)";
        pen.fillRect(...box);
        found.push(row * w + column);
      }
      if (brushed?.has(row * w + column)) frame(pen, box, "#ffffff", 1);
    }
    if (cursor && document.activeElement === canvas) frame(pen, boxOf(cursor.row, cursor.column).map((n) => Math.round(n * scale)), "#ffffff", 3);
    canvas.dataset.lit = found.join(" ");
  }

  function frame(pen, [x, y, width, height], colour, thickness) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: thickness });
    pen.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, height - thickness);
  }

  function tell(lit) {
    const { index, plane } = state.frame.request, seen = new Set(codes() ?? []);
    text("slice").textContent = plane[0].toUpperCase() + plane.slice(1) + " slice " + index + (codes() ? " · " + seen.size + " codes" : "");
    part("[data-do=previous]").disabled = index <= 0;
    part("[data-do=next]").disabled = index >= view().count - 1;
    const cells = (canvas.dataset.lit ?? "").split(" ").filter(Boolean).length;
    const acquired = Object.keys(scan().planes).find((name) => scan().planes[name].acquired);
    text("lens").textContent = !codes() ? "Tokens lie in the acquired slices: choose the " + acquired + " plane."
      : lit.size ? number(cells) + (cells === 1 ? " cell" : " cells") + " of this slice lit" : "Click a cell for its code, drag over a region to mark its codes.";
    part(".chip").hidden = !state.selected.length;
    const total = state.presence ? state.selected.reduce((sum, code) => sum + state.presence.counts[code], 0) : null;
    text("chip").textContent = number(state.selected.length) + (state.selected.length === 1 ? " code" : " codes") + " marked" + (total === null ? "" : " · " + number(total) + " tokens of this scan");
  }

  /* How many marked tokens every slice has; a click goes there. */
  async function drawStrip() {
    const mine = ++asked, lit = [...lights()];
    counted = here() ? scan().token : "";
    const answer = lit.length && here() ? await server.where({ token: scan().token, codes: lit }) : null;
    if (mine !== asked) return;
    const counts = answer?.slices ?? [], most = Math.max(1, ...counts);
    strip.replaceChildren(...counts.map((count, index) => {
      const bar = document.createElement("button");
      Object.assign(bar, { type: "button", title: "slice " + index + ": " + number(count) + " tokens", tabIndex: -1 });
      bar.style.setProperty("--share", count / most);
      bar.toggleAttribute("data-here", codes() && index === state.frame.request.index);
      bar.addEventListener("click", () => window.vqseg.setSlider("slice", index));
      return bar;
    }));
    strip.dataset.counts = counts.join(" ");
  }

  function cellAt(event) {
    const pixel = pictures.pixelAt(canvas, event, view(), mirrored);
    return pixel && window.vqseg.frames.cellAt(scan(), state.frame.request.plane, pixel.row, pixel.column);
  }

  const codesOf = (cells) => {
    const [h, w] = scan().grid_of_tokens, levels = Array.from({ length: scan().levels }, (_, i) => i * h * w);
    return new Set([...cells].flatMap((cell) => levels.map((offset) => codes()[offset + cell])));
  };

  function brush(event) {
    const cell = here() && codes() ? cellAt(event) : null;
    if (!cell || !brushed) return;
    brushed.add(cell.row * scan().grid_of_tokens[1] + cell.column);
    if (brushed.size > 1) codebook.select([...codesOf(brushed)].sort((a, b) => a - b), "slice");
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !here() || !codes()) return;
    brushed = new Set();
    canvas.setPointerCapture(event.pointerId);
    brush(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (brushed) event.getCoalescedEvents?.().forEach(brush), brush(event); });
  canvas.addEventListener("pointerup", (event) => {
    const cells = brushed, cell = here() && codes() ? cellAt(event) : null;
    brushed = null;
    if (cells?.size === 1 && cell) codebook.pick(codes()[cell.at]);
    schedule();
  });
  canvas.addEventListener("pointercancel", () => (brushed = null));

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !here() || !codes()) return;
    if (event.key.startsWith("Arrow")) {
      cursor = window.vqseg.frames.cellBeside(scan(), state.frame.request.plane, cursor, event.key, mirrored) ?? cursor;
    } else if (event.key === "Enter" || event.key === " ") {
      if (!cursor) return;
      const here = codesOf([cursor.row * scan().grid_of_tokens[1] + cursor.column]);
      if (event.key === "Enter") codebook.pick([...here].at(-1));
      else codebook.select([...new Set([...state.selected, ...here])].sort((a, b) => a - b), "slice");
    } else if (event.key === "Escape") {
      codebook.pick(null);
      codebook.select([]);
    } else return;
    event.preventDefault();
    schedule();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, schedule);
  part(".lens").addEventListener("click", (event) => {
    const step = { previous: -1, next: 1 }[event.target.closest("[data-do]")?.dataset.do];
    if (step) window.vqseg.setSlider("slice", window.vqseg.state.index + step);
  });

  codebook.subscribe(schedule, "frame", "page", "selection", "picked", "presence", "view");
  codebook.subscribe(drawStrip, "selection", "picked", "presence");
  codebook.subscribe(() => {
    // The first picture of another scan may come after all else is known of it.
    if (here() && counted !== scan().token) drawStrip();
    for (const [index, bar] of [...strip.children].entries()) bar.toggleAttribute("data-here", Boolean(codes()) && index === state.frame.request.index);
  }, "frame");
}
