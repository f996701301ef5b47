/* Evolution: the codewords at moments of the training in one common projection, with how many were in use then. */
{
  const { state } = codebook;
  const PAUSE = 1100;
  const slider = part("[data-set=moment]"), play = part("[data-do=play]"), film = part("[data-do=film]"), missing = part(".evolution .missing");
  let story = null, drawn = "", clock = 0;

  async function open() {
    if (state.view !== "evolution" || !state.book?.size || !visible()) return;
    if (story?.key !== state.book.key) {
      const { token, book } = state, answer = await server.evolution({ token });
      if (token !== state.token) return;
      if (!answer || answer.error) return codebook.say(answer?.error ?? "The server did not answer. Choose the view again.");
      story = { ...answer, key: book.key };
      if (answer.steps) Object.assign(story, { places: await typed(Float32Array, answer.places), counts: await typed(Int32Array, answer.counts) });
    }
    missing.hidden = Boolean(story.steps);
    for (const element of root.querySelectorAll(".evolution > :not(.missing)")) element.hidden = !story.steps;
    if (!story.steps || drawn === story.key + ink()) return;
    drawn = story.key + ink();
    slider.max = story.steps.length - 1;
    slider.value = slider.max;
    await draw();
  }

  const size = () => story.counts.length / story.steps.length;
  const bounds = (axis) => {
    let low = Infinity, high = -Infinity;
    for (let i = axis; i < story.places.length; i += 2) [low, high] = [Math.min(low, story.places[i]), Math.max(high, story.places[i])];
    const rim = 0.04 * (high - low);
    return [low - rim, high + rim];
  };

  /* Points of a moment that are in use, or not; a code that a smaller codebook lacked counts -1. */
  function points(moment, inUse) {
    const x = [], y = [], codes = [], n = size();
    for (let code = 0; code < n; code++) {
      const count = story.counts[moment * n + code];
      if (count < 0 || count > 0 !== inUse) continue;
      x.push(story.places[2 * (moment * n + code)]);
      y.push(story.places[2 * (moment * n + code) + 1]);
      codes.push(code);
    }
    return { x, y, customdata: codes };
  }

  async function draw() {
    const blank = { visible: false, showgrid: false, zeroline: false }, small = size() > 6000 ? 3 : 4.5;
    const look = (name, colour, px, opacity) => ({ type: "scattergl", mode: "markers", x: [], y: [], marker: { size: px, color: colour, opacity }, hovertemplate: "code %{customdata}<extra>" + name + "</extra>" });
    const graph = await drawPlot("evolution", [look("not in use", grey(), small - 1, 0.9), look("in use", TEAL, small, 0.85)],
      plotLook({ xaxis: { ...blank, range: bounds(0) }, yaxis: { ...blank, range: bounds(1) }, margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: "pan" }));
    if (!graph.dataset.bound) {
      graph.dataset.bound = "true";
      // A codebook that grew or was pruned since has other codes.
      graph.on("plotly_click", (event) => { if (size() === state.book.size) codebook.pick(event.points[0].customdata); });
    }
    for (const [id, values, range] of [["utilisation", story.utilisation, [0, 1.03]], ["perplexity", story.perplexity, null]]) {
      const yaxis = axisLook("", range ? { range, tickformat: ".0%" } : { rangemode: "tozero", separatethousands: true });
      await drawPlot(id, [{ type: "scatter", mode: "lines+markers", x: story.steps, y: values, line: { width: 3, color: TEAL }, marker: { size: 7 }, hovertemplate: "step %{x:,}: %{y" + (range ? ":.1%" : ":,.0f") + "}<extra></extra>" }],
        plotLook({ xaxis: axisLook("training step", { rangemode: "tozero" }), yaxis, margin: { l: 56, r: 14, t: 8, b: 40 } }));
    }
    go();
  }

  function go() {
    const moment = Number(slider.value), step = story.steps[moment], rest = points(moment, false), used = points(moment, true);
    const both = (name) => [rest[name], used[name]];
    window.Plotly.restyle(part("#evolution"), { x: both("x"), y: both("y"), customdata: both("customdata") }, [0, 1]);
    for (const id of ["utilisation", "perplexity"]) window.Plotly.relayout(part("#" + id), { shapes: [marker(step)] });
    text("moment").textContent = "step " + number(step) + " · " + percent(story.utilisation[moment]) + " in use · perplexity " + number(Math.round(story.perplexity[moment]));
    slider.setAttribute("aria-valuetext", text("moment").textContent);
    const swatch = (colour, name, count) => make("span", {}, Object.assign(document.createElement("i"), { style: "background:" + colour }), number(count) + " " + name);
    part("[data-part=evolution-legend]").replaceChildren(swatch(TEAL, "in use", used.x.length), swatch(grey(), "not in use", rest.x.length));
    root.dataset.moment = [moment, used.x.length, rest.x.length].join(" ");
  }

  function run(on) {
    clearInterval(clock);
    clock = on ? setInterval(forward, PAUSE) : 0;
    play.setAttribute("aria-pressed", String(on));
    play.textContent = on ? "\u23F8\uFE0E Pause" : "\u25B6\uFE0E Play";
  }

  function forward() {
    if (!visible() || state.view !== "evolution") return run(false);
    slider.value = Number(slider.value) === Number(slider.max) ? 0 : Number(slider.value) + 1;
    go();
    // Once through, then it rests at the end.
    if (slider.value === slider.max) run(false);
  }

  async function save() {
    film.disabled = true;
    film.textContent = "Drawing …";
    const answer = await server.film({ token: state.token });
    film.disabled = false;
    film.textContent = "Save as GIF";
    if (!answer?.bytes) return codebook.say(answer?.error ?? "The server did not answer. Try again.");
    saveFile(Uint8Array.from(atob(answer.bytes), (c) => c.charCodeAt(0)), "image/gif", "codebook_evolution.gif");
  }

  slider.addEventListener("input", () => { run(false); go(); });
  play.addEventListener("click", () => {
    if (clock) return run(false);
    if (slider.value === slider.max) { slider.value = 0; go(); }
    run(true);
  });
  film.addEventListener("click", save);
  codebook.subscribe(open, "view", "book");
  codebook.subscribe(() => run(false), "book");
}
