/* What the smaller plots have in common: quiet axes, the page's colours, room taken when their view is opened. */
const GRID = "rgba(128,140,150,.25)";
const plotLook = (more = {}) => ({
  autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, uirevision: codebook.state.book.key, hovermode: "closest",
  font: { size: 13, color: ink(), family: getComputedStyle(root).fontFamily }, margin: { l: 56, r: 14, t: 8, b: 44 }, hoverlabel: { font: { size: 13 } }, ...more,
});
const axisLook = (title, more = {}) => ({ title: { text: title, font: { size: 13 }, standoff: 8 }, gridcolor: GRID, zeroline: false, automargin: true, ...more });

/* Draw into #id when plotly.js is there; the promise gives the graph. */
function drawPlot(id, traces, layout) {
  return new Promise((done) => whenPlotly(async () => {
    const place = part("#" + id);
    await window.Plotly.react(place, traces, layout, PLOT);
    keepFitting(place);
    place.dataset.drawn = traces.length;
    done(place);
  }));
}

/* A dotted line at a value of the x axis. */
const marker = (x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line: { color: ink(), width: 2, dash: "dot" } });

/* A file of the page's own making. */
function saveFile(content, type, name) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
