/* The lesson: its step, its language, what was predicted. Numbers and pictures come from the server for the scan on show; nothing of
   an answer is in the page before the visitor has committed to a prediction. */
const root = element.querySelector(".lesson");
const part = (selector) => root.querySelector(selector);
const { steps: STEPS, texts: TEXTS, equations: EQUATIONS } = props.value;
const asked = new URLSearchParams(location.search);
const whole = (text) => (/^\d+$/.test(text ?? "") ? Number(text) : null);

const lesson = {
  step: Math.min(STEPS.length, Math.max(1, whole(asked.get("step")) ?? 1)) - 1,
  language: Object.hasOwn(TEXTS, asked.get("lang") ?? "") ? asked.get("lang") : "en",
  large: asked.get("large") === "1",
  notes: asked.get("notes") === "1",
  cell: /^\d+,\d+$/.test(asked.get("cell") ?? "") ? asked.get("cell").split(",").map(Number) : null,
  both: 0.9,
  whole: null,            // the whole slice or its focus; null: as the step would have it
};
const visited = new Set(), predictions = {}, drafts = {};   // predictions: by step, {guess, truth, key}
let answer = null;      // the newest, with its key and unpacked pictures
let wanted = "", busy = false, problem = "";
let shown = null, token = null, drawing = 0, told = "";

const visible = () => element.offsetParent !== null;
const name = () => STEPS[lesson.step];
const texts = () => TEXTS[lesson.language];
const stepTexts = () => texts().steps[name()];
const n = (value) => typeof value !== "number" ? value : value.toLocaleString(lesson.language, Number.isInteger(value) ? {} : { maximumSignificantDigits: 3 });
const fill = (text, facts = {}) => text.replace(/\{(\w+)\}/g, (_, key) => (key in facts ? n(facts[key]) : "…"));
const ui = (key, facts) => fill(texts().ui[key], facts);

/* --- numbers of the step on show --- */
function request() {
  const { scan, plane, index, mode, seed } = window.vqseg.state;
  return { token: scan.token, plane, index, strength: 0, mode, seed, step: name(), cell: lesson.cell };
}

async function wish() {
  const state = window.vqseg.state;
  if (!visible() || !state.scan) return;
  if (!state.scan.planes[state.plane].acquired) return draw();
  visited.add(name());
  wanted = JSON.stringify(request());
  draw();
  if (busy) return;
  busy = true;
  while (wanted !== answer?.key && wanted !== problem.key) await fetchAnswer(wanted);
  busy = false;
  draw();
}

async function fetchAnswer(key) {
  const given = await server.lesson(JSON.parse(key));
  // A square that an old or mistyped link names, and this scan does not have, counts as not said.
  if (given?.error && lesson.cell) {
    lesson.cell = null;
    return (wanted = JSON.stringify(request()));
  }
  if (!given || given.error) return (problem = { key, text: given?.error ?? ui("no_answer") });
  const pictures = Object.fromEntries(await Promise.all(Object.entries(given.pictures).map(async ([name, packed]) => [name, await window.vqseg.frames.unpack(packed)])));
  if (key === wanted && !lesson.cell) {
    lesson.cell = given.cell;
    wanted = key = JSON.stringify(request());
  }
  answer = { ...given, pictures, key };
}

/* The numbers that belong to what is on show; null while they are on their way. */
const present = () => (answer?.step === name() && answer.key === wanted && shown?.request.token === token ? answer : null);

/* --- pictures --- */
function pick(cell) {
  change({ cell });
  wish();
}

function look(now) {
  const pieces = part(".pieces"), state = window.vqseg.state, focused = document.activeElement?.dataset?.stage;
  const ready = now && shown.request.plane === state.plane && shown.request.index === state.index;
  root.toggleAttribute("data-waiting", !ready);
  slider();
  if (!ready) return;
  const facts = now.facts, say = (key, more) => fill(texts().pictures[key], { ...facts, ...more });
  const nodes = LOOKS[name()]({ scan: state.scan, facts, data: now.data, pictures: now.pictures, shown, strength: state.strength, both: lesson.both, revealed: Boolean(predictions[name()]),
    mark: now.cell, pick, hint: ui("mark"), focus: focus(now, state), say, n, option: (key) => stepTexts().options[key], at: ([row, column]) => (state.scan.levels - 1) * state.scan.grid_of_tokens[0] * state.scan.grid_of_tokens[1] + row * state.scan.grid_of_tokens[1] + column });
  pieces.replaceChildren(...nodes.filter(Boolean));
  const [rows, columns] = state.scan.planes[state.plane].shape;
  if (now.focus[2] < columns || now.focus[3] < rows) {
    pieces.querySelector(".frame:has([role=application])")?.append(el("button", { type: "button", class: "whole", on: { click: () => change({ whole: !isWhole() }) } }, ui(isWhole() ? "closer" : "whole")));
  }
  pieces.dataset.count = pieces.children.length;
  if (focused) pieces.querySelector(`[data-stage=${focused}]`)?.focus({ preventScroll: true });
  root.dataset.painted = [name(), ...now.cell, predictions[name()] ? "revealed" : "open"].join(" ");
  root.dataset.strength = shown.request.strength;
}

const isWhole = () => lesson.whole ?? Boolean(WHOLE[name()]);

function focus(now, { scan, plane }) {
  const [rows, columns] = scan.planes[plane].shape;
  return isWhole() ? [0, 0, columns, rows] : now.focus;
}

function slider() {
  const kind = SLIDERS[name()], scrub = part(".scrub"), range = scrub.querySelector("input");
  scrub.hidden = !kind || !predictions[name()];
  const value = kind === "rate" ? lesson.both : window.vqseg.state.strength ?? 0;
  range.step = kind === "rate" ? 0.1 : 0.01;
  range.value = value;
  scrub.querySelector("span").textContent = ui(kind === "rate" ? "rate" : "strength");
  scrub.querySelector("output").textContent = n(value);
}

/* --- the frame around it --- */
function frame() {
  const u = (key) => ui(key);
  root.lang = lesson.language;
  root.setAttribute("aria-label", u("lesson"));
  root.classList.toggle("large", lesson.large);
  part(".progress").replaceChildren(...STEPS.map((step, i) => {
    const state = predictions[step] ? "done" : visited.has(step) ? "visited" : "";
    const button = el("button", { type: "button", class: state, title: u("step").replace("{step}", i + 1).replace("{steps}", STEPS.length) + (state ? ", " + u(state) : ""), on: { click: () => go(i) } },
      el("i", {}, String(i + 1)), el("span", {}, texts().steps[step].name));
    if (i === lesson.step) button.setAttribute("aria-current", "step");
    return el("li", {}, button);
  }));
  for (const key of ["back", "next"]) part(`[data-do=${key}]`).textContent = u(key);
  part("[data-do=back]").disabled = lesson.step === 0;
  part("[data-do=next]").disabled = lesson.step === STEPS.length - 1;
  part("[data-text=language]").textContent = u("language");
  part("[data-do=large]").textContent = u("larger");
  part("[data-do=large]").setAttribute("aria-pressed", lesson.large);
  part("[data-do=handout]").textContent = u("handout");
  part("[data-do=language]").value = lesson.language;
  part("[data-text=keys]").textContent = u("keys");
}

function draw() {
  if (!drawing && visible()) drawing = requestAnimationFrame(paint);
}

function paint() {
  drawing = 0;
  const state = window.vqseg.state;
  frame();
  if (!state.scan) return part(".say").replaceChildren(el("p", {}, ui("opening")));
  if (!state.scan.planes[state.plane].acquired) return elsewhere(state.scan);
  const now = present();
  speak(now);
  look(now);
}

/* In other planes there are no squares: one click leads to those that have them. */
function elsewhere(scan) {
  const plane = Object.keys(scan.planes).find((one) => scan.planes[one].acquired), control = document.querySelector(`#plane input[value=${plane}]`);
  told = "";
  part(".pieces").replaceChildren();
  part(".say").replaceChildren(el("h2", {}, stepTexts().title), el("p", { class: "notice" }, ui("plane")),
    el("button", { type: "button", class: "primary", on: { click: () => control?.click() } }, ui("show_plane", { plane: control?.parentElement.textContent.trim() ?? plane })));
}

function change(more) {
  Object.assign(lesson, more);
  window.vqseg.linkMore({ step: lesson.step + 1, lang: lesson.language === "en" ? null : lesson.language, large: lesson.large ? 1 : null, notes: lesson.notes ? 1 : null, cell: lesson.cell?.join(",") ?? null });
  draw();
}

/* Large text fills the window: beside controls there would be no room for it on a projector. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && lesson.large && visible()) change({ large: false });
});

function go(step) {
  if (!visible() || step < 0 || step >= STEPS.length) return false;
  change({ step });
  wish();
  root.scrollIntoView({ block: "nearest" });
  return true;
}

async function handout() {
  const button = part("[data-do=handout]");
  button.disabled = true;
  const given = await server.handout({ ...request(), language: lesson.language, notes: lesson.notes, address: location.origin + location.pathname });
  button.disabled = false;
  if (!given?.page) {
    problem = { key: wanted, text: given?.error ?? ui("no_answer") };
    return draw();
  }
  const link = el("a", { href: URL.createObjectURL(new Blob([given.page], { type: "text/html" })), download: given.name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function follow(state) {
  // Another scan has other squares and other answers.
  if (token !== null && token !== state.scan.token) {
    lesson.cell = null;
    for (const step of STEPS) delete predictions[step];
  }
  token = state.scan.token;
  wish();
}

part("[data-do=language]").append(...Object.entries(TEXTS).map(([code, { language }]) => el("option", { value: code, lang: code }, language)));
part("[data-do=language]").addEventListener("change", (event) => change({ language: event.target.value }));
part("[data-do=large]").addEventListener("click", () => change({ large: !lesson.large }));
part("[data-do=handout]").addEventListener("click", handout);
part("[data-do=back]").addEventListener("click", () => go(lesson.step - 1));
part("[data-do=next]").addEventListener("click", () => go(lesson.step + 1));
part(".scrub input").addEventListener("input", (event) => {
  const value = Number(event.target.value);
  if (SLIDERS[name()] === "rate") change({ both: value });
  else window.vqseg.setSlider("strength", value);
});
const forward = () => go(lesson.step + 1), backward = () => go(lesson.step - 1);
window.vqseg.addKeys({ n: forward, PageDown: forward, p: backward, PageUp: backward });
window.vqseg.frames.subscribe((event) => {
  if (event.shown) shown = event.shown;
  draw();
});
window.vqseg.subscribe(follow);
new IntersectionObserver(() => {
  if (visible()) change({});
  wish();
}).observe(element);
