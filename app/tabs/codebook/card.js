/* The card of a code: everything that is known of one codeword. */
{
  const { state } = codebook;
  const card = part(".card");
  let answer = null, asked = 0, drawnCode = null;

  const section = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);
  const fact = (name, value, title = "") => make("div", { title }, make("dt", {}, name), make("dd", {}, value));

  function header(code) {
    const { book } = state, rank = book.rank[code];
    const step = (sign, label, by) => {
      const other = book.order[rank - 1 + by], button = make("button", { type: "button", ariaLabel: label, title: label, disabled: other === undefined }, sign);
      button.addEventListener("click", () => codebook.pick(other));
      return button;
    };
    const close = make("button", { type: "button", ariaLabel: "Close the card", title: "Close (Esc)" }, "×");
    close.addEventListener("click", () => { codebook.pick(null); part("#codewords").focus(); });
    const line = book.counts[code] ? "rank " + number(rank) + " of " + number(book.size) : "never chosen over " + book.source;
    return make("header", {}, atoms.picture(code), make("div", {}, make("h2", {}, "Code " + code), make("p", {}, line)),
      make("span", { className: "row" }, step("‹", "The next more used code", -1), step("›", "The next less used code", 1), close));
  }

  function facts(code) {
    const { book, presence } = state, total = book.counts.reduce((a, b) => a + b, 0), list = [];
    list.push(fact("Usage", number(book.counts[code]), "Tokens with this code over " + book.source));
    list.push(fact("Share", percent(book.counts[code] / Math.max(1, total), 2)));
    if (presence) list.push(fact("This scan", number(presence.counts[code]), "Tokens with this code in the scan on show"));
    if (book.ablated.size) {
      const drop = book.ablated.get(code);
      list.push(fact("Dice if gone", drop === undefined ? "–" : (drop > 0 ? "+" : "") + drop.toFixed(4).replace("-", "−"), drop === undefined ? "Dice change when removed: measured for the " + book.ablated.size + " most used codes" : "Dice change when its nearest codeword stands in for it everywhere"));
    }
    return make("dl", { className: "facts" }, ...list);
  }

  function classes(code) {
    const { bar, words } = classMix(code), { atom_label: label } = answer ?? {};
    const decoded = Number.isInteger(label) ? " Alone it decodes to " + state.book.classes[label] + "." : "";
    return make("div", { className: "classes" }, bar, make("p", {}, words + "." + decoded));
  }

  /* The slice as a square: where the code's tokens lie on average, and how far around. */
  function position() {
    const { position: at, spread } = answer;
    if (!at) return null;
    const square = make("span", { className: "place", role: "img", ariaLabel: "Mean place in the slice" }), dot = make("i");
    square.style.setProperty("--row", at[0]);
    square.style.setProperty("--column", at[1]);
    square.style.setProperty("--spread", spread);
    square.append(dot);
    return section("Where in the slice", make("div", { className: "row" }, square, make("p", {}, percent(at[0], 0) + " along, " + percent(at[1], 0) + " across the slice as stored, ± " + percent(spread, 0))));
  }

  function neighbours() {
    const rows = answer.neighbours.map(([code, distance, probability]) => {
      const row = make("tr"), cell = (content) => row.append(make("td", {}, content));
      cell(atoms.picture(code));
      cell(codeButton(code));
      cell(distance.toFixed(3));
      const share = make("td", { className: "pi" });
      share.dataset.probability = probability;
      row.append(share);
      return row;
    });
    const head = make("tr", {}, ...["", "code", "distance", ""].map((name) => make("th", {}, name)));
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    return section("Nearest codewords, in the codebook's own space", table, make("p", { className: "hint" }));
  }

  /* pi(j|i) follows epsilon without asking again. */
  function tellStrength() {
    const page = window.vqseg.state, head = card.querySelector("th:last-child");
    if (!head || !page.scan) return;
    const { strength } = page, most = Math.max(...answer.neighbours.map((row) => row[2]), 1e-12);
    head.textContent = "π(j|i), ε = " + strength.toFixed(2);
    for (const cell of card.querySelectorAll(".pi")) {
      const share = Number(cell.dataset.probability);
      cell.textContent = (strength * share).toFixed(4);
      cell.style.setProperty("--share", share / most);
    }
    card.querySelector("section .hint").textContent = strength === 0 ? "At ε = 0 nothing is replaced; the bars show who would be taken." : "With probability " + (1 - strength).toFixed(2) + " the code stays; these ten take " + percent(answer.neighbours.reduce((sum, row) => sum + row[2], 0), 0) + " of what is replaced.";
    card.dataset.strength = strength;
  }

  function partners() {
    if (!answer.partners?.length) return null;
    return section("Most often beside it", make("p", { className: "chips" }, ...answer.partners.map(([code, count]) => make("span", { title: number(count) + " pairs of neighbouring tokens" }, atoms.picture(code), codeButton(code)))));
  }

  function patches() {
    if (!answer.pixels) return null;
    const { side, count } = answer, area = side * side;
    const shown = Array.from({ length: count }, (_, i) => make("span", { className: "patch" }, atoms.canvas(answer.pixels.slice(i * area, (i + 1) * area), side, "A place on a phantom where the code fires")));
    return section("Where it fires on phantoms", count ? make("p", { className: "patches" }, ...shown) : make("p", { className: "hint" }, "Nowhere on the phantoms that were looked at."));
  }

  function draw() {
    const code = state.picked;
    card.dataset.code = code ?? "";
    if (code === null || !state.book?.size) {
      return card.replaceChildren(make("p", { className: "hint" }, "Click a codeword or a cell of the slice: its card opens here. With the map in focus, the arrow keys step through the codes by rank."));
    }
    const known = answer?.code === code;
    const { scrollTop } = card, focused = card.contains(document.activeElement) ? document.activeElement.title : null;
    card.replaceChildren(header(code), facts(code), classes(code), ...(known ? [neighbours(), partners(), patches(), position()].filter(Boolean) : []));
    if (known) tellStrength();
    // What comes later keeps what is being read in its place.
    card.scrollTop = drawnCode === code ? scrollTop : 0;
    drawnCode = code;
    // The buttons were drawn anew: the keyboard stays where it was.
    if (focused !== null) ([...card.querySelectorAll("button")].find((button) => button.title === focused && !button.disabled) ?? card).focus({ preventScroll: true });
  }

  async function follow() {
    const code = state.picked, mine = ++asked, { token } = state;
    if (answer?.code !== code || answer?.token !== token) answer = null;
    draw();
    if (code === null || answer) return;
    const given = await server.card({ token, code });
    if (mine !== asked) return;
    if (!given || given.error) return codebook.say(given?.error ?? "The server did not answer. Choose the code again.");
    answer = { ...given, token };
    draw();
    map.link(answer.neighbours.map(([neighbour]) => neighbour));
    card.dataset.ready = code;
    // The phantoms may have to be drawn first.
    const drawn = await server.patches({ token, code });
    if (mine !== asked || !drawn?.patches) return;
    Object.assign(answer, { pixels: await unpack(drawn.patches), side: drawn.side, count: drawn.count });
    draw();
    card.dataset.patches = drawn.count;
  }

  codebook.subscribe(follow, "picked");
  codebook.subscribe(() => { if (state.picked !== null) draw(); }, "presence");
  codebook.subscribe(tellStrength, "page");
}
