/* Files and lines of what the page shows, made on the server when asked for and saved by the browser. One function with
   export_labels.js, which follows it. */
const root = element.querySelector(".export");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const notice = root.querySelector(".notice");
const { nameOf, save, bytesOf, prepare, callOff } = window.vqseg.files;
let lines = null;     // the texts of the view on show
let waiting = 0, number = 0;

function request(kind) {
  const { scan, plane, index, strength, mode, seed, edits, opacity, outline, shown, visible } = window.vqseg.state;
  return { token: scan.token, plane, index, strength, mode, seed, edits, opacity, outline, shown, visible, kind, address: location.origin };
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}

/* While a slider moves nothing is asked. */
function follow() {
  clearTimeout(waiting);
  leaveLabels();
  if (element.offsetParent !== null && window.vqseg.state.scan) waiting = setTimeout(refresh, 150);
}

async function refresh() {
  const mine = ++number, asked = request("lines"), answer = await server.export(asked);
  if (mine !== number) return;
  if (!answer || answer.error) return say(answer?.error ?? "The server did not answer.");
  lines = answer;
  text("what").textContent = window.vqseg.state.scan.name + ", " + asked.plane + " slice " + asked.index + ", ε = " + asked.strength.toFixed(2) + ", " + asked.mode + ", seed " + asked.seed + (asked.edits.length ? ", " + asked.edits.length + " forced" : "");
  for (const name of ["python", "client"]) text(name).textContent = lines[name];
  root.dataset.shown = [asked.plane, asked.index, asked.strength, asked.mode, asked.seed, asked.edits.length].join(" ");
  prepareLabels(false);
}

const FILES = {
  tokens: ["text/csv", "_tokens.csv"], png: ["image/png", ".png"], svg: ["image/svg+xml", ".svg"],
  "curves-png": ["image/png", "_curves.png"], "curves-svg": ["image/svg+xml", "_curves.svg"],
};

async function make(kind, button) {
  if (callOff(button)) return;
  say("");
  if (kind === "link") return copy(location.href, button);
  if (kind === "configuration") {
    await refresh();
    return save(lines.configuration, "application/json", nameOf(".json", true));
  }
  const [type, ending] = FILES[kind], name = nameOf(ending, true), hint = text("figure"), said = hint.textContent;
  const wish = request(kind);
  const answer = await prepare(button, () => server.export(wish), ({ done, of }) => (hint.textContent = "Decoding the slice for the curves: " + done + " of " + of));
  hint.textContent = said;
  if (answer === null) return;
  if (!answer?.bytes) return say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer), type, name);
}

function showLines(name) {
  for (const tab of root.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab.dataset.lines === name));
    text(tab.dataset.lines).hidden = tab.dataset.lines !== name;
  }
}

async function copy(content, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(content);
    button.textContent = "Copied";
    if (button.dataset.kind === "link" && window.vqseg.state.scan.own) say("The link holds the settings, not your own scan: elsewhere it opens with an example.");
  } catch {
    return say("This browser does not let a page copy; mark the text and copy it by hand.");
  }
  setTimeout(() => (button.textContent = label), 1500);
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !window.vqseg.state.scan) return;
  if (button.dataset.lines) showLines(button.dataset.lines);
  else if (button.dataset.do === "copy") copy(lines?.[root.querySelector("[role=tab][aria-selected=true]").dataset.lines] ?? "", button);
  else if (button.dataset.do === "labels") prepareLabels(true);
  else if (button.dataset.do === "cancel") stopLabels();
  else make(button.dataset.kind, button);
});
// When all the parts are there.
queueMicrotask(() => {
  new IntersectionObserver(follow).observe(element);
  window.vqseg.subscribe(follow);
});
