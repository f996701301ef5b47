/* The words of the Volume tab: what lies under the crosshair, how large the structures are, what there is to be told. */

/* scan and volumes as volumeSource gives them; voxel of the whole scan. */
function readoutOf(state, scan, volumes, voxel) {
  const { about, shape, voxels } = scan, [x, y, z] = voxel.map((v, i) => Math.max(0, Math.min(shape[i] - 1, Math.round((v - about.offsets[i]) / about.steps[i]))));
  const at = x + shape[0] * (y + shape[1] * z);
  const parts = Object.entries(about.axes).map(([plane, axis]) => plane + " " + voxel[axis]);
  if (about.oriented) parts.push(transformed(about.affine, voxel).map((mm) => mm.toFixed(1).replace("-", "−")).join(", ") + " mm");
  parts.push("value " + Number(voxels[at].toPrecision(5)));
  if (volumes) {
    const [before, after] = [volumes.clean, volumes.present].map((one) => state.scan.classes[one.voxels[at]]);
    parts.push(before === after ? after : before + " → " + after);
  }
  return parts.join(" · ");
}

/* One structure's size, led by its colour and name; `before` are its figures at epsilon 0. */
function structurePart(scan, label, figures, before, kind) {
  const part = document.createElement("div"), name = document.createElement("dt"), value = document.createElement("dd"), more = document.createElement("small");
  name.textContent = scan.classes[label];
  name.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
  const measured = figures.millilitres !== null, difference = measured ? figures.millilitres - before.millilitres : figures.voxels - before.voxels;
  const said = measured ? (x) => x.toFixed(1) : (x) => String(x);
  value.textContent = measured ? said(figures.millilitres) + " ml" : figures.voxels + " voxels";
  if (figures.voxels !== before.voxels) {
    const change = document.createElement("span");
    change.textContent = (difference < 0 ? "−" : "+") + said(Math.abs(difference));
    change.title = "against ε = 0";
    value.append(change);
  }
  const parts = [];
  if (kind !== "clean" && figures.dice !== null) parts.push("Dice " + figures.dice.toFixed(3) + " to ε = 0");
  if (kind !== "truth" && figures.truth !== null) parts.push((parts.length ? "" : "Dice ") + figures.truth.toFixed(3) + " to truth");
  more.textContent = parts.join(", ") || "\u00a0";
  value.append(more);
  part.append(name, value);
  return part;
}

const thinningNote = ({ steps, shape }) => (steps.every((step) => step === 1) ? ""
  : "A browser cannot draw all " + shape.join(" × ") + " voxels: of every " + steps.join(" × ") + " one is shown. The figures count all of them.");

/* Several notes at once, each under its name; an empty text takes it away. */
function notes(place) {
  const told = new Map();
  return (name, message) => {
    told.set(name, message);
    place.textContent = [...told.values()].filter(Boolean).join(" ");
    place.hidden = !place.textContent;
  };
}

/* A bar that appears for what takes longer than a moment; null takes it away. */
function progressBar(place) {
  let patience = 0;
  return (message, share) => {
    if (message === null) {
      clearTimeout(patience);
      patience = 0;
      place.hidden = true;
      return;
    }
    place.querySelector("span").textContent = message;
    place.querySelector("progress").value = share;
    if (!patience) patience = setTimeout(() => (place.hidden = false), 400);
  };
}
