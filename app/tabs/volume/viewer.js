/* Chooses who draws the volume: NiiVue with WebGL 2, else planes on plain canvases. Also chooses the layout. */
import { createNiivue, graphicsOf } from "./niivue.js";
import { createPlanes } from "./planes.js";

/** @typedef {import("./types").Layout} Layout */
/** @typedef {import("./types").VolumeView} VolumeView */

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {URL} context.library
 * @param {import("./types").Report} context.report
 * @param {import("./types").Note} context.note
 * @returns {import("./types").Viewer}
 */
export function createViewer({ root, library, report, note }) {
  const host = /** @type {HTMLElement} */ (root.querySelector(".view"));
  const through = /** @type {HTMLElement} */ (root.querySelector(".through"));
  /** @type {NodeListOf<HTMLInputElement>} */
  const inputs = root.querySelectorAll("[data-choice=layout] input");
  /** @type {VolumeView | null} */
  let view = null;
  /** @type {Promise<void> | null} */
  let preparing = null;

  async function choose() {
    const graphics = graphicsOf();
    let why = "This browser has no WebGL 2";
    if (graphics) {
      try {
        view = await createNiivue(host, library, report);
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
    }
    offer(view ?? fallBack(why), graphics && !graphics.slow ? "both" : "planes");
  }

  /** @param {string} why */
  function fallBack(why) {
    host.replaceChildren();
    note("graphics", why + ". The three planes are still drawn, but there is no 3D view.");
    return (view = createPlanes(host, report));
  }

  /** @param {VolumeView} by @param {Layout} first */
  function offer(by, first) {
    for (const input of inputs) {
      input.disabled = !by.layouts.includes(input.value);
      input.checked = input.value === first && !input.disabled;
    }
    arrange();
  }

  function layout() {
    return /** @type {Layout} */ ([...inputs].find((input) => input.checked)?.value ?? "planes");
  }

  function arrange() {
    view?.layout(layout());
    through.hidden = layout() === "planes";
  }

  for (const input of inputs) input.addEventListener("change", arrange);
  through.querySelector("input")?.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement) view?.seeThrough(Number(target.value));
  });

  return {
    prepare: () => (preparing ??= choose()),
    /* Graphics can be lost when a laptop sleeps. The plain planes do not need them. */
    lose() {
      if (view?.name !== "niivue") return false;
      offer(fallBack("The browser lost its graphics"), "planes");
      return true;
    },
    get view() {
      return view;
    },
    get layout() {
      return layout();
    },
  };
}
