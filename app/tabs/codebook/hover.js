/* Reading the map: what a codeword under the pointer is, and stepping through the codes by rank with the keyboard. */
const atoms = (() => {
  const kept = new Map();      // by codebook and code: {grey: side x side bytes, side}

  /* The pictures that codes decode to, asked for together. */
  async function get(codes) {
    const { book, token } = codebook.state, key = (code) => book.key + " " + code;
    const lacking = [...new Set(codes)].filter((code) => !kept.has(key(code)));
    if (lacking.length) {
      const answer = await server.atoms({ token, codes: lacking });
      const bytes = answer?.atoms ? await unpack(answer.atoms) : null, area = (answer?.side ?? 0) ** 2;
      lacking.forEach((code, i) => bytes && kept.set(key(code), { grey: bytes.slice(i * area, (i + 1) * area), side: answer.side }));
      while (kept.size > 4096) kept.delete(kept.keys().next().value);
    }
    return codes.map((code) => kept.get(key(code)) ?? null);
  }

  function canvas(grey, side, label) {
    const drawn = document.createElement("canvas"), picture = new ImageData(side, grey.length / side);
    Object.assign(drawn, { width: side, height: grey.length / side });
    grey.forEach((value, i) => picture.data.set([value, value, value, 255], 4 * i));
    drawn.getContext("2d").putImageData(picture, 0, 0);
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", label);
    return drawn;
  }

  /* An element for the atom of a code, filled when it is there. */
  function picture(code) {
    const place = document.createElement("span");
    place.className = "atom";
    get([code]).then(([atom]) => atom && place.replaceChildren(canvas(atom.grey, atom.side, "What code " + code + " decodes to")));
    return place;
  }

  return { picture, canvas };
})();

/* A bar of a code's classes, and in words. */
function classMix(code) {
  const { book } = codebook.state, n = book.classes.length, row = [...book.classCounts.subarray(code * n, (code + 1) * n)];
  const shares = row.map((count, i) => [i, count / Math.max(1, book.counts[code])]).filter(([, share]) => share > 0);
  const bar = document.createElement("span");
  bar.className = "mix";
  for (const [i, share] of shares) {
    const piece = document.createElement("i");
    Object.assign(piece.style, { background: classColour(i), flexGrow: share });
    bar.append(piece);
  }
  const words = [...shares].sort((a, b) => b[1] - a[1]).slice(0, 3).map(([i, share]) => book.classes[i] + " " + percent(share, 0)).join(", ");
  return { bar, words: words || "never chosen" };
}

function inWords(code) {
  const { book, presence } = codebook.state;
  const here = presence ? ", " + number(presence.counts[code]) + " in this scan" : "";
  return "code " + code + ", " + (book.counts[code] ? "rank " + number(book.rank[code]) + ", " + number(book.counts[code]) + " tokens" : "never chosen") + here;
}

const hover = (() => {
  const tip = part(".tip");

  function show(code, at) {
    const { bar, words } = classMix(code), title = document.createElement("strong"), lines = document.createElement("span");
    title.textContent = "Code " + code;
    lines.append(title, inWords(code).split(", ").slice(1).join(" · "), bar, words);
    tip.replaceChildren(atoms.picture(code), lines);
    tip.hidden = false;
    const box = root.getBoundingClientRect(), x = at.clientX - box.left, y = at.clientY - box.top;
    // To the other side of the pointer where there is no room.
    tip.style.left = (x + tip.offsetWidth + 24 > box.width ? Math.max(0, x - tip.offsetWidth - 16) : x + 16) + "px";
    tip.style.top = Math.max(0, Math.min(y + 12, box.height - tip.offsetHeight)) + "px";
    root.dataset.hovered = code;
  }

  function hide() {
    tip.hidden = true;
    delete root.dataset.hovered;
  }

  return { show, hide };
})();

{
  const { state } = codebook;
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20 };

  /* The codes the arrow keys walk through: those that are marked, else all. */
  function walk(step) {
    const { book, picked, selected } = state;
    const path = selected.length ? [...selected].sort((a, b) => book.rank[a] - book.rank[b]) : book.order;
    const at = picked === null ? -1 : path.indexOf(picked);
    return path[Math.min(path.length - 1, Math.max(0, at + step))];
  }

  part("#codewords").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !state.book?.size) return;
    if (event.target.closest("button")) return;
    if (Object.hasOwn(STEPS, event.key)) codebook.pick(walk(state.picked === null ? 1 : STEPS[event.key]));
    else if (event.key === "Home") codebook.pick(state.book.order[0]);
    else if (event.key === "End") codebook.pick(state.book.order[state.book.size - 1]);
    else if (event.key === "Enter") part(".card").focus();
    else if (event.key === "Escape") clear();
    else return;
    event.preventDefault();
  });

  function clear() {
    codebook.pick(null);
    codebook.select([]);
  }

  root.addEventListener("click", (event) => { if (event.target.closest("[data-do=clear]")) codebook.select([]); });
  part(".card").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    clear();
    part("#codewords").focus();
  });
  codebook.subscribe(() => { text("said").textContent = state.picked === null ? "" : inWords(state.picked) + ", " + classMix(state.picked).words; }, "picked");
}
