/* The map: every codeword one point, redrawn by Plotly.restyle only. Points lie in the order `drawn`: never chosen ones
   below, then from the most to the least used, so that small points stay in sight. */
const BASE = 0, LINKS = 1, SELECTED = 2, PICKED = 3;
const map = (() => {
  const { state } = codebook;
  const setting = (name) => part("[data-set=" + name + "]");
  const plots = {};            // by dimensions: the drawn graph
  let drawn = null;            // code of every point
  let placed = null;           // {points: Float32Array, dimensions, key}
  let near = [];               // codes that the card lists as neighbours
  let waiting = 0;

  const dimensions = () => placed.dimensions;
  const graph = () => plots[placed?.dimensions];
  const coordinate = (codes, axis) => Array.from(codes, (code) => (code === null ? null : placed.points[code * dimensions() + axis]));
  const places = (codes) => {
    const axes = ["x", "y", "z"].slice(0, dimensions());
    return Object.fromEntries(axes.map((name, axis) => [name, coordinate(codes, axis)]));
  };

  function pointSizes() {
    const { book } = state, highest = Math.log10(Math.max(10, ...[book.counts[book.order[0]]])), scale = dimensions() === 3 ? 0.6 : 1;
    // Thousands of points need room.
    const base = book.size > 6000 ? 0.75 : 1;
    return Array.from(drawn, (code) => scale * base * (book.counts[code] ? (setting("size").checked ? 2.5 + 7 * (Math.log10(book.counts[code]) / highest) ** 1.5 : 5) : 3));
  }

  function traces() {
    const type = dimensions() === 3 ? "scatter3d" : "scattergl", quiet = { hoverinfo: "skip", showlegend: false };
    const still = { selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 1 } } };
    const text = ink();
    const list = [
      { mode: "markers", marker: { color: grey(), size: 5, line: { width: 0 } }, hoverinfo: "none" },
      { mode: "lines", line: { color: text, width: 1.5 }, ...quiet },
      { mode: "markers", marker: { color: MARK, size: dimensions() === 3 ? 5 : 8, line: { width: 1, color: ink("--background-fill-primary") } }, hoverinfo: "none" },
      { mode: "markers", marker: { symbol: "circle-open", color: text, size: dimensions() === 3 ? 12 : 20, line: { width: 3, color: text } }, ...quiet },
    ];
    return list.map((trace) => ({ type, x: [], y: [], ...(dimensions() === 3 ? { z: [] } : still), ...trace }));
  }

  function layout() {
    const axis = { visible: false, showgrid: false, zeroline: false }, scene = { xaxis: axis, yaxis: axis, zaxis: axis, dragmode: "orbit", aspectmode: "cube", camera: { eye: { x: 0.95, y: 0.95, z: 0.7 } } };
    const flat = { xaxis: axis, yaxis: axis, dragmode: tool() };
    return { autosize: true, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, uirevision: placed.key,
      hovermode: "closest", hoverdistance: 12, ...(dimensions() === 3 ? { scene } : flat) };
  }

  const tool = () => part("[name=codes-tool]:checked").value;

  /* New places for the points: another codebook or another projection. */
  async function place(points, size, key) {
    placed = { points, dimensions: size, key };
    if (drawn?.length !== state.book.size || drawn.key !== state.book.key) {
      drawn = [...state.book.order].reverse();
      const unused = drawn.filter((code) => !state.book.counts[code]), used = state.book.order.filter((code) => state.book.counts[code]);
      drawn = Object.assign([...unused, ...used], { key: state.book.key });
    }
    part("#codewords").dataset.dimensions = size;
    await draw();
  }

  function draw() {
    return new Promise((done) => whenPlotly(async () => {
      const shell = part("#codewords .plot"), fresh = !plots[placed.dimensions];
      for (const [size, plot] of Object.entries(plots)) plot.hidden = Number(size) !== placed.dimensions;
      if (fresh) {
        plots[placed.dimensions] = shell.appendChild(document.createElement("div"));
        plots[placed.dimensions].className = "graph";
      }
      const list = traces();
      Object.assign(list[BASE], places(drawn), { marker: { ...list[BASE].marker, color: colours(), size: pointSizes(), opacity: opacity() } });
      for (const [trace, codes] of [[SELECTED, state.selected], [LINKS, links()], [PICKED, ring()]]) Object.assign(list[trace], places(codes));
      await window.Plotly.react(graph(), list, layout(), { ...PLOT, scrollZoom: true, doubleClick: "reset" });
      if (fresh) {
        bind(graph());
        keepFitting(graph());
      }
      tell();
      done();
    }));
  }

  function colours() {
    const mode = COLOURS.MODES[setting("colour").value](state.book);
    COLOURS.drawLegend(mode.legend);
    return drawn.map(mode.colour);
  }

  /* Another meaning of the colours; milliseconds until the next picture are kept for who wants to know. */
  async function recolour() {
    if (!graph()) return;
    const start = performance.now(), name = setting("colour").value;
    await window.Plotly.restyle(graph(), { "marker.color": [colours()] }, [BASE]);
    requestAnimationFrame(() => {
      graph().dataset.restyle = (performance.now() - start).toFixed(1);
      graph().dataset.colour = name;
    });
  }

  const resize = () => graph() && window.Plotly.restyle(graph(), { "marker.size": [pointSizes()] }, [BASE]);

  // A ring around the code of the card, lines to its nearest neighbours in the codebook's own space.
  const ring = () => (state.picked === null ? [] : [state.picked]);
  const links = () => (state.picked === null ? [] : near.flatMap((code) => [state.picked, code, null]));
  const opacity = () => (state.selected.length ? 0.3 : 0.95);

  /* What is drawn besides, for who wants to know. */
  function tell() {
    Object.assign(graph().dataset, { points: drawn.length, layout: placed.key, marked: state.selected.length, picked: state.picked ?? "" });
  }

  /* Other places for some traces, in one redrawing; plotly leaves as it is what is undefined. */
  async function move(moved, opacity) {
    if (!graph()) return;
    const traces = [...Object.keys(moved).map(Number), BASE], lists = [...Object.values(moved).map(places), {}];
    const change = Object.fromEntries(Object.keys(lists[0]).map((axis) => [axis, lists.map((list) => list[axis])]));
    await window.Plotly.restyle(graph(), { ...change, "marker.opacity": lists.map((list, i) => (traces[i] === BASE ? opacity : undefined)) }, traces);
    tell();
  }

  const mark = () => move({ [SELECTED]: state.selected }, opacity());
  const pointOut = () => move({ [LINKS]: links(), [PICKED]: ring() });

  function codeOf(event) {
    const point = event?.points?.find((one) => one.curveNumber === BASE || one.curveNumber === SELECTED);
    if (!point) return null;
    return point.curveNumber === BASE ? drawn[point.pointNumber] : state.selected[point.pointNumber];
  }

  function bind(plot) {
    plot.on("plotly_click", (event) => { const code = codeOf(event); if (code !== null) codebook.pick(code); });
    plot.on("plotly_hover", (event) => { const code = codeOf(event); if (code !== null) hover.show(code, event.event); });
    plot.on("plotly_unhover", () => hover.hide());
    plot.on("plotly_selected", (event) => {
      if (!event) return;
      const inside = new Set(event.points.filter((one) => one.curveNumber === BASE).map((one) => drawn[one.pointNumber]));
      window.Plotly.relayout(plot, { selections: [] });
      codebook.select([...inside].sort((a, b) => a - b), "map");
    });
  }

  codebook.subscribe(() => {
    const { book } = state, lacking = book?.key ? COLOURS.missing(book) : [];
    for (const option of setting("colour").options) option.disabled = lacking.includes(option.value);
    if (setting("colour").selectedOptions[0].disabled) setting("colour").value = "class";
    near = [];
  }, "book");
  codebook.subscribe(mark, "selection");
  codebook.subscribe(() => { near = []; pointOut(); }, "picked");
  // Only these two colours mean something that changes with the page.
  codebook.subscribe(() => { if (setting("colour").value === "scan") recolour(); }, "presence");
  codebook.subscribe(() => {
    if (setting("colour").value !== "slice" || state.view !== "map") return;
    clearTimeout(waiting);
    waiting = setTimeout(recolour, 80);
  }, "frame");
  setting("colour").addEventListener("change", recolour);
  setting("size").addEventListener("change", resize);
  for (const radio of root.querySelectorAll("[name=codes-tool]")) {
    radio.addEventListener("change", () => plots[2] && window.Plotly.relayout(plots[2], { dragmode: tool() }));
  }
  new MutationObserver(() => { if (graph()) draw(); }).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  return { place, link: (codes) => { near = codes; pointOut(); }, get drawn() { return drawn; } };
})();
