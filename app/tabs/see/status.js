/* The texts around the pictures: name, figures, the pixel under the cursor, messages. Part of the view, see viewer.js. */
function write(request, frame, view, state) {
  text("replaced").textContent = (100 * frame.replaced_share).toFixed(1) + " %";
  text("dice").textContent = frame.dice_vs_clean.toFixed(3);
  text("psnr").textContent = frame.psnr.toFixed(1) + " dB";
  text("milliseconds").textContent = Math.round(frame.milliseconds) + " ms";
  text("grid").textContent = state.scan.grid + " · " + request.plane + " slice " + request.index + " (0–" + (view.count - 1) + ")";
  root.querySelector(".truth").hidden = !frame.truth;
  text("truth").replaceChildren(...(frame.truth ?? []).map((dice, i) => score(state.scan, i + 1, dice)));
}

/* One structure's Dice, led by its colour and name. */
function score(scan, label, dice) {
  const item = document.createElement("span"), name = document.createElement("small");
  name.textContent = scan.classes[label];
  name.style.setProperty("--colour", "rgb(" + scan.colours[label].join(" ") + ")");
  item.append(name, dice === null ? "–" : dice.toFixed(2));
  if (dice === null) item.title = "in neither picture";
  return item;
}

function tellPixel({ row, column, at }) {
  const { request, frame, values } = shown, scan = window.vqseg.state.scan;
  const cell = window.vqseg.frames.cellAt(scan, request.plane, row, column);
  const parts = ["row " + row + ", column " + column, "value " + Number(values[at].toPrecision(5)), scan.classes[frame.labels[at]]];
  if (cell && frame.codes) {
    const [before, after] = [frame.clean_codes[cell.at], frame.codes[cell.at]];
    parts.push("token " + cell.row + ", " + cell.column + ": code " + before + (before === after ? "" : " → " + after));
  }
  text("readout").textContent = parts.join(" · ");
}

/* A picture that cuts through all slices comes when they are decoded; the one before stays until then. */
function tellProgress({ done, of }) {
  root.querySelector(".busy").hidden = false;
  root.querySelector(".busy progress").value = done / of;
  text("busy").textContent = "Decoding slice " + Math.min(done + 1, of) + " of " + of;
}

/* Sliders below the pictures, for narrow screens where the sidebar is far away. */
function moveScrubs({ strength, index, plane, scan }) {
  const told = { strength: [strength, strength.toFixed(2), 1], slice: [index, String(index), Math.max(1, scan.planes[plane].count - 1)] };
  for (const [name, label] of scrubs) {
    const [value, words, last] = told[name];
    Object.assign(label.lastElementChild, { max: last, value, disabled: name === "slice" && scan.planes[plane].count < 2 });
    label.querySelector("output").textContent = words;
  }
}

function leave(leaving) {
  root.toggleAttribute("data-leaving", leaving);
  root.setAttribute("aria-busy", String(leaving));
}

function describe(scan) {
  text("name").textContent = scan.name;
  text("name").title = scan.name;
  text("outside").hidden = !scan.outside;
}

function say(message) {
  notice.hidden = !message;
  notice.textContent = message;
}
