/* What stands above the views: figures of the codebook, the verdict on the scan, and which view is open. */
{
  const { state } = codebook;

  function describe() {
    const { book } = state;
    part(".none").hidden = !book.none;
    part(".top").hidden = Boolean(book.none);
    for (const section of root.querySelectorAll("[data-view]")) section.hidden = Boolean(book.none) || section.dataset.view !== state.view;
    if (book.none) return;
    text("size").textContent = number(book.size);
    text("utilisation").textContent = percent(book.utilisation);
    text("perplexity").textContent = number(Math.round(book.perplexity));
    part(".figures").title = "Counted over " + book.source + ", " + number(book.scans) + " scans";
  }

  /* Whether the scan lies outside of what this codebook has seen, said calmly. */
  function judge() {
    const { presence } = state, banner = part(".banner"), drift = presence?.drift;
    text("present").textContent = presence ? number(presence.counts.reduce((sum, count) => sum + (count > 0), 0)) : "–";
    banner.hidden = !drift?.outside;
    root.dataset.drift = drift ? (drift.outside ? "outside" : "inside") : "unknown";
    if (drift?.outside) {
      banner.title = "Distance " + drift.distance.toFixed(3) + " from the codes of all training scans together";
      // Outside means farther than every training scan.
      banner.textContent = "Outside of what this codebook has seen: no training scan spread its codes like this one. Read the labels with care.";
    }
  }

  for (const radio of root.querySelectorAll("[name=codes-view]")) radio.addEventListener("change", () => codebook.show(radio.value));
  codebook.subscribe(describe, "book");
  codebook.subscribe(judge, "presence");
}
