/* Bands in the curves: their mean over several seeds, and one standard deviation of a draw to either side. */

import { links } from "../../web/links.js";

/** @typedef {import("../../web/types").SliceRequest} SliceRequest */
/** @typedef {import("./types").Bands} Bands */
/** @typedef {import("./types").Tab} Tab */

const REST = 300; // milliseconds without a change before anything is decoded

/** Epsilon does not matter: the bands have all of them. @param {SliceRequest} request @param {number} seeds */
const keyOf = ({ token, plane, index, mode, seed, edits, reach, truth }, seeds) =>
  JSON.stringify([token, plane, index, mode, seed, edits, reach, truth, seeds]);

/** @param {Tab} tab */
export function createBands(tab) {
  const button = tab.find("[data-do=bands]");
  const select = /** @type {HTMLSelectElement} */ (tab.find("[data-set=bands]"));
  const said = tab.text("bands");
  let isOn = false;
  let key = ""; // what the bands are of, or will be
  /** @type {Bands | null} */
  let bands = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  const wantedKey = () => {
    const scene = tab.scene();
    return isOn && scene?.view.acquired ? keyOf(scene.shown.request, Number(select.value)) : "";
  };

  /** Follows the view: bands of other settings go, and the present ones are fetched once nothing moves. */
  function follow() {
    const wanted = wantedKey();
    if (wanted === key) return;
    [key, bands, said.textContent] = [wanted, null, ""];
    clearTimeout(resting);
    if (key) resting = setTimeout(fill, REST);
  }

  async function fill() {
    const mine = key;
    while (mine === key && tab.isVisible() && !(bands && bands.done >= bands.of)) {
      const scene = tab.scene();
      if (!scene) return;
      const answer = await tab.server.bands({ ...scene.shown.request, seeds: Number(select.value) });
      if (mine !== key) return;
      if (!answer || answer.error) {
        said.textContent = answer?.error ?? "The server did not answer. Choose the bands again.";
        return;
      }
      bands = answer;
      said.textContent = inWords(bands, Number(select.value));
      tab.schedule();
    }
    // Another tab is on show: the rest comes when this one is again.
    if (mine === key && !tab.isVisible()) key = "";
  }

  /** @param {boolean} wanted */
  function choose(wanted) {
    isOn = wanted;
    button.setAttribute("aria-pressed", String(isOn));
    links.more({ bands: isOn ? select.value : null });
    follow();
    tab.schedule();
  }

  function drop() {
    const wasOn = isOn;
    choose(false);
    return wasOn ? () => choose(true) : undefined;
  }

  select.addEventListener("change", () => choose(true));
  const asked = links.asked().bands;
  if ([...select.options].some(({ value }) => value === asked)) {
    select.value = asked;
    choose(true);
  }
  return { follow, drop, toggle: () => choose(!isOn), present: () => (bands?.seeds ? bands : null) };
}

/**
 * @param {Bands} bands
 * @param {number} wanted how many seeds
 */
function inWords({ seeds, done, of }, wanted) {
  if (done < of) return `Bands: ${seeds} of ${wanted} seeds are complete.`;
  return `Thick lines: mean over ${seeds} seeds. Bands: one standard deviation to either side. Thin lines: the present seed.`;
}
