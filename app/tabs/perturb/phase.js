/* The phase diagram: asked for cell by cell while it is in view, drawn as it sharpens, and a way to the sliders. */
import { frameKey, requestOf } from "../../web/frame_order.js";
import { facts } from "../../web/facts.js";
import { frames } from "../../web/frames.js";
import { setSlider } from "../../web/keys.js";
import { drawPlot, plotLook } from "../../web/plotly.js";
import { store } from "../../web/store.js";
import { cellAt, cellBeside, cellInWords, effectsInWords, fullEffect, phaseInWords, placeOf } from "./phase_points.js";
import { tableRows } from "./phase_table.js";
import { phaseLayout, phaseTraces } from "./phase_traces.js";
import { elementIn } from "./tab.js";

/**
 * @typedef {import("../../web/types").PageState} PageState
 * @typedef {import("./types").Against} Against
 * @typedef {import("./types").Phase} Phase
 * @typedef {import("./types").PhaseServer} PhaseServer
 * @typedef {import("./types").PhaseView} PhaseView
 */

const REST = 300; // milliseconds without a change before cells are asked for
const AGAIN = 400; // milliseconds until it asks again while another diagram is decoded
const NARROW = 520; // pixels
const ROOMY = "(min-height: 1000px)"; // the window in which it is unfolded from the beginning
const SILENT = "The server did not answer.";

/**
 * @param {HTMLElement} element
 * @param {unknown} props
 * @param {PhaseServer} server
 */
export function mount(element, props, server) {
  const root = elementIn(element, ".phase");
  const [chart, plot] = [elementIn(root, ".chart"), elementIn(root, ".plot")];
  const [bar, button] = [
    /** @type {HTMLProgressElement} */ (elementIn(root, "progress")),
    elementIn(root, "[data-do=stop]"),
  ];
  const choice = elementIn(root, ".segments");
  /** @param {string} name */
  const text = (name) => elementIn(root, `[data-text=${name}]`);
  /** @type {Phase | null} */
  let phase = null;
  let key = ""; // of the slice that the diagram belongs to
  let [isStopped, isFilling, isSeen, isBound] = [false, false, false, false];
  /** @type {Against} */
  let against = "clean";
  /** @type {PhaseView["cell"]} */
  let cell = null;
  let trouble = "";
  let painting = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  /** What the diagram depends on. @param {PageState} state */
  const keyOf = (state) => frameKey({ ...requestOf(state), strength: 0, mode: "", reach: null });
  /** Whether the sliders are a place on the map. @param {PageState} state */
  const hasReach = (state) => state.scan.reach.modes.includes(state.mode);
  const isWhole = () => phase !== null && phase.done === phase.of;
  const isAcquired = () => Boolean(store.state?.scan.planes[store.state.plane].acquired);

  function schedule() {
    if (!painting && isSeen) painting = requestAnimationFrame(draw);
  }

  /** Another slice, seed or truth: begin anew. */
  function follow() {
    const next = store.state ? keyOf(store.state) : "";
    if (next !== key) [key, phase, cell, trouble] = [next, null, null, ""];
    schedule();
    fillSoon();
  }

  function fillSoon() {
    clearTimeout(resting);
    resting = setTimeout(fill, REST);
  }

  /** Asks for one part after the other. The frames of the sliders are more urgent and come first. */
  async function fill() {
    if (isFilling) return;
    isFilling = true;
    try {
      while (await advance()) schedule();
    } finally {
      isFilling = false;
      schedule();
    }
  }

  /** Asks for the next part; false if there is none, or not now. */
  async function advance() {
    const { state } = store;
    if (!state || isStopped || isWhole() || !isSeen || !isAcquired() || frames.readyAhead < facts.curve_steps)
      return false;
    const asked = key;
    const answer = await server.phase(requestOf(state));
    if (asked !== key) return true;
    if (!answer || answer.error) {
      [isStopped, trouble] = [true, answer?.error ?? SILENT];
      return false;
    }
    phase = answer;
    if (phase.waiting) await new Promise((resolve) => setTimeout(resolve, AGAIN));
    return true;
  }

  async function draw() {
    painting = 0;
    const { state } = store;
    if (!state) return;
    root.toggleAttribute("data-across", !isAcquired());
    tell();
    if (!isAcquired() || !phase) return blank();
    const drawn = view(phase, state);
    const layout = plotLook(root, { uirevision: key, ...phaseLayout(phase, drawn) });
    await drawPlot(plot, phaseTraces(phase, drawn), layout, { doubleClick: false });
    bind();
  }

  /** Nothing of another slice stays. */
  function blank() {
    const traces = /** @type {any} */ (plot).data;
    if (!traces?.length) return;
    drawPlot(plot, [], plotLook(root));
  }

  /**
   * @param {Phase} of
   * @param {PageState} state
   * @returns {PhaseView}
   */
  function view(of, state) {
    const { own, last } = state.scan.reach;
    const place = placeOf(state.chosenReach ?? own, last);
    const full = hasReach(state) ? fullEffect(of.rows, place) : null;
    const effect = full === null ? null : state.strength * full;
    return {
      against,
      strength: state.strength,
      place,
      isThere: hasReach(state),
      effect,
      own,
      cell,
      narrow: chart.clientWidth < NARROW,
    };
  }

  function tell() {
    const { state } = store;
    const isOpen = Boolean(phase) && !isWhole();
    bar.value = phase ? phase.done / phase.of : 0;
    elementIn(root, ".work").hidden = isWhole();
    button.textContent = isStopped ? (phase ? "Continue" : "Fill") : "Cancel";
    choice.hidden = !phase?.has_truth;
    text("state").textContent = stateInWords();
    text("words").textContent = phase && !isOpen ? phaseInWords(phase) : "";
    text("effect").textContent = phase && state ? presentInWords(phase, state) : "";
    fillTable();
  }

  /**
   * @param {Phase} of
   * @param {PageState} state
   */
  function presentInWords(of, state) {
    if (!hasReach(state)) return `The map is that of ${of.rows[0].title}. The present replacement knows no reach.`;
    return effectsInWords(of, view(of, state).effect);
  }

  function stateInWords() {
    if (!isAcquired()) return "The diagram is that of an acquired slice. Choose another plane.";
    if (trouble) return trouble;
    if (isWhole()) return "";
    if (!phase) return isStopped ? "Cancelled." : "Waiting for the frames of the sliders.";
    const done = `${phase.done} of ${phase.of} cells decoded`;
    if (isStopped) return `${done}. Cancelled.`;
    return phase.waiting ? `${done}; another visitor's diagram is decoded first.` : `${done}, from coarse to fine.`;
  }

  function fillTable() {
    const details = /** @type {HTMLDetailsElement} */ (elementIn(root, "details"));
    if (details.open && phase) elementIn(details, "table").replaceChildren(...tableRows(phase, against));
  }

  /** Plotly's own events, once there is a plot. */
  function bind() {
    if (isBound) return;
    isBound = true;
    /** @type {any} */ (plot).on("plotly_click", (/** @type {any} */ event) => {
      const point = event.points.find((/** @type {any} */ one) => one.curveNumber === 0);
      if (point) go({ row: Math.round(point.y * ((phase?.rows.length ?? 1) - 1)), column: point.pointIndex[1] });
    });
  }

  /**
   * Move both sliders to a cell.
   * @param {NonNullable<PhaseView["cell"]>} to
   */
  function go({ row, column }) {
    if (!phase) return;
    store.moveReach(phase.rows[row].reach);
    setSlider("strength", phase.strengths[column]);
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { state } = store;
    if (!phase || !state || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = cell ?? cellAt(phase, state.strength, view(phase, state).place);
    const next = cellBeside(phase, at, event.key);
    if (next) cell = next;
    else if (event.key === "Enter") go(at);
    else if (event.key === "Escape") cell = null;
    else return;
    event.preventDefault();
    if (cell) text("cell").textContent = cellInWords(phase, phase.rows[cell.row], cell.column);
    schedule();
  }

  button.addEventListener("click", () => {
    [isStopped, trouble] = [!isStopped, ""];
    schedule();
    fill();
  });
  choice.addEventListener("change", ({ target }) => {
    against = /** @type {Against} */ (/** @type {HTMLInputElement} */ (target).value);
    schedule();
  });
  chart.addEventListener("keydown", press);
  chart.addEventListener("blur", () => {
    cell = null;
    schedule();
  });
  elementIn(root, "details").addEventListener("toggle", fillTable);
  store.subscribe(follow);
  store.onReset(() => {
    isStopped = false;
  });
  frames.subscribe((event) => {
    if (event.fetched) fillSoon();
  });
  // Folded up it asks for nothing, and the tab fits into a small window.
  /** @type {HTMLDetailsElement} */ (elementIn(root, ".fold")).open = matchMedia(ROOMY).matches;
  new IntersectionObserver(([entry]) => {
    isSeen = entry.isIntersecting;
    follow();
  }).observe(chart);
  new ResizeObserver(schedule).observe(chart);
  new MutationObserver(schedule).observe(document.body, { attributeFilter: ["class"] });
}
