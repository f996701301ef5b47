/* Between the page's state and the map of codewords, a plotly figure that Gradio draws: recolours it and marks the codes
   on view without sending the figure again. Trace numbers are those of app/codebook_figures.py. */
const FADED = 0.22;
const ACTIVE = 1, SLICE = 2, BROUGHT_IN = 3, BAR = 4;
const text = (name) => element.querySelector("[data-text=" + name + "]");
const legend = element.querySelector(".classes");
const panel = element.closest("[role=tabpanel]") ?? document.body;

let statistics = null;  // of the checkpoint on show
let graph = null;     // the drawn map
let marked = null;    // the answer on the map
let sequence = 0;
let busy = false;
let wanted = null;

/* The checkpoint of the scan on show has another codebook than the one that is described. */
async function follow(scan) {
  if (statistics?.checkpoint === scan.checkpoint) return true;
  const answer = await server.summary({ token: scan.token });
  if (!answer || answer.error) return false;
  statistics = answer;
  marked = null;
  if (!statistics.size) return false;
  describe();
  bind();
  return true;
}

function describe() {
  text("size").textContent = statistics.size.toLocaleString("en");
  text("utilisation").textContent = (100 * statistics.utilisation).toFixed(1) + " %";
  text("perplexity").textContent = Math.round(statistics.perplexity).toLocaleString("en");
  text("source").textContent = "counted over " + statistics.source;
  legend.replaceChildren(...statistics.classes.map((name, i) => {
    const item = document.createElement("li"), dot = document.createElement("i");
    dot.style.background = statistics.colours[i];
    item.append(dot, name);
    return item;
  }));
}

/* Gradio draws the figure when the tab is first shown, and anew when its value changes. */
function bind() {
  const drawn = document.querySelector("#codewords .js-plotly-plot");
  for (const plot of document.querySelectorAll("#codewords .js-plotly-plot, #frequency .js-plotly-plot")) dress(plot);
  // Until both are of the same checkpoint there is nothing to mark.
  if (!drawn?.dataset.dressed || !statistics || drawn.layout.meta !== statistics.checkpoint) return void (graph = null);
  if (drawn === graph) return;
  graph = drawn;
  recolour();
  mark();
  refresh();
}

/* Figures come with a neutral colour of text; only here is known whether the page is light or dark. */
function dress(plot) {
  if (!window.Plotly || !plot._fullLayout || plot.dataset.dressed) return;
  plot.dataset.dressed = "true";
  const style = getComputedStyle(document.querySelector(".gradio-container"));
  const colour = style.getPropertyValue("--body-text-color") || style.color;
  window.Plotly.relayout(plot, { "font.color": colour });
  // Class colours are taken: what is in view is ringed in the colour of text.
  if (plot.closest("#codewords")) window.Plotly.restyle(plot, { "marker.color": colour }, [SLICE]);
}

function recolour() {
  const byClass = element.querySelector("input:checked").value === "majority";
  legend.hidden = !byClass;
  if (!graph || !statistics?.size) return;
  const colours = byClass ? statistics.majority.map((c) => statistics.colours[c]) : statistics.usage;
  window.Plotly.restyle(graph, { "marker.color": [colours] }, [ACTIVE]);
  window.Plotly.restyle(graph, { "marker.showscale": !byClass }, [BAR]);
  graph.dataset.colour = byClass ? "majority" : "usage";
}

function mark() {
  if (!marked) return;
  text("view").textContent = marked.clean.code.length.toLocaleString("en") + " codes";
  if (!graph) return;
  const both = [marked.clean, marked.brought_in];
  const inView = new Set(marked.clean.code);
  const opacity = statistics.active.map((code) => (inView.has(code) ? 1 : FADED));
  window.Plotly.restyle(graph, { "marker.opacity": [opacity] }, [ACTIVE]);
  window.Plotly.restyle(graph, { x: both.map((p) => p.x), y: both.map((p) => p.y), customdata: both.map((p) => p.code) }, [SLICE, BROUGHT_IN]);
  graph.dataset.marked = marked.clean.code.length;
}

async function refresh() {
  const state = window.vqseg.state;
  if (!state.scan || element.offsetParent === null) return;
  const { plane, index, strength, mode, seed } = state;
  wanted = { token: state.scan.token, plane, index, strength, mode, seed, sequence: ++sequence };
  if (busy) return;
  busy = true;
  while (wanted) {
    const request = wanted;
    wanted = null;
    if (!(await follow(state.scan))) continue;
    const answer = await server.codes(request);
    if (!answer || answer.error || request.sequence !== sequence) continue;
    marked = answer;
    mark();
  }
  busy = false;
}

element.addEventListener("change", recolour);
new MutationObserver(bind).observe(panel, { childList: true, subtree: true });
new IntersectionObserver(() => { bind(); refresh(); }).observe(element);
window.vqseg.subscribe(() => refresh());
