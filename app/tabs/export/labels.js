/* The label volume at the settings on show, prepared before it is asked for, so that a click saves it. Part of the tab, see export.js. */
const PREPARED_UNASKED = 40;   // slices; a longer scan is decoded when its labels are asked for
const labelsButton = root.querySelector("[data-do=labels]");

let file = null;       // {key, name, bytes}
let preparing = null;  // {key, asked: whether a click waits for it}

/* What the volume depends on: the slice only if tokens are forced in it. */
function labelsKey() {
  const { scan, index, strength, mode, seed, edits } = window.vqseg.state;
  return JSON.stringify([scan.token, strength, mode, seed, edits.length ? [index, edits] : []]);
}

async function prepareLabels(asked) {
  const { scan } = window.vqseg.state, key = labelsKey();
  if (file?.key === key) return asked ? saveLabels() : tellLabels("Ready.");
  if (preparing?.key === key) {
    preparing.asked ||= asked;
    return;
  }
  const slices = Object.values(scan.planes).find((plane) => plane.acquired).count;
  if (!asked && slices > PREPARED_UNASKED) return tellLabels(slices + " slices: they are decoded at these settings when you press the button.");
  const mine = (preparing = { key, asked });
  let answer = { done: 0, of: slices };
  while (mine === preparing && !answer.bytes) {
    tellLabels("Decoding slice " + Math.min(answer.done + 1, answer.of) + " of " + answer.of, answer.done / answer.of);
    answer = await server.labels(request("labels"));
    if (mine !== preparing) return;
    if (!answer || answer.error) {
      stopLabels();
      return say(answer?.error ?? "The server did not answer. Try again.");
    }
  }
  file = { key, name: answer.name, bytes: bytesOf(answer) };
  preparing = null;
  root.dataset.labels = "ready";
  tellLabels("Ready.");
  if (mine.asked) saveLabels();
}

function saveLabels() {
  const { strength, seed, edits } = window.vqseg.state, settings = "_eps" + strength + "_seed" + seed + (edits.length ? "_forced" : "");
  save(file.bytes, "application/gzip", nameOf("_labels" + settings + ".nii.gz", false));
}

/* The settings changed: what is under way is of no use any more. */
function leaveLabels() {
  if (!window.vqseg.state.scan) return;
  if (preparing && preparing.key !== labelsKey()) stopLabels();
  if (file && file.key !== labelsKey()) {
    file = null;
    delete root.dataset.labels;
  }
}

function stopLabels() {
  preparing = null;
  tellLabels("");
}

function tellLabels(message, share) {
  text("labels").textContent = message === "Ready." ? "The labels of all slices at these settings are ready, on the scan's own grid." : message;
  root.querySelector(".work").hidden = share === undefined;
  labelsButton.disabled = share !== undefined && Boolean(preparing?.asked);
  if (share !== undefined) root.querySelector("progress").value = share;
}
