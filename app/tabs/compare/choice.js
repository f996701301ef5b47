/* What to compare with: the list of checkpoints and examples, and the address that chooses from it. */

import { caseOf } from "../../web/cine_frames.js";
import { make } from "../../web/dom.js";
import { links } from "../../web/links.js";

/** @typedef {import("../../web/beside.js").Choice} Choice */
/** @typedef {import("../../web/types").Scan} Scan */

const GROUPS = /** @type {const} */ (["checkpoint", "example"]);

/**
 * @param {HTMLElement} root
 * @param {import("./types").Choices} choices
 * @param {(choice: Choice, title: string) => void} open
 */
export function createChoice(root, choices, open) {
  const select = /** @type {HTMLSelectElement} */ (root.querySelector("[data-set=beside]"));
  const about = /** @type {HTMLElement} */ (root.querySelector("[data-text=a]"));
  const lists = { checkpoint: choices.checkpoints, example: choices.examples };
  let chosen = ""; // the option that B was opened by
  let wanted = ""; // the one whose B is on its way
  let token = ""; // of the scan that B lies beside
  let isLinked = false; // whether the address was looked at

  for (const group of GROUPS) {
    const options = lists[group].map(([title, name]) => make("option", { value: group + ":" + name }, title));
    root.querySelector("[data-group=" + group + "]")?.append(...options);
  }

  /** @param {string} value of an option */
  function choose(value) {
    const [group, name] = [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1)];
    const option = [...select.options].find((one) => one.value === value);
    if (!option || !name || option.disabled) return;
    wanted = select.value = value;
    open({ [group]: name }, option.text);
  }

  /** @param {boolean} isOpen whether what was wanted has come */
  function settle(isOpen) {
    if (isOpen) chosen = wanted;
    select.value = chosen;
    links.more({ beside: chosen || null });
  }

  /**
   * A scan is not compared with itself. The address is read once, for the first scan: it opens only what is in the list.
   * @param {Scan} scan on show
   */
  function follow(scan) {
    about.textContent = scan.name + ", " + titleOf(lists.checkpoint, scan.checkpoint);
    const own = ["checkpoint:" + scan.checkpoint, "example:" + (scan.own ? "" : scan.name)];
    for (const option of select.options) option.disabled = own.includes(option.value);
    if (isLinked) return;
    isLinked = true;
    token = caseOf(scan.token);
    choose(links.asked().beside ?? "");
  }

  /**
   * Whether another scan is on show than the one that B lay beside.
   * @param {Scan} scan
   */
  function isOther(scan) {
    if (caseOf(scan.token) === token) return false;
    token = caseOf(scan.token);
    [chosen, wanted, select.value] = ["", "", ""];
    links.more({ beside: null });
    return true;
  }

  select.addEventListener("change", () => choose(select.value));
  return { settle, follow, isOther };
}

/** @param {[string, string][]} list @param {string} name */
const titleOf = (list, name) => list.find((one) => one[1] === name)?.[0] ?? name;
