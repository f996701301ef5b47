/* Usage: rank and frequency, the classes of all codes in use, and the codes as a list to hunt in. */
{
  const { state } = codebook;
  const PAGE = 100, IMPURE = 0.6;
  const filter = part("[data-set=filter]"), body = part(".list tbody"), head = part(".list thead tr");
  let sort = { column: "rank", rising: true }, listed = [], shown = 0, drawn = "";
  let columns = [];            // codes in use, in the heatmap's order

  const COLUMNS = {
    code: { title: "code", value: (code) => code },
    class: { title: "class", value: (code) => state.book.majority[code], tell: (code) => state.book.classes[state.book.majority[code]] ?? "–" },
    tokens: { title: "tokens", value: (code) => state.book.counts[code], tell: (code) => number(state.book.counts[code]) },
    rank: { title: "rank", value: (code) => state.book.rank[code], tell: (code) => (state.book.counts[code] ? number(state.book.rank[code]) : "–") },
    purity: { title: "purity", value: (code) => state.book.purity[code], tell: (code) => (state.book.counts[code] ? percent(state.book.purity[code], 0) : "–") },
    here: { title: "scan", value: (code) => state.presence?.counts[code] ?? 0, tell: (code) => (state.presence ? number(state.presence.counts[code]) : "–") },
  };

  function listedCodes() {
    const { book, presence, selected } = state, used = [...book.order].filter((code) => book.counts[code]), median = used.length ? book.counts[used[used.length >> 1]] : 0;
    const here = (code) => (presence?.counts[code] ?? 0) > 0;
    const keeps = { all: () => true, dead: (code) => !book.counts[code], impure: (code) => book.counts[code] > 0 && book.purity[code] < IMPURE,
      rare: (code) => book.counts[code] > 0 && book.counts[code] < median / 10, here, new: (code) => here(code) && !book.counts[code] };
    const from = filter.value === "marked" ? selected : [...book.order].filter(keeps[filter.value]);
    const { value } = COLUMNS[sort.column], sign = sort.rising ? 1 : -1;
    // What is not known comes last, whichever way the others go.
    const order = (a, b) => Number.isNaN(value(a)) - Number.isNaN(value(b)) || sign * (value(a) - value(b)) || a - b;
    return [...from].sort(order);
  }

  function list() {
    if (state.view !== "usage" || !state.book?.size) return;
    listed = listedCodes();
    shown = 0;
    body.replaceChildren();
    more();
    text("listed").textContent = number(listed.length) + (listed.length === 1 ? " code" : " codes");
    for (const name of ["mark-list", "save-list"]) part("[data-do=" + name + "]").disabled = !listed.length;
    head.replaceChildren(...Object.entries(COLUMNS).map(([name, { title }]) => {
      const button = make("button", { type: "button", className: "code" }, title + (sort.column === name ? (sort.rising ? " ↑" : " ↓") : ""));
      button.addEventListener("click", () => {
        sort = { column: name, rising: sort.column === name ? !sort.rising : ["code", "class", "rank", "purity"].includes(name) };
        list();
        head.querySelectorAll("button")[Object.keys(COLUMNS).indexOf(name)].focus();
      });
      const cell = make("th", { scope: "col" }, button);
      cell.setAttribute("aria-sort", sort.column !== name ? "none" : sort.rising ? "ascending" : "descending");
      return cell;
    }));
    part(".list").dataset.listed = listed.length;
  }

  function more() {
    const next = listed.slice(shown, shown + PAGE);
    body.append(...next.map((code) => {
      const { bar } = classMix(code), open = codeButton(code);
      open.addEventListener("click", showCard);
      const cells = Object.entries(COLUMNS).map(([name, { tell }]) => make("td", {}, ...(name === "code" ? [open] : name === "class" ? [bar, " ", tell(code)] : [tell(code)])));
      return make("tr", {}, ...cells);
    }));
    shown += next.length;
    part("[data-do=more]").hidden = shown >= listed.length;
  }

  /* The card stands beside the map. */
  function showCard() {
    part("[name=codes-view][value=map]").checked = true;
    codebook.show("map");
    part(".card").focus();
  }

  function csv() {
    const { book } = state, names = ["code", "class", ...book.classes.map((name) => "tokens_" + name), "tokens", "rank", "purity", "tokens_in_scan"];
    const quoted = (value) => (/[",\n]/.test(value) ? '"' + String(value).replaceAll('"', '""') + '"' : value);
    const rows = listed.map((code) => [code, book.classes[book.majority[code]] ?? "", ...book.classCounts.subarray(code * book.classes.length, (code + 1) * book.classes.length),
      book.counts[code], book.rank[code], Number.isNaN(book.purity[code]) ? "" : book.purity[code].toFixed(4), state.presence?.counts[code] ?? ""]);
    return [names, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  }

  async function draw() {
    if (state.view !== "usage" || !state.book?.size || !visible()) return;
    const { book } = state, key = book.key + ink();
    if (key === drawn) return;
    drawn = key;
    const used = [...book.order].filter((code) => book.counts[code]);
    const curve = { type: "scattergl", mode: "lines", x: used.map((_, i) => i + 1), y: used.map((code) => book.counts[code]), customdata: used, line: { width: 3, color: TEAL }, hovertemplate: "rank %{x:,}<br>code %{customdata}<br>%{y:,} tokens<extra></extra>" };
    const decades = { type: "log", dtick: 1, exponentformat: "none", separatethousands: true };
    const frequency = await drawPlot("frequency", [curve, { type: "scatter", mode: "markers", x: [], y: [], marker: { size: 12, color: MARK }, hoverinfo: "skip" }],
      plotLook({ xaxis: axisLook("rank of the codeword", decades), yaxis: axisLook("tokens", decades) }));
    columns = used.sort((a, b) => book.majority[a] - book.majority[b] || book.purity[b] - book.purity[a] || a - b);
    await drawClasses(book);
    onClick(frequency, (point) => point.customdata);
    point();
  }

  // plotly reads texts as HTML and templates.
  const plain = (name) => name.replace(/[<>&%{}]/g, "");

  /* One row a class, its intensity the class's share of each code. */
  async function drawClasses(book) {
    const n = book.classes.length;
    const rows = book.classes.map((name, label) => ({
      type: "heatmap", x0: 0, dx: 1, y0: label, dy: 1, z: [columns.map((code) => book.classCounts[code * n + label] / book.counts[code])], customdata: [columns], zmin: 0, zmax: 1, showscale: false,
      colorscale: [[0, "rgba(0,0,0,0)"], [1, classColour(label)]], hovertemplate: "code %{customdata}<br>" + plain(name) + " %{z:.0%}<extra></extra>",
    }));
    const layout = plotLook({ xaxis: axisLook("codes in use", { showgrid: false, showticklabels: false, ticks: "" }), yaxis: axisLook("", { range: [n - 0.5, -0.5], showgrid: false, fixedrange: true, tickvals: book.classes.map((_, i) => i), ticktext: book.classes.map(plain) }), margin: { l: 90, r: 14, t: 8, b: 30 } });
    onClick(await drawPlot("classes", rows, layout), (point) => columns[Math.round(point.x)]);
  }

  function onClick(graph, codeOf) {
    if (graph.dataset.bound) return;
    graph.dataset.bound = "true";
    graph.on("plotly_click", (event) => {
      codebook.pick(Number(codeOf(event.points[0])));
      showCard();
    });
  }

  /* The code of the card on both plots. */
  function point() {
    const { book, picked } = state, known = picked !== null && book?.counts[picked] > 0;
    if (!drawn || !part("#frequency").dataset.drawn || state.view !== "usage") return;
    window.Plotly.restyle(part("#frequency"), { x: [known ? [book.rank[picked]] : []], y: [known ? [book.counts[picked]] : []] }, [1]);
    if (part("#classes").dataset.drawn) window.Plotly.relayout(part("#classes"), { shapes: known ? [marker(columns.indexOf(picked))] : [] });
  }

  filter.addEventListener("change", list);
  root.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name === "more") more();
    if (name === "save-list") saveFile(csv(), "text/csv", "codes_" + filter.value + ".csv");
    if (name !== "mark-list") return;
    codebook.select(listed, "list");
    part("[name=codes-view][value=map]").checked = true;
    codebook.show("map");
  });
  codebook.subscribe(() => { draw(); list(); point(); }, "view", "book");
  codebook.subscribe(list, "presence");
  codebook.subscribe(() => { if (filter.value === "marked") list(); }, "selection");
  codebook.subscribe(point, "picked");
}
