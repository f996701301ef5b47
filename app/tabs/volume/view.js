/* The Volume tab: what is on show, the crosshair that it shares with the other tabs, and who draws it. Nothing is asked for before the
   tab is on show, and nothing while it is not. Its parts are the other volume_*.js;
   app/volume_routes.py serves them as one function of element and props. */
const root = element.querySelector(".volume");
const stage = root.querySelector(".stage");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const chosen = (name) => root.querySelector("[data-choice=" + name + "] input:checked")?.value;
const source = volumeSource(new URL(props.value.volumes, location.href));
const note = notes(root.querySelector(".notice")), progress = progressBar(root.querySelector(".progress"));
const GONE = [255, 43, 184];        // what changed to background
const REST = 250;                   // milliseconds without a change before labels are asked for

let view = null;            // niivueView or planesView
let scan = null;            // the volume on show, of `token`
let token = null;
let opening = null;         // the token that is being opened, and its AbortController
let volumes = null;         // {key, kind, clean, present, truth}: the labels on show
let fetching = null, waiting = 0, painting = 0;

const visible = () => element.offsetParent !== null;
const stateOf = () => window.vqseg.state;

function follow(state) {
  if (!visible() || !state.scan) return stop();
  const flat = Object.values(state.scan.planes).some((plane) => plane.count < 2);
  empty(flat ? "A single picture has no volume. Choose a scan with several slices to see it in three planes and in 3D." : "");
  if (flat) return stop();
  text("strength").textContent = state.strength.toFixed(2);
  root.querySelector("[data-needs=truth]").hidden = !state.scan.truth;
  if (!state.scan.truth && chosen("labels") === "truth") root.querySelector("[value=present]").checked = true;
  if (token !== state.scan.token) return openScan(state);
  syncCrosshair(state);
  wantLabels(state);
}

function stop() {
  clearTimeout(waiting);
  opening?.cancel.abort();
  fetching?.abort();
  opening = fetching = null;
  progress(null);
}

async function openScan(state) {
  if (opening?.token === state.scan.token) return;
  stop();
  const mine = (opening = { token: state.scan.token, cancel: new AbortController() });
  progress("Loading the scan", 0);
  try {
    const request = { token: mine.token, part: "scan" };
    const [volume] = await Promise.all([source.get(request, { signal: mine.cancel.signal, progress() {} }), prepareView()]);
    if (opening !== mine) return;
    token = volumes = null;
    await view.load(volume);
    if (opening !== mine) return;
    [scan, token, sent, crosshair] = [volume, mine.token, null, volume.about.start];
    note("thinning", thinningNote(volume.about));
    syncCrosshair(stateOf());
    moveView();
    wantLabels(stateOf(), 0);
  } catch (error) {
    if (error.name !== "AbortError" && opening === mine) note("error", error.message);
  } finally {
    if (opening === mine) {
      opening = null;
      progress(null);
    }
  }
}

/* --- who draws --- */
let preparing = null;
const prepareView = () => (preparing ??= chooseView());

async function chooseView() {
  const graphics = graphicsOf();
  let why = "This browser offers no WebGL 2";
  if (graphics) {
    try {
      view = await niivueView(root.querySelector(".view"), new URL(props.value.niivue, location.href), { moved, scrolled, lost });
    } catch (error) {
      why = error.message;
    }
  }
  if (!view) fallBack(why);
  offerLayouts(graphics && !graphics.slow ? "both" : "planes");
}

function fallBack(why) {
  root.querySelector(".view").replaceChildren();
  view = planesView(root.querySelector(".view"), { moved, scrolled });
  note("graphics", why + ": the three planes are drawn without it, and there is no 3D view.");
}

function offerLayouts(layout) {
  for (const input of root.querySelectorAll("[data-choice=layout] input")) {
    input.disabled = !view.layouts.includes(input.value);
    input.checked = input.value === layout && !input.disabled;
  }
  root.dataset.view = view.name;
  arrange();
}

function arrange() {
  view.layout(chosen("layout"));
  root.querySelector(".through").hidden = chosen("layout") === "planes";
  root.dataset.layout = chosen("layout");
}

/* The graphics card was taken away, as happens when a laptop sleeps: the planes need none. */
async function lost() {
  if (view.name !== "niivue") return;
  fallBack("The browser lost its graphics");
  offerLayouts("planes");
  if (!scan) return;
  await view.load(scan);
  moveView();
  paint();
}

/* --- labels --- */
function wishOf(state) {
  const { strength, mode, seed } = state, labels = { token: state.scan.token, part: "labels" };
  // At 0 every seed gives the same.
  const clean = { ...labels, strength: 0, mode: "resample", seed: 0 }, present = strength > 0 ? { ...labels, strength, mode, seed } : clean;
  return { clean, present, truth: chosen("labels") === "truth" ? { token: state.scan.token, part: "truth", name: String(state.scan.truth) } : null };
}

function wantLabels(state, rest = REST) {
  const wish = wishOf(state), kind = chosen("labels"), key = JSON.stringify([wish, kind]);
  schedule();
  if (fetching?.key === key) return;
  clearTimeout(waiting);
  fetching?.abort();
  fetching = null;
  progress(null);
  if (volumes?.key === key) return;
  const here = Object.values(wish).every((request) => !request || source.has(request));
  waiting = setTimeout(() => fetchLabels(wish, kind, key), here ? 0 : rest);
}

async function fetchLabels(wish, kind, key) {
  const cancel = (fetching = Object.assign(new AbortController(), { key }));
  const message = "Decoding the volume at ε = " + wish.present.strength.toFixed(2);
  const options = { signal: cancel.signal, progress: (share) => { if (fetching === cancel) progress(message, share); } };
  try {
    const got = { key, kind };
    for (const [name, request] of Object.entries(wish)) if (request) got[name] = await source.get(request, options);
    if (fetching !== cancel) return;
    volumes = got;
    note("error", "");
    paint();
  } catch (error) {
    if (error.name !== "AbortError" && fetching === cancel) note("error", error.message);
  } finally {
    if (fetching === cancel) {
      fetching = null;
      progress(null);
    }
  }
}

/* --- drawing --- */
function schedule() {
  if (!painting) painting = requestAnimationFrame(paint);
}

function windowOf(state) {
  const set = window.vqseg.pictures.windows[state.range];
  if (set) return [set[0] - set[1] / 2, set[0] + set[1] / 2];
  const [black, white] = state.range === "percentiles" ? scan.about.percentiles : scan.about.window;
  return [black, Math.max(white, black + 1e-6)];
}

/* The array that was chosen; for changes the new label where it differs, and one more for what is background now. */
function labelsOf({ kind, present, clean, truth }, { drawn }) {
  if (kind !== "changed") return { present, clean, truth }[kind].voxels;
  const out = new Uint8Array(clean.voxels.length), gone = drawn.length - 1;
  for (let i = 0; i < out.length; i++) {
    const [before, after] = [clean.voxels[i], present.voxels[i]];
    if (before !== after && (drawn[before] || drawn[after])) out[i] = drawn[after] ? after : gone;
  }
  return out;
}

/* How it is drawn; what changed is a voxel here and there, so in full. classes and visible as window.vqseg.pictures reads them. */
function lookOf(state) {
  const { classes, colours, planes } = state.scan, changes = volumes?.kind === "changed", visible = [...state.visible, "(gone)"];
  return { shown: state.shown, outline: state.outline && !changes, opacity: changes ? 1 : state.opacity, window: windowOf(state),
    convention: state.convention, planes, visible, scan: { classes: [...classes, "(gone)"], colours: [...colours, GONE] },
    drawn: [...classes, "(gone)"].map((name, i) => i > 0 && visible.includes(name)), axis: scan.about.axes[scan.about.acquired] };
}

function paint() {
  cancelAnimationFrame(painting);
  painting = 0;
  const state = stateOf();
  if (!scan || token !== state.scan.token || !visible()) return;
  const look = lookOf(state), key = JSON.stringify([token, volumes?.key, view.name, look]);
  if (paint.last !== key) view.show({ ...look, labels: volumes && state.shown ? labelsOf(volumes, look) : null });
  paint.last = key;
  write(state);
  if (volumes) root.dataset.shown = [volumes.kind, volumes.present.about.replaced_share.toFixed(4)].join(" ");
}

function write(state) {
  if (crosshair) text("readout").textContent = readoutOf(state, scan, volumes, crosshair);
  if (!volumes) return;
  const chosen = { truth: "truth", clean: "clean" }[volumes.kind] ?? (volumes.present === volumes.clean ? "clean" : "present");
  const figures = volumes[chosen].about.figures, before = volumes.clean.about.figures;
  root.querySelector(".figures").replaceChildren(...figures.map((one, i) => structurePart(state.scan, i + 1, one, before[i], chosen)));
}

function empty(message) {
  const place = root.querySelector(".empty");
  place.textContent = message;
  place.hidden = !message;
  for (const part of [".bar", ".readout", ".figures", ".keys"]) root.querySelector(part).hidden = Boolean(message);
}

root.addEventListener("change", (event) => {
  const choice = event.target.closest("[data-choice]")?.dataset.choice;
  if (choice === "layout" && view) arrange();
  if (choice === "labels" && scan) wantLabels(stateOf(), 0);
});
root.querySelector(".through input").addEventListener("input", (event) => view.seeThrough(Number(event.target.value)));
document.addEventListener("click", (event) => { if (event.target.closest?.("#reset")) view?.reset(); });
stage.addEventListener("keydown", press);
stage.addEventListener("pointerdown", () => stage.focus({ preventScroll: true }));
new IntersectionObserver(() => follow(stateOf())).observe(element);
window.vqseg.subscribe(follow);
window.vqseg.volume = { get view() { return view; } };
