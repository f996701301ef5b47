/* What the page shows, in one place. Gradio's controls call update(); the views subscribe. Loaded in the page's head.
   Knows nothing of pictures or of the server. */
(() => {
  const FIELDS = ["scan", "plane", "index", "strength", "mode", "seed", "opacity", "outline", "shown", "visible", "range", "convention"];
  const listeners = new Set();
  const edits = new Map();   // by slice
  const taken = new Set();   // tokens of scans whose link's edits were taken
  let state = {};

  /* Values in the order of FIELDS. The controls change one after another: combinations that do not exist wait for the next call. */
  function update(...values) {
    const next = Object.fromEntries(FIELDS.map((field, i) => [field, values[i]]));
    const view = next.scan?.planes?.[next.plane];
    if (!view || !(next.index >= 0 && next.index < view.count)) return [];
    if (!Number.isFinite(next.seed) || !Number.isFinite(next.strength)) return [];
    takeForced(next.scan);
    state = { ...next, seed: Math.round(next.seed), changed: performance.now() };
    state.edits = view.acquired ? edits.get(place()) ?? [] : [];
    if (codesOf !== state.scan.checkpoint) lit = [];
    state.lit = lit;
    for (const listener of listeners) listener(state);
    link();
    return [];
  }

  /* Codes of the scan's codebook whose voxels are lit in every view that can; a code means nothing in another codebook. */
  let lit = [], codesOf = "";

  function light(codes) {
    [lit, codesOf] = [[...codes], state.scan?.checkpoint];
    state = { ...state, lit, changed: performance.now() };
    if (state.scan) for (const listener of listeners) listener(state);
  }

  const place = () => [state.scan.token, state.plane, state.index].join(" ");

  /* A link may ask for forced tokens: Python has checked them against the scan. They are taken once and undone as any. */
  function takeForced({ token, forced }) {
    if (!forced?.edits.length || taken.has(token)) return;
    taken.add(token);
    edits.set([token, forced.plane, forced.index].join(" "), forced.edits);
  }

  /* Tokens of the slice on show that are forced to a code: [[row, column, code], ...], the newest last. */
  function edit(list) {
    if (!state.scan?.planes[state.plane].acquired) return;
    edits.set(place(), list);
    state = { ...state, edits: list, changed: performance.now() };
    for (const listener of listeners) listener(state);
    link();
  }

  /* Forced tokens as app/edits.py writes and reads them. */
  function editsAsText(list) {
    const codes = new Map(list.map(([row, column, code]) => [row + "." + column, code]));
    return [...codes].map(([there, code]) => there + "." + code).join("_");
  }

  /* The address always reproduces what is shown, except an upload: that is nobody else's. */
  const LINKED = { case: () => (state.scan.own ? "" : state.scan.name), checkpoint: () => state.scan.checkpoint, plane: () => state.plane, slice: () => state.index,
    eps: () => state.strength, mode: () => state.mode, seed: () => state.seed, edits: () => editsAsText(state.edits), tab: () => tab };
  const more = {};           // what a tab adds to it: null takes a name out
  let tab = new URLSearchParams(location.search).get("tab") ?? "see";
  let linking = 0;

  function link() {
    // Browsers refuse more than some hundred changes of the address in half a minute: a drag makes one.
    clearTimeout(linking);
    linking = setTimeout(() => {
      const address = new URL(location.href);
      for (const [name, value] of Object.entries(LINKED)) address.searchParams.set(name, value());
      if (state.scan.own) address.searchParams.delete("case");
      if (!state.edits.length) address.searchParams.delete("edits");
      for (const [name, value] of Object.entries(more)) {
        if (value === null) address.searchParams.delete(name);
        else address.searchParams.set(name, value);
      }
      if (address.href !== location.href) history.replaceState(history.state, "", address);
    }, 200);
  }

  function linkMore(values) {
    Object.assign(more, values);
    if (state.scan) link();
  }

  function showTab(name) {
    tab = name;
    if (state.scan) link();
    return [];
  }

  /* What a link asks for, for Python to check. */
  const linked = () => [Object.fromEntries(new URLSearchParams(location.search))];

  function subscribe(listener) {
    listeners.add(listener);
    if (state.scan) listener(state);
    return () => listeners.delete(listener);
  }

  /* Move a slider of the sidebar as a hand would, so that there is one way for a value to change. */
  function setSlider(id, value) {
    const range = document.querySelector(`#${id} input[type=range]`);
    if (!range || range.disabled) return;
    const low = Number(range.min), high = Number(range.max), step = Number(range.step) || 1;
    const bounded = Math.min(high, Math.max(low, Math.round(value / step) * step));
    range.value = String(Number(bounded.toFixed(4)));
    range.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const click = (selector) => document.querySelector(selector)?.click();
  const KEYS = {
    ArrowRight: () => setSlider("slice", state.index + 1),
    ArrowUp: () => setSlider("slice", state.index + 1),
    ArrowLeft: () => setSlider("slice", state.index - 1),
    ArrowDown: () => setSlider("slice", state.index - 1),
    "]": () => setSlider("strength", state.strength + 0.05),
    "[": () => setSlider("strength", state.strength - 0.05),
    r: () => click("#reroll"),
    0: () => click("#reset"),
    h: () => click("#shown input"),
  };
  /* A tab's own keys. An action gives false where it has nothing to do, so that the key keeps its meaning there. */
  const addKeys = (keys) => Object.assign(KEYS, keys);
  const TYPED = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";
  const USES_ARROWS = "input, [role=tab], [role=listbox], [role=option], [role=slider]";

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !state.scan) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const target = event.target instanceof Element ? event.target : document.body;
    if (!Object.hasOwn(KEYS, key) || target.closest(TYPED)) return;
    if (key.startsWith("Arrow") && target.closest(USES_ARROWS)) return;
    if (KEYS[key]() !== false) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#reset")) return;
    edits.clear();
    edit([]);
  });

  window.vqseg = { update, edit, light, subscribe, setSlider, showTab, linked, linkMore, addKeys, get state() { return state; } };
})();
