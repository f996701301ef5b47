/* What the colour of a codeword means: a colour for every code and the legend below the map. */
const COLOURS = (() => {
  const { state } = codebook;

  // Few different colours: plotly reads each of them once.
  const STEPS = Array.from({ length: 64 }, (_, i) => "rgb(" + viridis(i / 63) + ")");

  const ramp = (title, values, low, high, { tell = (v) => v, none = "", log = false } = {}) => {
    const to = log ? Math.log10 : (v) => v, span = Math.max(1e-9, to(high) - to(low));
    const unknown = grey();
    return {
      colour: (code) => (Number.isFinite(values[code]) ? STEPS[Math.round((STEPS.length - 1) * Math.min(1, Math.max(0, (to(values[code]) - to(low)) / span)))] : unknown),
      legend: { title, low: tell(low), high: tell(high), none },
    };
  };
  const swatches = (of, colours, names) => ({ colour: (code) => colours[of(code)], legend: { swatches: names.map((name, i) => [colours[i], name]) } });
  const positive = (list) => Float64Array.from(list, (v) => (v > 0 ? v : NaN));
  const most = (list) => list.reduce((a, b) => Math.max(a, b), 1);

  /* Codes of the slice on show: 1 where the encoder chose them, 2 where only the perturbation did. */
  function ofSlice(size) {
    const seen = new Uint8Array(size), frame = state.frame?.frame;
    for (const code of frame?.codes ?? []) seen[code] = 2;
    for (const code of frame?.clean_codes ?? []) seen[code] = 1;
    return seen;
  }

  const MODES = {
    class: (book) => {
      const colours = [grey(), ...book.classes.map((_, i) => classColour(i))];
      return swatches((code) => book.majority[code] + 1, colours, ["never chosen", ...book.classes]);
    },
    usage: (book) => ramp("tokens", positive(book.counts), 1, most(book.counts), { log: true, tell: number, none: "never chosen" }),
    purity: (book) => ramp("share of the largest class", book.purity, 1 / book.classes.length, 1, { tell: (v) => percent(v, 0), none: "never chosen" }),
    active: (book) => swatches((code) => Number(book.counts[code] > 0), [grey(), TEAL], ["never chosen", "in use"]),
    scan: () => {
      const counts = state.presence?.counts ?? [];
      return ramp("tokens in this scan", positive(counts), 1, most(counts), { log: true, tell: number, none: "not in this scan" });
    },
    slice: (book) => {
      const seen = ofSlice(book.size);
      return swatches((code) => seen[code], [grey(), TEAL, MARK], ["not in this slice", "in this slice", "brought in by ε"]);
    },
    stage: (book) => {
      const steps = book.steps ?? [], first = Float64Array.from(book.stage ?? [], (s) => (s < 0 ? NaN : s));
      return ramp("first in use at step", first, 0, Math.max(1, steps.length - 1), { tell: (s) => number(steps[s] ?? 0), none: "not yet in use" });
    },
    ablation: (book) => {
      const drops = new Float64Array(book.size).fill(NaN);
      for (const [code, dice] of book.ablated) drops[code] = -dice;
      const known = drops.filter(Number.isFinite), [low, high] = [Math.min(...known), Math.max(...known)];
      return ramp("Dice lost if removed", drops, low, high, { tell: (v) => v.toFixed(3), none: "not measured" });
    },
  };

  /* Modes whose numbers this codebook lacks. */
  function missing(book) {
    return [...(book.stage ? [] : ["stage"]), ...(book.ablated.size ? [] : ["ablation"])];
  }

  function drawLegend(legend) {
    const place = part("[data-part=legend]");
    const swatch = ([colour, name]) => {
      const item = document.createElement("span"), dot = document.createElement("i");
      dot.style.background = colour;
      item.append(dot, name);
      return item;
    };
    if (legend.swatches) return place.replaceChildren(...legend.swatches.map(swatch));
    const bar = document.createElement("i");
    bar.className = "ramp";
    bar.style.background = "linear-gradient(90deg," + VIRIDIS.map((c) => "rgb(" + c + ")") + ")";
    const words = (content) => Object.assign(document.createElement("b"), { textContent: content });
    place.replaceChildren(words(legend.title), words(legend.low), bar, words(legend.high), ...(legend.none ? [swatch([grey(), legend.none])] : []));
  }

  return { MODES, missing, drawLegend };
})();
