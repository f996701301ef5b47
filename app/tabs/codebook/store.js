/* The codebook on show and what of it is marked: the store that the tab's views share. The files codes_*.js run in one
   scope after this one, each in a block of its own. Arrays come once a codebook; marks never leave the browser. */
const root = element.querySelector(".codes");
const part = (selector) => root.querySelector(selector);
const text = (name) => part("[data-text=" + name + "]");
const visible = () => element.offsetParent !== null;
const number = (value) => value.toLocaleString("en");
const percent = (share, digits = 1) => (100 * share).toFixed(digits) + " %";
const unpack = (packed) => window.vqseg.frames.unpack(packed);
const typed = async (Type, packed) => new Type((await unpack(packed)).buffer);

const codebook = (() => {
  const listeners = new Set();
  const state = { book: null, presence: null, frame: null, selected: [], from: "", picked: null, view: "map" };
  let loading = "", failed = "";

  /* Views hear the names of what changed: book, presence, frame, selection, picked, view, page. */
  function tell(...names) {
    for (const name of names) for (const listener of listeners) listener(name);
  }

  async function load() {
    const scan = window.vqseg.state?.scan;
    if (!scan || !visible() || loading === scan.token || (state.token === scan.token && !failed)) return;
    loading = scan.token;
    const known = state.book?.key ?? "";
    const answer = await server.book({ token: scan.token, known });
    if (loading !== scan.token) return;
    if (!answer || answer.error) {
      [loading, failed] = ["", scan.token];
      return say(answer?.error ?? "The server did not answer. Choose the tab again.");
    }
    const isNew = !answer.same;
    if (isNew) Object.assign(state, { book: answer.none ? { none: answer.none, key: "" } : await unpacked(answer), selected: [], picked: null });
    Object.assign(state, { token: scan.token, presence: null });
    [loading, failed] = ["", ""];
    say("");
    root.dataset.book = state.book.key || "none";
    tell(...(isNew ? ["book", "selection", "picked"] : []), "presence");
    if (state.book.key) await meet(scan.token);
  }

  /* How the scan on show uses the codebook. */
  async function meet(token) {
    const answer = await server.presence({ token });
    if (token !== state.token || !answer || answer.error) return;
    state.presence = { ...answer, counts: await typed(Int32Array, answer.counts) };
    tell("presence");
  }

  async function unpacked(answer) {
    const counts = await typed(Float64Array, answer.counts), classCounts = await typed(Float64Array, answer.class_counts);
    const size = counts.length, classes = answer.classes.length;
    const order = Uint32Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b), rank = new Uint32Array(size);
    order.forEach((code, place) => (rank[code] = place + 1));
    const majority = new Int16Array(size).fill(-1), purity = new Float32Array(size).fill(NaN);
    for (let code = 0; code < size; code++) {
      if (!counts[code]) continue;
      const row = classCounts.subarray(code * classes, (code + 1) * classes);
      majority[code] = row.indexOf(Math.max(...row));
      purity[code] = row[majority[code]] / counts[code];
    }
    const stage = answer.stage && (await typed(Int32Array, answer.stage));
    const ablated = new Map((answer.ablation ?? []).map(([code, dice]) => [code, dice]));
    return { ...answer, size, counts, classCounts, order, rank, majority, purity, stage, ablated };
  }

  /* codes: any iterable. from: "map", "slice", "list" or "". */
  function select(codes, from = "") {
    Object.assign(state, { selected: [...codes], from });
    root.dataset.selected = state.selected.length;
    light();
    tell("selection");
  }

  /* The other tabs light them too. */
  function light() {
    window.vqseg.light(state.picked === null || state.selected.includes(state.picked) ? state.selected : [...state.selected, state.picked]);
  }

  function pick(code) {
    const size = state.book?.size ?? 0, next = Number.isInteger(code) && code >= 0 && code < size ? code : null;
    if (next === state.picked) return;
    state.picked = next;
    root.dataset.picked = next ?? "";
    light();
    window.vqseg.linkMore({ code: next });
    tell("picked");
  }

  function unmark() {
    Object.assign(state, { selected: [], picked: null });
    Object.assign(root.dataset, { selected: 0, picked: "" });
    window.vqseg.linkMore({ code: null });
    tell("selection", "picked");
  }

  function show(view) {
    state.view = view;
    for (const section of root.querySelectorAll("[data-view]")) section.hidden = section.dataset.view !== view;
    window.vqseg.linkMore({ view: view === "map" ? null : view });
    tell("view");
  }

  function say(message) {
    const notice = part(".notice");
    notice.hidden = !message;
    notice.textContent = message;
  }

  /* What the network answered for the slice on show; its codes are there in the plane of the acquired slices only. */
  window.vqseg.frames.subscribe((event) => {
    if (!event.shown) return;
    state.frame = event.shown;
    if (visible()) tell("frame");
  });
  window.vqseg.subscribe((page) => {
    load();
    // Unmarked elsewhere, or left behind with another checkpoint.
    if (!page.lit.length && (state.selected.length || state.picked !== null)) unmark();
    if (visible()) tell("page");
  });
  new IntersectionObserver(() => {
    load();
    if (visible()) tell("view", "page", "frame");
  }).observe(element);

  return {
    state, select, pick, show, say,
    subscribe(listener, ...names) {
      listeners.add((name) => { if (names.includes(name)) listener(name); });
    },
    start: () => load(),
  };
})();

/* Colours that follow the page, which may be light or dark. */
function ink(name = "--body-text-color") {
  return getComputedStyle(root).getPropertyValue(name).trim() || getComputedStyle(root).color;
}
const MARK = "#d81b9a", TEAL = "#239089";
const grey = () => ink("--input-border-color");
/* Viridis at nine stops, and a colour for the value 0 to 1. */
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"]
  .map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
function viridis(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1), low = Math.min(VIRIDIS.length - 2, Math.floor(place)), t = place - low;
  return VIRIDIS[low].map((value, i) => Math.round(value + t * (VIRIDIS[low + 1][i] - value)));
}
/* Black is for pictures; on a map the background class is grey. */
const classColour = (label) => (label < 0 ? grey() : label === 0 ? "#7d8b95" : codebook.state.book.colours[label]);

/* plotly.js comes with the first figure that Gradio draws (the empty one below the views). */
function whenPlotly(then) {
  if (window.Plotly) return then();
  setTimeout(() => whenPlotly(then), 30);
}

/* An element with properties and children; what is null is left out. */
function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/* A button that opens the card of a code. */
const codeButton = (code) => {
  const made = make("button", { type: "button", className: "code", title: "Card of code " + code }, String(code));
  made.addEventListener("click", () => codebook.pick(code));
  return made;
};

/* Gradio's page has a <base>: plotly would clip its lines by the whole address, which the next change of the link makes another. */
const PLOT = { displayModeBar: false, _baseUrl: "" };

/* A plot takes the room it has, whatever changes it: the window, the sidebar, a line of text above. */
const fitting = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.offsetParent !== null && target._fullLayout) window.Plotly.Plots.resize(target);
});
const keepFitting = (plot) => fitting.observe(plot);
