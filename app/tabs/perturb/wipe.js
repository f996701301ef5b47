/* A view that is pinned as A, and the wipe that lays it over B, the view on show. Part of the tab, see perturb.js. */
let pinned = null;     // {strength, mode, seed, edits, home}: home is the slice that its forced tokens belong to
let frameA = null;     // {key, frame}: A's answer on the slice on show, frame null until it is there

const wipes = [...root.querySelectorAll(".wipe")];
const sliceOf = (request) => [request.token, request.plane, request.index].join(" ");

function pin() {
  const { strength, mode, seed, edits } = shown.request;
  pinned = { strength, mode, seed, edits, home: sliceOf(shown.request) };
  schedule();
}

function unpin() {
  pinned = frameA = null;
  schedule();
}

/* A's settings on the slice on show: they follow to other slices, its forced tokens stay at home. */
function settingsA() {
  const { strength, mode, seed, edits, home } = pinned;
  return { strength, mode, seed, edits: home === sliceOf(shown.request) ? edits : [] };
}

function drawPinned(view, state) {
  const button = root.querySelector("[data-do=pin]");
  button.setAttribute("aria-pressed", String(Boolean(pinned)));
  button.textContent = pinned ? "Unpin A" : "Pin A";
  if (pinned) askForA();
  const frame = pinned && frameA.frame;
  for (const panelName of ["segmentation", "picture"]) {
    // One seed's segmentation is nothing to lay over a map of many seeds.
    const open = Boolean(frame) && !(panelName === "segmentation" && mapOnShow() === "sensitivity");
    root.querySelectorAll("[data-panel=" + panelName + "] :is(.pinned, b, .wipe)").forEach((piece) => (piece.hidden = !open));
  }
  if (frame) drawBranches(...["segmentation", "picture"].map((name) => root.querySelector("[data-panel=" + name + "] .pinned canvas")), frame, view, state);
  tellComparison(frame);
}

async function askForA() {
  const settings = settingsA(), key = JSON.stringify([sliceOf(shown.request), settings]);
  if (frameA?.key === key) return;
  frameA = { key, frame: null };
  const frame = await window.vqseg.frames.frameOf(settings);
  if (frameA?.key !== key) return;
  if (!frame) return say("The server did not answer for the pinned view. Unpin A and pin it again.");
  frameA.frame = frame;
  schedule();
}

function tellComparison(frame) {
  const line = text("comparison");
  line.hidden = !pinned;
  delete root.dataset.compared;
  if (!pinned) return;
  const a = settingsA(), differing = differences(a, shown.request);
  if (!frame) line.textContent = "A is being decoded.";
  else if (!differing.length) line.textContent = "A is pinned, and B is the same still: change epsilon, seed, replacement or a token.";
  else {
    const { dice, same } = agreementOf(frame.labels, shown.frame.labels, window.vqseg.state.scan.classes.length);
    const [one, other] = [0, 1].map((i) => differing.map((pair) => pair[i]).join(", "));
    line.textContent = "A: " + one + ". B: " + other + ". Dice of A and B " + dice.toFixed(3) + ", the same label in " + (100 * same).toFixed(1) + " % of the pixels.";
    root.dataset.compared = dice.toFixed(4);
  }
}

/* What the two views differ in, in words: [of A, of B] each. */
function differences(a, b) {
  const forced = ({ edits }) => new Set(edits.map(([row, column]) => row + " " + column)).size + " forced";
  const words = [({ strength }) => "ε " + strength.toFixed(2), ({ mode }) => mode, ({ seed }) => "seed " + seed];
  const pairs = words.map((name) => [name(a), name(b)]).filter(([one, other]) => one !== other);
  return String(a.edits) === String(b.edits) ? pairs : [...pairs, [forced(a), forced(b)]];
}

/* Mean Dice over the structures in either picture, 1 if there is none, and the share of equal labels: as vqseg.inference has them. */
function agreementOf(one, other, classes) {
  const sizes = new Float64Array(classes), common = new Float64Array(classes);
  let same = 0;
  for (let i = 0; i < one.length; i++) {
    sizes[one[i]]++;
    sizes[other[i]]++;
    if (one[i] === other[i]) {
      same++;
      common[one[i]]++;
    }
  }
  const scores = Array.from(sizes.keys()).filter((label) => label > 0 && sizes[label] > 0).map((label) => (2 * common[label]) / sizes[label]);
  return { dice: scores.length ? scores.reduce((a, b) => a + b) / scores.length : 1, same: same / one.length };
}

for (const wipe of wipes) {
  wipe.addEventListener("input", () => {
    for (const each of wipes) each.value = wipe.value;
    root.style.setProperty("--wipe", wipe.value / 100);
  });
}
