/* The scan without the marked codes: what Dice is left, and their tokens forced to other codes, which can be undone. */

import { number, ratio } from "../../web/numbers.js";
import { typed } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { editsBySlice, withoutInWords } from "./selection_facts.js";

const SILENT = "The server did not answer. Try again.";

/** @param {import("./types").Context} context */
export function createForce({ codebook, part, server, text, onClick }) {
  const { state } = codebook;
  /** @type {HTMLFormElement} */
  const form = part(".force");
  /** @type {HTMLInputElement} */
  const field = part(".force input");
  /** @type {HTMLButtonElement} */
  const measure = part("[data-do=measure]");
  /** @type {{token: string, said: string, back: () => void}[]} what was forced, the newest last */
  let forced = [];
  let asked = 0;

  /* Measures the whole scan without the marked codes, slice by slice. */
  async function measureWithout() {
    const mine = ++asked;
    const { token, selected } = state;
    const scan = store.state?.scan;
    if (!scan) return;
    measure.disabled = true;
    let answer;
    do {
      answer = await server.without({ token, codes: selected });
      if (mine !== asked) return;
      if (answer && !answer.error)
        text("without").textContent = `Decoding slice ${answer.done + 1} of ${answer.of} ...`;
    } while (answer && !answer.error && answer.done < answer.of);
    measure.disabled = false;
    const slices = Object.values(scan.planes).find((plane) => plane.acquired)?.count ?? 0;
    text("without").textContent =
      !answer || answer.error ? (answer?.error ?? SILENT) : withoutInWords(answer, scan.classes, slices);
  }

  /* What was measured belongs to other codes, or to another scan. */
  function forget() {
    asked++;
    measure.disabled = false;
    text("without").textContent = "";
  }

  /** @param {SubmitEvent} event */
  async function force(event) {
    event.preventDefault();
    const { token, selected, book } = state;
    const target = field.value === "" ? null : Number(field.value);
    if (book && target !== null && target >= book.size) {
      return tell(`This codebook has the codes 0 to ${number(book.size - 1)}.`);
    }
    const answer = await server.forced({ token, codes: selected, target });
    if (token !== state.token) return;
    if (!answer?.tokens) return tell(answer?.error ?? SILENT);
    const lists = editsBySlice(await typed(Int32Array, answer.tokens));
    const count = [...lists.values()].reduce((sum, list) => sum + list.length, 0);
    if (!count) return tell("No token of this scan would change.");
    const became = target === null ? "the nearest code outside the selection" : "code " + target;
    const said = `${number(count)} tokens in ${lists.size} slices are forced to ${became}.`;
    forced.push({ token, said, back: store.editSlices(lists) });
    tell();
  }

  /** @param {string} [problem] */
  function tell(problem = "") {
    forced = forced.filter(({ token }) => token === state.token);
    const last = forced.at(-1);
    part("[data-part=forced]").hidden = !last && !problem;
    part("[data-do=unforce]").hidden = !last;
    text("forced").textContent = problem || (last?.said ?? "");
    tellSlice();
  }

  /* What the forced tokens do to the slice on show. */
  function tellSlice() {
    const on = codebook.onShow();
    const shown = state.shown;
    const isForced = forced.length > 0 && on !== null && shown !== null && shown.request.edits.length > 0;
    if (!isForced) return void (text("forced-slice").textContent = "");
    const also = shown.request.strength ? ` and with ε = ${shown.request.strength.toFixed(2)}` : "";
    const dice = ratio(shown.frame.dice_vs_clean);
    text("forced-slice").textContent = `With them${also}, this slice has a Dice of ${dice} against its own labels.`;
  }

  const submit = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
  form.addEventListener("submit", force);
  onClick({
    measure: measureWithout,
    unforce() {
      forced.pop()?.back();
      tell();
      // With nothing left to undo, the button that has the keyboard is gone.
      if (!forced.length) submit.focus({ preventScroll: true });
    },
  });
  codebook.subscribe(forget, "selection");
  codebook.subscribe(
    () => {
      forget();
      tell();
    },
    "book",
    "presence",
  );
  codebook.subscribe(tellSlice, "frame");
}
