/* Maps that replace the segmentation: where only one decoder's output changes, how much a label depends on the seed, and what a
   token may become. */
import { facts } from "../../web/facts.js";
import { frames } from "../../web/frames.js";
import { HEAT_BAR, largest, markShares } from "../../web/heat.js";
import { percent } from "../../web/numbers.js";
import { grey } from "../../web/pictures.js";
import { createCandidates } from "./candidates.js";
import { changingShare, markBranches, sensitivityOf, sharesOf } from "./map_pixels.js";
import { elementIn } from "./tab.js";

/**
 * @typedef {import("../../web/types").Frame} Frame
 * @typedef {import("../../web/types").Shown} Shown
 * @typedef {import("./map_pixels.js").Colour} Colour
 * @typedef {import("./types").Tab} Tab
 * @typedef {"branches" | "sensitivity" | "candidates"} MapName
 * @typedef {{key: string, labels: Uint8Array[], shares: Float32Array | null}} Draws
 */

/** @type {{name: keyof typeof facts.branches, words: string, colour: Colour}[]} */
const BRANCHES = [
  { name: "segmentation", words: "label only", colour: [216, 27, 154] },
  { name: "reconstruction", words: "reconstruction only", colour: [86, 180, 233] },
  { name: "both", words: "both", colour: [244, 244, 244] },
];
const TITLES = {
  branches: "Branches",
  sensitivity: "Sensitivity",
  candidates: "Candidates",
  none: "Segmentation",
};

/** @param {Tab} tab */
export function createMaps(tab) {
  /** @type {MapName | null} */
  let chosen = null;
  /** @type {Draws | null} */
  let draws = null; // labels: one picture a seed; shares: of the seeds that differ from the majority, once all are there
  let running = 0; // the number of the present measurement, 0 for none
  let measurements = 0;

  const legend = createLegend(tab);
  const candidates = createCandidates(tab);
  const work = tab.find(".work");
  const bar = /** @type {HTMLProgressElement} */ (tab.find(".work progress"));
  const select = /** @type {HTMLSelectElement} */ (tab.find("[data-set=sensitivity]"));
  const seedCount = () => Number(select.value);
  const drawsKey = () => tab.settingsKey() + " " + seedCount();

  /** The map that can be shown. Sensitivity is shown only at the settings that it was measured at. */
  function onShow() {
    if (chosen === "sensitivity" && !(draws?.shares && draws.key === drawsKey())) return null;
    return chosen;
  }

  /** @param {MapName | null} name the map to show; the same one again, or null, goes back to the segmentation */
  function choose(name) {
    stop();
    const isOnShow = name === "sensitivity" ? onShow() === name : chosen === name;
    chosen = isOnShow ? null : name;
    tab.tell("");
    if (chosen === "sensitivity") measure();
    tab.schedule();
  }

  /**
   * Draw the chosen map over a picture.
   * @param {Uint8ClampedArray} out RGBA
   * @param {Shown} shown
   * @param {Frame} frame whose branches are compared
   * @returns {boolean} false if the segmentation is to be drawn
   */
  function draw(out, shown, frame) {
    const [name, { image }] = [onShow(), shown];
    if (!name) return false;
    grey(out, image);
    if (name === "candidates") return candidates.draw(out, shown);
    if (name === "branches") markBranches(out, image, frame.changes, legend.colours);
    else if (draws?.shares) markShares(out, image, draws.shares);
    return true;
  }

  /** Say which map is shown. @param {Shown} shown */
  function tell({ frame }) {
    const name = onShow();
    tab.find("[data-panel=segmentation] figcaption").textContent = TITLES[name ?? "none"];
    for (const each of ["branches", "sensitivity", "candidates"]) {
      tab.find("[data-do=" + each + "]").setAttribute("aria-pressed", String(chosen === each));
    }
    legend.show(name === "branches" ? frame.changes : null);
    const shares = name === "sensitivity" ? draws?.shares : null;
    candidates.tell(name === "candidates");
    showScale(tab.find("[data-scale=sensitivity]"), shares ? largest(shares) : 0);
    if (shares && draws) tellSensitivity(shares, draws.labels.length);
    const isStale = chosen === "sensitivity" && !name && !running;
    if (isStale) tab.tell("The settings have changed. Press Sensitivity for a new map.");
  }

  /**
   * @param {Float32Array} shares
   * @param {number} seeds
   */
  function tellSensitivity(shares, seeds) {
    const changing = percent(changingShare(shares)) + " of the pixels change their label between " + seeds + " seeds.";
    tab.tell(changing);
  }

  /** Decode the slice under one seed after the other. Each is a request of its own, so that the page stays responsive and
   *  the visitor can cancel. */
  async function measure() {
    const scene = tab.scene();
    if (!scene) return;
    const [mine, key, seeds] = [(running = ++measurements), drawsKey(), seedCount()];
    const { request } = scene.shown;
    const labels = draws?.key === key ? draws.labels : [];
    const measured = (draws = /** @type {Draws} */ ({ key, labels, shares: null }));
    bar.max = seeds;
    while (labels.length < seeds) {
      tellProgress(labels.length, seeds);
      const seed = (request.seed + labels.length) % (facts.largest_seed + 1);
      const frame = await frames.frameOf({ ...request, seed });
      if (running !== mine) return;
      if (!frame) {
        stop();
        chosen = null;
        return tab.say("The server did not answer. Try again.");
      }
      labels.push(frame.labels);
      if (key !== drawsKey()) return stop();
    }
    measured.shares = sensitivityOf(labels, scene.scan.classes.length);
    stop();
  }

  /**
   * @param {number} done
   * @param {number} seeds
   */
  function tellProgress(done, seeds) {
    work.hidden = false;
    bar.value = done;
    tab.tell("Decoding seed " + (done + 1) + " of " + seeds);
  }

  function stop() {
    if (running) tab.tell("");
    running = 0;
    work.hidden = true;
    if (chosen === "sensitivity" && !draws?.shares) chosen = null;
    tab.schedule();
  }

  /** Goes back to the segmentation; returns what chooses the map again. It is shown where it was measured. */
  function drop() {
    const former = chosen;
    choose(null);
    if (!former) return undefined;
    return () => {
      chosen = former;
      tab.schedule();
    };
  }

  select.addEventListener("change", () => {
    if (chosen !== "sensitivity") return;
    chosen = null;
    choose("sensitivity");
  });

  return { choose, drop, stop, draw, tell, onShow };
}

/**
 * The colour bar of the sensitivity.
 * @param {HTMLElement} scale
 * @param {number} top the largest share on show; nothing is shown without one
 */
function showScale(scale, top) {
  scale.hidden = !top;
  elementIn(scale, "i").style.background = HEAT_BAR;
  elementIn(scale, "[data-text=top]").textContent = percent(top, 0);
}

/**
 * The legend of the branches: the meaning of each colour and its share of the pixels.
 * @param {Tab} tab
 */
function createLegend(tab) {
  const list = tab.find(".legend");
  const kinds = Object.keys(facts.branches).length;
  /** @type {(Colour | null)[]} */
  const colours = new Array(kinds).fill(null);
  for (const { name, colour } of BRANCHES) {
    colours[facts.branches[name]] = colour;
    tab.find(".legend [data-branch=" + name + "] i").style.background = "rgb(" + colour.join(" ") + ")";
  }

  /** @param {Uint8Array | null} changes null hides it */
  function show(changes) {
    list.hidden = !changes;
    if (!changes) return;
    const shares = sharesOf(changes, kinds);
    for (const { name, words } of BRANCHES) {
      const share = percent(shares[facts.branches[name]]);
      tab.find(".legend [data-branch=" + name + "] span").textContent = words + ", " + share;
    }
    const noticed = 100 * facts.noticed;
    tab.tell("A reconstruction counts as changed if it differs by more than " + noticed + " % of the grey range.");
  }

  return { show, colours };
}
