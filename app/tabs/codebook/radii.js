/* Two radii: how far dropout and the QPM move what the decoders read, and what that costs on the slice on show. */
{
  const { state } = codebook;
  const DROPOUT = "#d55e00", DASH = "dash";
  let theory = null, drawn = "", measured = null, asked = 0, waiting = 0;

  async function open() {
    if (state.view !== "radii" || !state.book?.size || !visible()) return;
    const { token, book } = state;
    if (theory?.key !== book.key) {
      text("radii").textContent = "Computing the distances between all codewords …";
      const answer = await server.radii({ token });
      if (token !== state.token) return;
      if (!answer || answer.error) return codebook.say(answer?.error ?? "The server did not answer. Choose the view again.");
      theory = { ...answer, key: book.key };
    }
    if (drawn !== theory.key + ink()) {
      drawn = theory.key + ink();
      await drawTheory();
    }
    cost();
  }

  const line = (name, x, y, colour, dash = "solid", more = {}) => ({ type: "scatter", mode: "lines", name, x, y, line: { width: 3, color: colour, dash }, hovertemplate: name + " %{x:.2f}: %{y:.4~g}<extra></extra>", ...more });
  const legend = { showlegend: true, legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { size: 13 }, traceorder: "normal" }, margin: { l: 56, r: 14, t: 8, b: 44 } };

  async function drawTheory() {
    const { strengths, quantized, dropout, low, high } = theory, edge = { type: "scatter", mode: "lines", x: strengths, line: { width: 0 }, hoverinfo: "skip", showlegend: false };
    const band = low ? [{ ...edge, y: low }, { ...edge, y: high, fill: "tonexty", fillcolor: "rgba(35,144,137,.16)", name: "bounds (App. B)", showlegend: true }] : [];
    // As high as dropout at 0.9: what leaves the picture there goes on without bound, and so does the bound, nearly.
    const most = 1.15 * Math.max(...quantized, ...dropout.filter((value, i) => strengths[i] <= 0.9 && value !== null));
    await drawPlot("radius", [...band, line("dropout, p", strengths, dropout, DROPOUT, DASH), line("QPM, ε", strengths, quantized, TEAL)],
      plotLook({ ...legend, xaxis: axisLook("strength: rate p, or ε", { range: [0, 1] }), yaxis: axisLook("KL in nats", { range: [-0.02 * most, most] }) }));
    say();
  }

  /* The next number of two digits above. */
  function above(value) {
    const unit = 10 ** (Math.floor(Math.log10(Math.max(value, 1e-9))) - 1);
    return Number(((Math.floor(value / unit) + 1) * unit).toPrecision(2));
  }

  /* The one sentence that says what to see, with this codebook's own numbers. */
  function say() {
    const { strengths, quantized, dropout } = theory, at = (values, x) => values[strengths.findIndex((s) => Math.abs(s - x) < 1e-6)];
    text("radii").textContent = "Dropout's radius grows without bound, from " + at(dropout, 0.5).toFixed(2) + " nats at p = 0.5 to " + at(dropout, 0.9).toFixed(2)
      + " at p = 0.9; the QPM's stays below " + above(Math.max(...quantized)) + " nats up to ε = 1, because replaced tokens remain codewords.";
  }

  const DICE = (points) => points.map((point) => point.dice_vs_clean);

  /* QPM's curve comes from the frames that are fetched ahead, dropout's from the server, once a slice and seed. */
  async function cost() {
    const page = window.vqseg.state, { request } = state.frame ?? {};
    if (!theory || !request || state.view !== "radii" || !visible() || request.token !== state.token) return;
    const acquired = page.scan.planes[request.plane].acquired, key = [request.token, request.index, request.seed, request.edits].join(" ");
    const bound = "The bounds of Appendix B reach " + Number(theory.high.at(-1).toPrecision(2)) + " nats at ε = 1: finite, as the codewords lie at finite distances.";
    text("radii-more").textContent = !acquired ? "The curves on the right are those of acquired slices: choose another plane."
      : page.mode === "shuffle" ? "Under shuffling the codes stay those of the slice; the radius on the left is that of resampling. " + bound : bound;
    if (acquired && measured?.key !== key) {
      const mine = ++asked;
      measured = { key, rates: [], dice: [] };
      const answer = await server.dropout_cost(request);
      if (mine !== asked) return;
      if (answer?.rates) measured = { key, ...answer };
      else codebook.say(answer?.error ?? "The server did not answer. Choose the view again.");
    }
    drawCost(page, acquired);
  }

  function drawCost(page, acquired) {
    const points = acquired ? window.vqseg.frames.curve : [], known = acquired ? measured : { rates: [], dice: [] };
    text("radii-slice").textContent = "Dice against the undisturbed labels, " + page.plane + " slice " + page.index;
    drawPlot("cost", [line("dropout, p", known.rates, known.dice, DROPOUT, DASH), line("QPM, ε", points.map((point) => point.strength), DICE(points), TEAL)],
      { ...plotLook({ ...legend, xaxis: axisLook("strength: rate p, or ε", { range: [0, 1] }), yaxis: axisLook("Dice", { range: [0, 1.02] }) }), shapes: [marker(page.strength)] });
    part("#cost").dataset.points = [known.rates.length, points.length].join(" ");
  }

  codebook.subscribe(open, "view", "book");
  codebook.subscribe(() => {
    clearTimeout(waiting);
    waiting = setTimeout(cost, 120);
  }, "frame", "page", "presence");
  // Epsilon's frames come one after the other.
  window.vqseg.frames.subscribe((event) => {
    if (!event.fetched || state.view !== "radii" || !visible()) return;
    clearTimeout(waiting);
    waiting = setTimeout(cost, 120);
  });
}
