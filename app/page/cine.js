/* The strip of a cine: play, frames to choose, volumes over time, what they show of the heart, and files. web/cine.js holds
   its state. */

import { cine } from "../web/cine.js";
import { frameToken } from "../web/cine_frames.js";
import { make } from "../web/dom.js";
import { save } from "../web/files.js";
import { addKeys } from "../web/keys.js";
import { bytesOf } from "../web/packed.js";
import { store } from "../web/store.js";
import { draw, frameAt } from "./cine_curve.js";
import {
  curveText,
  fractionOf,
  moreOf,
  nameOf,
  notesOf,
  phaseOf,
  progressOf,
  tableOf,
  timeOf,
  valueText,
} from "./cine_words.js";

/** @typedef {import("../web/types").CineState} CineState */
/** @typedef {{name?: string, bytes?: string, error?: string}} FileAnswer */
/**
 * @typedef {object} Server
 * @property {import("../web/cine.js").AskCine} follow
 * @property {(request: {token: string, kind: string}) => Promise<FileAnswer | undefined>} series
 */

const STEPS = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 });
const SHORT = /** @type {Record<string, string>} */ ({ "end-diastole": "ED", "end-systole": "ES" });
const TYPES = /** @type {Record<string, string>} */ ({
  frame: "application/gzip",
  labels: "application/gzip",
  curve: "text/csv",
});

/**
 * @param {HTMLElement} element
 * @param {unknown} _props
 * @param {Server} server
 */
export function mount(element, _props, server) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".cine"));
  const strip = createStrip(root);
  const act = { details: strip.toggle, play: cine.toggle, back: () => cine.move(-1), on: () => cine.move(1) };
  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    const { do: action, file } = button?.dataset ?? {};
    if (action) act[/** @type {keyof typeof act} */ (action)]();
    if (button && file) saveFile(server, file, strip.say);
  });
  addKeys({ k: act.play, j: act.back, l: act.on });
  chooseOnCurve(strip.plot);
  strip.range.addEventListener("input", () => choose(Number(strip.range.value)));
  cine.subscribe(strip.show);
  cine.connect((request) => server.follow(request));
}

/** @param {number} frame */
function choose(frame) {
  cine.pause();
  cine.go(frame);
}

/**
 * Press, drag, or the arrow keys.
 * @param {HTMLElement} plot
 */
function chooseOnCurve(plot) {
  const follow = (/** @type {PointerEvent} */ event) => {
    const { left, width } = plot.getBoundingClientRect();
    if (cine.state) choose(frameAt(event.clientX - left, cine.state.frames, width));
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plot.setPointerCapture(event.pointerId);
    follow(event);
  });
  plot.addEventListener("pointermove", (event) => {
    if (plot.hasPointerCapture(event.pointerId)) follow(event);
  });
  plot.addEventListener("keydown", (event) => {
    const { state } = cine;
    if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(state.frames - 1);
    else if (STEPS[event.key]) cine.move(STEPS[event.key]);
    else return;
    event.preventDefault();
  });
}

/**
 * @param {Server} server
 * @param {string} kind
 * @param {(message: string) => void} say
 */
async function saveFile(server, kind, say) {
  const { state } = cine;
  if (!state) return;
  const token = kind === "frame" ? frameToken(state.token, state.frame) : state.token;
  const answer = await server.series({ token, kind });
  if (!answer?.bytes) return say(answer?.error ?? "The server did not answer. Try again.");
  save(bytesOf(answer.bytes), TYPES[kind], answer.name ?? "");
}

/** @param {HTMLElement} root */
function createStrip(root) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const text = (/** @type {string} */ name) => find("[data-text=" + name + "]");
  const range = /** @type {HTMLInputElement} */ (find("input[type=range]"));
  const plot = find(".plot");
  const svg = /** @type {SVGSVGElement} */ (root.querySelector("svg:not(button *)"));
  const bar = /** @type {HTMLProgressElement} */ (find("progress"));
  const button = find("[data-do=play]");
  /** @type {unknown} */
  let tabled = null; // what the table was made from
  let said = ""; // a message that is no note of the heart

  /** @param {CineState | null} state */
  function show(state) {
    root.hidden = !state;
    if (!state) return;
    const { told, frames, wanted, frame } = state;
    // Two scans are no film: their strip lies below the pictures and stays there.
    root.toggleAttribute("data-pair", frames <= 2);
    showRun(state);
    range.max = plot.ariaValueMax = String(frames - 1);
    range.value = plot.ariaValueNow = String(wanted);
    plot.ariaValueText = valueText(frame, told);
    range.setAttribute("aria-valuetext", valueText(frame, told));
    if (tabled !== told) showFound(state);
    tabled = told;
    drawCurve();
  }

  /** @param {CineState} state */
  function showRun(state) {
    const { told, frames, wanted, frame, playing } = state;
    text("frame").textContent = nameOf(state);
    const place = told && [timeOf(wanted, told), SHORT[phaseOf(wanted, told)]].filter(Boolean).join(" · ");
    text("time").textContent = place || (state.paired ? "" : "of 0–" + (frames - 1));
    button.toggleAttribute("data-on", playing);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    button.title = (playing ? "Pause" : "Play") + " (K)";
    const progress = progressOf(state);
    if (text("state").textContent !== progress) text("state").textContent = progress;
    bar.hidden = !told || told.done === frames;
    bar.value = (told?.done ?? 0) / frames;
    root.toggleAttribute("data-waiting", wanted !== frame);
    for (const kind of ["labels", "curve"]) {
      /** @type {HTMLButtonElement} */ (find("[data-file=" + kind + "]")).disabled = !told || told.done < frames;
    }
    find("[data-file=curve]").hidden = Boolean(told && !told.volumes.LV);
  }

  /** @param {CineState} state */
  function showFound({ told }) {
    const hasCurve = Boolean(told?.volumes.LV);
    root.toggleAttribute("data-plain", Boolean(told) && !hasCurve);
    const { heads, rows } = tableOf(told);
    const colours = coloursOf(store.state?.scan);
    find("thead tr").replaceChildren(
      make("td", {}),
      ...heads.map(({ term, about }) => make("th", { scope: "col" }, make("span", about, term))),
    );
    find("tbody").replaceChildren(
      ...rows.map(({ side, values }) => {
        const head = make("th", { scope: "row" }, side);
        head.style.setProperty("--colour", colours[side]);
        const span = (/** @type {number} */ i) => (i === values.length - 1 ? heads.length - i : 1);
        return make("tr", {}, head, ...values.map((value, i) => make("td", { colSpan: span(i) }, value)));
      }),
    );
    text("more").textContent = moreOf(told);
    text("fraction").textContent = fractionOf(told) || "Details";
    said = "";
    showNotes();
    plot.setAttribute("aria-description", curveText(told));
  }

  function showNotes() {
    const notes = [said, notesOf(cine.state?.told ?? null)].filter(Boolean).join(" ");
    text("notes").textContent = notes;
    text("notes").hidden = !notes;
  }

  function drawCurve() {
    const { state } = cine;
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    if (!state?.told?.volumes.LV || !size.width) return;
    draw(svg, state.told, { frame: state.wanted, colours: coloursOf(store.state?.scan), size });
  }

  new ResizeObserver(drawCurve).observe(plot);
  return {
    show,
    plot,
    range,
    /** In a small window the curve, the table, the files and the notes are shown on request. */
    toggle() {
      const isOpen = root.toggleAttribute("data-open");
      find(".details").setAttribute("aria-expanded", String(isOpen));
      // Open it scrolls with the page, so that it covers nothing.
      if (isOpen) root.scrollIntoView({ block: "nearest" });
    },
    /** @param {string} message */
    say(message) {
      said = message;
      showNotes();
    },
  };
}

/**
 * The colours of the structures, by their names in capitals.
 * @param {import("../web/types").Scan | undefined} scan
 * @returns {Record<string, string>}
 */
function coloursOf(scan) {
  return Object.fromEntries(
    (scan?.classes ?? []).map((name, i) => [name.toUpperCase(), "rgb(" + scan?.colours[i].join(" ") + ")"]),
  );
}
