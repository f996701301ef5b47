/* Brings this page to where the teacher's is: her case, slice and settings, and her step and square of the lesson. What the
   student does then is the student's own, until she moves on. */
import { editsOf } from "../../web/edits.js";
import { setSlider } from "../../web/keys.js";
import { led } from "../../web/led.js";
import { described } from "../../web/links.js";
import { store } from "../../web/store.js";
import { fromAddress } from "./lesson.js";

/** @typedef {Record<string, string>} View names and values of an address */

/** What only the server can change: it opens the view as it opens a link. */
const OPENED = ["case", "checkpoint", "plane", "mode", "seed"];
const OWN_REACH = "own";
const AGAIN = 20000; // milliseconds until a view that the server could not open is asked for again

/**
 * What of a view is not so here, in the order in which it is put right: each can only be told when those before it are.
 * @param {Record<string, unknown>} here
 * @param {View} view
 * @returns {"opened" | "slice" | "eps" | "reach" | "edits" | null}
 */
export function nextOf(here, view) {
  // Of her own scan nobody else has anything.
  if (!view.case) return null;
  const differs = (/** @type {string} */ name) => String(here[name] ?? "") !== (view[name] ?? "");
  if (OPENED.some(differs)) return "opened";
  const wrong = /** @type {const} */ (["slice", "eps", "reach", "edits"]).find(differs);
  return wrong ?? null;
}

/**
 * @param {object} context
 * @param {import("./types").Lesson} context.lesson
 * @param {import("./types").Walk} context.walk
 */
export function createFollower({ lesson, walk }) {
  /** @type {View | null} */
  let wanted = null;
  /** @type {Set<string>} */
  const tried = new Set(); // a slider that cannot stand there is moved once

  /** @param {View} view */
  function follow(view) {
    wanted = view;
    tried.clear();
    const { step, cell } = fromAddress(view, lesson.steps.length, []);
    showTab(view.tab ?? "learn");
    walk.change({ step, ...(cell && { cell }) });
    walk.wish();
    converge();
  }

  function converge() {
    const { state } = store;
    if (!wanted || !state) return;
    const next = nextOf(described(state), wanted);
    if (next === null) {
      wanted = null;
      return;
    }
    if (tried.has(next)) return;
    tried.add(next);
    put(next, wanted);
  }

  /** @param {string} what @param {View} view */
  function put(what, view) {
    if (what === "slice") setSlider("slice", Number(view.slice));
    else if (what === "eps") setSlider("strength", Number(view.eps));
    else if (what === "reach") store.moveReach(view.reach === OWN_REACH ? null : Number(view.reach));
    else if (what === "edits") store.edit(editsOf(view.edits ?? ""));
    else {
      led.view = { tab: "learn", ...view };
      document.getElementById("led")?.click();
      setTimeout(() => tried.delete(what), AGAIN);
    }
  }

  store.subscribe(converge);
  return { follow, converge };
}

/** @param {string} name */
function showTab(name) {
  /** @type {HTMLElement | null} */
  const tab = document.querySelector(`[role=tab][data-tab-id="${CSS.escape(name)}"]`);
  if (tab?.getAttribute("aria-selected") !== "true") tab?.click();
}
