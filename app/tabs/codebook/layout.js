/* Which projection the map shows. Those of the checkpoint come at once. The server computes others, and the page asks
   for them until they are ready. */

import { percent } from "../../web/numbers.js";
import { typed } from "../../web/packed.js";
import { attachPopover } from "../../web/popovers.js";

/** @typedef {import("./types").LayoutJob} LayoutJob */
/** @typedef {import("./types").LayoutRequest} LayoutRequest */
/** @typedef {import("./types").Parameters} Parameters */

/** Milliseconds between two requests for a projection that is being computed. */
const POLL = 400;
/** How many projections are kept. */
const MOST = 12;

/**
 * The progress of a projection in words.
 * @param {LayoutJob} job
 */
export function jobInWords({ share, waiting, seconds }) {
  const done = share === null || share === undefined ? "" : " " + percent(share, 0);
  const what = waiting ? "Waiting for another projection" : "Computing the projection" + done;
  return what + " · " + Math.round(seconds) + " s";
}

/**
 * @param {import("./types").Context} context
 * @param {ReturnType<typeof import("./map.js").createMap>} map
 */
export function createLayout(context, map) {
  const { codebook, part, parts, server, say } = context;
  const { state } = codebook;
  /** @type {HTMLSelectElement} */
  const method = part("[data-set=method]");
  /** @type {Map<string, Float32Array>} */
  const kept = new Map();
  /** @type {Parameters | null} Set by hand; null for the shipped ones. */
  let own = null;
  let wanted = 0;

  /** @returns {LayoutRequest} */
  const request = () => {
    /** @type {HTMLInputElement} */
    const dimensions = part("[name=codes-dimensions]:checked");
    return { token: state.token, method: method.value, dimensions: Number(dimensions.value), parameters: own };
  };

  async function show() {
    const { book } = state;
    const mine = ++wanted;
    if (!book) return;
    const asked = request();
    const key = [book.key, asked.method, asked.dimensions, JSON.stringify(own)].join(" ");
    const points =
      kept.get(key) ?? (isShipped(asked) ? await typed(Float32Array, book.projection) : await ask(asked, mine));
    if (mine !== wanted || !points) return;
    kept.set(key, points);
    while (kept.size > MOST) kept.delete([...kept.keys()][0]);
    tell(null);
    await map.place({ points, dimensions: asked.dimensions, key });
  }

  /**
   * The points; null if they are no longer wanted or the server has none.
   * @param {LayoutRequest} asked
   * @param {number} mine
   */
  async function ask(asked, mine) {
    for (;;) {
      const answer = await server.layout(asked);
      if (mine !== wanted) return null;
      if (!answer || answer.error) {
        tell(null);
        say(answer?.error ?? "The server did not answer. Choose the layout again.");
        return null;
      }
      if (answer.points) return typed(Float32Array, answer.points);
      tell(answer);
      await new Promise((then) => setTimeout(then, POLL));
      if (mine !== wanted) return null;
    }
  }

  /** @param {LayoutJob | null} job */
  function tell(job) {
    part("#codewords .progress").hidden = !job;
    if (job) context.text("progress").textContent = jobInWords(job);
  }

  function cancel() {
    wanted++;
    tell(null);
    server.layout({ ...request(), cancel: true });
    own = null;
    method.value = "umap";
    /** @type {HTMLInputElement} */
    const flat = part("[name=codes-dimensions][value='2']");
    flat.checked = true;
    show();
  }

  const fill = createParameters(context, (parameters) => {
    own = parameters;
    if (own) say("");
    show();
  });
  context.onClick({ cancel });
  method.addEventListener("change", show);
  for (const radio of parts("[name=codes-dimensions]")) radio.addEventListener("change", show);
  codebook.subscribe(() => {
    own = null;
    fill();
    show();
  }, "book");
}

/** @param {LayoutRequest} request */
const isShipped = ({ method, dimensions, parameters }) => method === "umap" && dimensions === 2 && !parameters;

/**
 * The form of a projection's parameters.
 * @param {import("./types").Context} context
 * @param {(parameters: Parameters | null) => void} choose null: the checkpoint's own
 * @returns {() => void} fills the form with the shipped parameters
 */
function createParameters({ codebook, part, onClick }, choose) {
  /** @type {HTMLFormElement} */
  const form = part(".parameters form");

  function fill() {
    for (const [name, value] of Object.entries(codebook.state.book?.parameters ?? {})) {
      const field = form.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = String(value);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.hidePopover();
    choose(parametersOf(new FormData(form)));
  });
  onClick({
    shipped() {
      fill();
      form.hidePopover();
      choose(null);
    },
  });
  attachPopover(part(".parameters > button"), form, { isBeside: true });
  return fill;
}

/**
 * @param {FormData} form
 * @returns {Parameters}
 */
const parametersOf = (form) => ({
  n_neighbors: Number(form.get("n_neighbors")),
  min_dist: Number(form.get("min_dist")),
  metric: String(form.get("metric")),
  seed: Number(form.get("seed")),
});
