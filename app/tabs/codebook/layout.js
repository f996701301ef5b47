/* Which projection the map shows. The shipped ones come at once; others are computed on the server, and asked after until they are there. */
{
  const { state } = codebook;
  const POLL = 400;
  const method = part("[data-set=method]"), form = part(".parameters form"), progress = part("#codewords .progress");
  const kept = new Map();      // Float32Array by key
  let own = null, wanted = 0;  // own: parameters set by hand, null for the shipped ones

  const dimensions = () => Number(part("[name=codes-dimensions]:checked").value);

  async function show() {
    const { book, token } = state, mine = ++wanted;
    if (!book?.key) return;
    const request = { token, method: method.value, dimensions: dimensions(), parameters: own };
    const key = [book.key, request.method, request.dimensions, JSON.stringify(own)].join(" ");
    if (!kept.has(key)) {
      const points = request.method === "umap" && request.dimensions === 2 && !own && book.projection ? await typed(Float32Array, book.projection) : await ask(request, mine);
      if (mine !== wanted || !points) return;
      kept.set(key, points);
      while (kept.size > 12) kept.delete(kept.keys().next().value);
    }
    tell(null);
    for (const radio of root.querySelectorAll("[name=codes-tool]")) radio.disabled = request.dimensions === 3;
    await map.place(kept.get(key), request.dimensions, key);
  }

  /* The points, or null once nobody wants them any more or they cannot be had. */
  async function ask(request, mine) {
    for (;;) {
      const answer = await server.layout(request);
      if (mine !== wanted) return null;
      if (!answer || answer.error) {
        tell(null);
        codebook.say(answer?.error ?? "The server did not answer. Choose the layout again.");
        return null;
      }
      if (answer.points) return typed(Float32Array, answer.points);
      tell(answer);
      await new Promise((then) => setTimeout(then, POLL));
      if (mine !== wanted) return null;
    }
  }

  function tell(job) {
    progress.hidden = !job;
    if (!job) return;
    const done = job.share === null || job.share === undefined ? "" : " " + percent(job.share, 0);
    text("progress").textContent = (job.waiting ? "Waiting for another projection" : "Computing the projection" + done) + " · " + Math.round(job.seconds) + " s";
  }

  function read() {
    const values = Object.fromEntries(new FormData(form));
    return { n_neighbors: Number(values.n_neighbors), min_dist: Number(values.min_dist), metric: values.metric, seed: Number(values.seed) };
  }

  function fill(values) {
    for (const [name, value] of Object.entries(values ?? {})) if (form.elements[name]) form.elements[name].value = value;
  }

  function cancel() {
    wanted++;
    tell(null);
    server.layout({ token: state.token, method: method.value, dimensions: dimensions(), parameters: own, cancel: true });
    own = null;
    method.value = "umap";
    part("[name=codes-dimensions][value='2']").checked = true;
    show();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    own = read();
    codebook.say("");
    part(".parameters").open = false;
    show();
  });
  root.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name === "cancel") cancel();
    if (name === "shipped") {
      own = null;
      fill(state.book?.parameters);
      part(".parameters").open = false;
      show();
    }
  });
  // A click beside the open parameters puts them away.
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest?.(".parameters")) part(".parameters").open = false; });
  part(".parameters").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    part(".parameters").open = false;
    part(".parameters summary").focus();
  });
  method.addEventListener("change", show);
  for (const radio of root.querySelectorAll("[name=codes-dimensions]")) radio.addEventListener("change", show);
  codebook.subscribe(() => {
    own = null;
    fill(state.book?.parameters);
    show();
  }, "book");
}
