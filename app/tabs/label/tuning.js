/* The network is fine-tuned on the corrected slices: progress, before and after, and the way there and back. */

import { make } from "../../web/dom.js";
import { unpack } from "../../web/packed.js";
import { suggestion } from "../../web/suggestion.js";
import { packedSlices } from "./saving.js";
import { tuningTable, tuningText } from "./tuning_words.js";

/** @typedef {import("./types").Context} Context */
/** @typedef {import("./types").Scene} Scene */
/** @typedef {import("./types").Tuning} Tuning */

const AGAIN = 1000; // milliseconds between two questions while it is under way

/** @param {Context} context */
export function createTuning(context) {
  const { server, root, find, text, say, schedule, corrections } = context;
  const select = /** @type {HTMLSelectElement} */ (find(".tuning select"));
  const bar = /** @type {HTMLProgressElement} */ (find(".tuning progress"));
  const button = (/** @type {string} */ action) => /** @type {HTMLButtonElement} */ (find(`[data-do=${action}]`));
  /** @type {Tuning | null} */
  let told = null;
  let askedOf = ""; // token and slice that the answer above is of
  /** @type {{of: string, labels: Uint8Array} | null} */
  let after = null; // what the fine-tuned network makes of a slice
  let isShown = false; // whether that is wanted
  let version = 0; // of the corrections, when it was
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {Scene} scene */
  const place = ({ scan, index }) => scan.token + " " + index;

  /**
   * @param {Scene} scene
   * @param {(question: {token: string, index: number}) => Promise<Tuning | undefined>} ask
   */
  async function take(scene, ask) {
    clearTimeout(waiting);
    const mine = (askedOf = place(scene));
    const answer = await ask({ token: scene.scan.token, index: scene.index });
    if (mine !== askedOf) return;
    if (!answer || answer.error) return say(answer?.error ?? "The server did not answer. Try again.");
    told = answer;
    after = answer.labels ? { of: mine, labels: await unpack(answer.labels) } : null;
    if (answer.stage === "training") waiting = setTimeout(askAgain, AGAIN);
    schedule();
  }

  /** The scene is drawn again, and asks. */
  function askAgain() {
    askedOf = "";
    schedule();
  }

  async function begin() {
    const scene = context.scene();
    if (!scene) return;
    say("");
    const slices = await packedSlices(corrections.corrected(scene.key));
    await take(scene, (question) => server.fine_tune({ ...question, slices, steps: Number(select.value) }));
  }

  /** @param {string | null | undefined} name of a checkpoint */
  function open(name) {
    if (!name) return;
    isShown = false;
    suggestion.name = name;
    suggestion.open();
  }

  /** @type {Record<string, () => void>} */
  const actions = {
    tune: begin,
    "cancel-tuning": () => {
      const scene = context.scene();
      if (scene) void take(scene, (question) => server.cancel_tuning(question));
    },
    after: () => {
      isShown = !isShown;
      version = corrections.version;
      schedule();
    },
    keep: () => open(told?.checkpoint),
    back: () => open(told?.former),
  };
  root.addEventListener("click", ({ target }) => {
    const action = target instanceof Element ? target.closest("button")?.dataset.do : undefined;
    if (action) actions[action]?.();
  });

  /** @param {Tuning} tuning @param {string[]} classes */
  function tellResult({ before, after: later }, classes) {
    const [head, ...body] = tuningTable(classes, before ?? [], later ?? []);
    /** @type {(cells: string[], first: "th" | "td") => HTMLElement} */
    const row = ([title, ...cells], first) =>
      make(
        "tr",
        {},
        make("th", { scope: first === "th" ? "col" : "row" }, title),
        ...cells.map((c) => make(first, {}, c)),
      );
    find(".result thead").replaceChildren(row(head, "th"));
    find(".result tbody").replaceChildren(...body.map((cells) => row(cells, "td")));
  }

  /** @param {Scene} scene */
  function draw(scene) {
    const { scan, key } = scene;
    // Who paints wants to see what becomes of it.
    if (version !== corrections.version) isShown = false;
    if (askedOf !== place(scene)) void take(scene, (question) => server.tuning(question));
    if (!told) return;
    const isTraining = told.stage === "training";
    if (select.options.length !== told.choices.length) {
      select.replaceChildren(
        ...told.choices.map((steps) => make("option", { value: String(steps) }, steps + " steps")),
      );
    }
    button("tune").disabled = told.off !== null || isTraining || !corrections.corrected(key).length;
    select.disabled = told.off !== null || isTraining;
    find(".running").hidden = !isTraining;
    bar.value = (told.step ?? 0) / (told.of ?? 1);
    text("tuning").textContent = tuningText(told);
    find(".result").hidden = told.stage !== "done";
    if (told.stage === "done") tellResult(told, scan.classes);
    button("after").setAttribute("aria-pressed", String(isShown));
    button("keep").hidden = scan.checkpoint === told.checkpoint;
    button("back").hidden = scan.checkpoint !== told.checkpoint;
  }

  return {
    draw,
    /** what the fine-tuned network makes of the slice, while that is to be seen @param {Scene} scene */
    labels: (scene) => (isShown && after?.of === place(scene) ? after.labels : null),
  };
}
