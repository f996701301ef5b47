/* Maps in the place of the segmentation: where only one branch answers (app/branches.py), and how much a label hangs on the seed.
   Part of the tab, see perturb.js. */
const BRANCHES = [null, [216, 27, 154], [86, 180, 233], [244, 244, 244]];   // as app/branches.py counts them; the legend's colours
const HEAT = [255, 153, 26];

let map = null;       // "branches", "sensitivity" or none
let draws = null;     // {key, labels: one picture a seed, shares: of the seeds that differ from most, once all are there}
let running = 0;      // the number of the measurement that is under way, 0 for none
let measurements = 0;

const seedCount = () => Number(root.querySelector(".tools select").value);
const drawsKey = () => settingsKey() + seedCount();
/* The map that is there to be seen: sensitivity only for the very settings that it was measured at. */
const mapOnShow = () => (map === "sensitivity" && !(draws?.shares && draws.key === drawsKey()) ? null : map);

function chooseMap(name) {
  stopDraws();
  map = map === name || (name === "sensitivity" && mapOnShow() === "sensitivity") ? null : name;
  text("tool").textContent = "";
  if (map === "sensitivity") measure();
  schedule();
}

/* Draw the chosen map into a frame's RGBA bytes; false if it is the segmentation's turn. */
function drawMap(out, frame, view) {
  const name = mapOnShow();
  if (!name) return false;
  pictures.grey(out, shown.image);
  for (let i = 0; i < frame.labels.length; i++) {
    const colour = name === "branches" ? BRANCHES[frame.changes[i]] : HEAT, weight = name === "branches" ? 1 : draws.shares[i];
    if (!colour || weight === 0) {
      // The picture steps back behind what is marked in it.
      for (let c = 0; c < 3; c++) out[4 * i + c] = shown.image[i] * 0.6;
    } else for (let c = 0; c < 3; c++) out[4 * i + c] = shown.image[i] * 0.6 * (1 - weight) + colour[c] * weight;
  }
  return true;
}

function tellMaps() {
  const name = mapOnShow();
  root.querySelector("[data-panel=segmentation] figcaption").textContent = name === "branches" ? "Branches" : name === "sensitivity" ? "Sensitivity" : "Segmentation";
  for (const each of ["branches", "sensitivity"]) root.querySelector("[data-do=" + each + "]").setAttribute("aria-pressed", String(map === each));
  root.querySelector(".legend").hidden = name !== "branches";
  if (name === "branches") tellBranches();
  if (name === "sensitivity") tellSensitivity();
  if (map === "sensitivity" && !name && !running) text("tool").textContent = "The view has changed: press Sensitivity for its own map.";
}

function tellBranches() {
  const counts = [0, 0, 0, 0];
  for (const change of shown.frame.changes) counts[change]++;
  const share = (i) => (100 * counts[i] / shown.frame.changes.length).toFixed(1) + " %";
  text("tool").textContent = "A reconstruction counts as changed where it moves by over " + 100 * props.value.noticed + " % of the grey range.";
  text("changed-1").textContent = "label only, " + share(1);
  text("changed-2").textContent = "reconstruction only, " + share(2);
  text("changed-3").textContent = "both, " + share(3);
  root.dataset.branches = counts.join(" ");
}

/* Decode the slice under one seed after the other; each is asked for alone, so that the page stays live and it can be stopped. */
async function measure() {
  const mine = (running = ++measurements), key = drawsKey(), seeds = seedCount(), request = shown.request;
  const labels = draws?.key === key ? draws.labels : [];
  draws = { key, labels, shares: null };
  root.querySelector(".work progress").max = seeds;
  while (labels.length < seeds && running === mine) {
    tellProgress(labels.length, seeds);
    const frame = await window.vqseg.frames.frameOf({ ...request, seed: (request.seed + labels.length) % 2 ** 31 });
    if (running !== mine) return;
    if (!frame) {
      stopDraws();
      map = null;
      return say("The server did not answer. Try again.");
    }
    labels.push(frame.labels);
    if (key !== drawsKey()) return stopDraws();
  }
  draws.shares = sensitivityOf(labels, window.vqseg.state.scan.classes.length);
  stopDraws();
}

function tellProgress(done, seeds) {
  root.querySelector(".work").hidden = false;
  root.querySelector(".work progress").value = done;
  text("tool").textContent = "Decoding seed " + (done + 1) + " of " + seeds;
}

function stopDraws() {
  if (running) text("tool").textContent = "";
  running = 0;
  root.querySelector(".work").hidden = true;
  if (map === "sensitivity" && !draws?.shares) map = null;
  schedule();
}

/* Perturbation sensitivity, no measure of uncertainty: the share of draws whose label differs from the most frequent one there. */
function sensitivityOf(labels, classes) {
  const votes = new Uint8Array(classes);
  return Float32Array.from(labels[0], (_, i) => {
    votes.fill(0);
    for (const picture of labels) votes[picture[i]]++;
    return 1 - Math.max(...votes) / labels.length;
  });
}

function tellSensitivity() {
  const changing = draws.shares.reduce((count, share) => count + (share > 0), 0) / draws.shares.length;
  text("tool").textContent = (100 * changing).toFixed(1) + " % of the pixels change their label between " + draws.labels.length + " seeds; the brighter, the more often.";
  root.dataset.sensitivity = changing.toFixed(4);
}

root.querySelector(".tools select").addEventListener("change", () => {
  if (map !== "sensitivity") return;
  map = null;
  chooseMap("sensitivity");
});
