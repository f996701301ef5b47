/* What to compare with: the list of checkpoints and examples, the visitor's own files, and the address that chooses from the list. */

import { caseOf } from "../../web/cine_frames.js";
import { make } from "../../web/dom.js";
import { links } from "../../web/links.js";
import { isSameScan } from "./pairing.js";
import { send } from "./sending.js";

/** @typedef {import("../../web/beside.js").Choice} Choice */
/** @typedef {import("../../web/types").Scan} Scan */

const GROUPS = /** @type {const} */ (["checkpoint", "example"]);
const OWN = "own:";

/**
 * @param {HTMLElement} root
 * @param {import("./types").Choices} choices
 * @param {{open: (choice: Choice, title: string) => void, say: (message: string) => void}} told
 */
export function createChoice(root, choices, { open, say }) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const select = /** @type {HTMLSelectElement} */ (find("[data-set=beside]"));
  const files = /** @type {HTMLInputElement} */ (find("input[type=file]"));
  const own = make("option", { value: OWN });
  const lists = { checkpoint: choices.checkpoints, example: choices.examples };
  let chosen = ""; // the option that B was opened by
  let token = ""; // of the scan that B lies beside
  /** @type {Scan | null} */
  let beside = null; // the scan on show
  let isLinked = false; // whether the address was looked at

  for (const group of GROUPS) {
    const options = lists[group].map(([title, name]) => make("option", { value: group + ":" + name }, title));
    find("[data-group=" + group + "]").append(...options);
  }

  /** @param {string} value of an option @returns {boolean} whether there is something to open */
  function choose(value) {
    const [group, name] = [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1)];
    const option = [...select.options].find((one) => one.value === value);
    if (!option || !name || option.disabled) return false;
    select.value = value;
    open({ [group]: name }, option.text);
    return true;
  }

  /** @param {File[]} sent */
  async function chooseFiles(sent) {
    if (!sent.length) return;
    say("Your files are on their way.");
    const of = token;
    const answer = await send(sent);
    say("error" in answer ? answer.error : "");
    // Another scan is on show meanwhile.
    if ("error" in answer || of !== token) return;
    open({ files: answer.paths }, sent.length === 1 ? sent[0].name : sent.length + " files");
  }

  /**
   * @param {Scan | null} other B, null if what was wanted has not come
   * @param {boolean} isAwaited whether a newer choice is on its way: the list shows that one
   */
  function settle(other, isAwaited) {
    if (other) chosen = optionOf(other);
    if (other && chosen === OWN) own.textContent = other.name;
    if (isAwaited) return;
    if (chosen === OWN) select.append(own);
    else own.remove();
    select.value = chosen;
    links.more({ beside: chosen === OWN ? null : chosen || null });
  }

  /** @param {Scan} other */
  function optionOf(other) {
    if (beside && isSameScan(beside, other)) return "checkpoint:" + other.checkpoint;
    return other.own ? OWN : "example:" + other.name;
  }

  /**
   * A scan is not compared with itself. Beside a new one comes what the address asks for, which is read once and opens only what is in
   * the list, or what is usual: an empty tab would show nothing of what it is for.
   * @param {Scan} scan on show
   */
  function follow(scan) {
    beside = scan;
    // The structures that stand behind its name are those of all that A can be compared with.
    const reader = titleOf(lists.checkpoint, scan.checkpoint).replace(/ \(.*\)$/, "");
    find("[data-text=a]").textContent = scan.name + ", " + reader;
    const same = ["checkpoint:" + scan.checkpoint, "example:" + (scan.own ? "" : scan.name)];
    for (const option of select.options) option.disabled = same.includes(option.value);
    if (caseOf(scan.token) === token) return;
    token = caseOf(scan.token);
    const asked = isLinked ? "" : (links.asked().beside ?? "");
    isLinked = true;
    // A visitor may have been quicker.
    if (!select.value && !choose(asked)) open({}, "What to compare with");
  }

  /**
   * Whether another scan is on show than the one that B lay beside.
   * @param {Scan} scan
   */
  function isOther(scan) {
    if (!token || caseOf(scan.token) === token) return false;
    chosen = select.value = "";
    own.remove();
    links.more({ beside: null });
    return true;
  }

  /** @param {FileList | null | undefined} list */
  const take = (list) => void chooseFiles([...(list ?? [])]);
  select.addEventListener("change", () => choose(select.value));
  find("[data-do=own]").addEventListener("click", () => files.click());
  files.addEventListener("change", () => {
    take(files.files);
    files.value = "";
  });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  });
  return { settle, follow, isOther };
}

/** @param {[string, string][]} list @param {string} name */
const titleOf = (list, name) => list.find((one) => one[1] === name)?.[0] ?? name;
