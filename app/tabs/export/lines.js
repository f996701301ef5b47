/* The code that reproduces the present view: shown on the page, copied, and saved as a configuration. */
import { nameOf, save } from "../../web/files.js";
import { store } from "../../web/store.js";
import { written } from "../../web/translated.js";
import { described, questionOf } from "./questions.js";

/**
 * @typedef {import("./types").Lines} Lines
 * @typedef {import("./types").Tab} Tab
 */

const LANGUAGES = /** @type {const} */ (["python", "client"]);
const COPIED = "Copied";
const SAID = 1500; // milliseconds

/**
 * @param {Tab} tab
 * @param {() => void} refreshed is called when the lines match the present view
 */
export function createLines(tab, refreshed) {
  let asked = 0; // the number of the newest question

  async function refresh() {
    const { state } = store;
    if (!state) return;
    const mine = ++asked;
    const answer = await tab.server.export(questionOf(state, "lines", location.origin));
    if (mine !== asked) return;
    if (!answer || answer.error)
      return tab.say(answer?.error ?? "The server did not answer. Change a setting to try again.");
    for (const language of LANGUAGES) tab.text(language).textContent = answer[language] ?? "";
    tab.text("what").textContent = described(state);
    refreshed();
  }

  /** @param {string} language whose lines are shown */
  function show(language) {
    for (const each of LANGUAGES) {
      tab.find("[data-lines=" + each + "]").setAttribute("aria-selected", String(each === language));
      tab.text(each).hidden = each !== language;
    }
  }

  /** Copies the lines that are shown. @param {HTMLElement} button */
  function copy(button) {
    const language = LANGUAGES.find((each) => !tab.text(each).hidden) ?? LANGUAGES[0];
    copyText(tab.text(language).textContent ?? "", button);
  }

  /** @param {HTMLElement} button */
  async function copyLink(button) {
    tab.say("");
    const isCopied = await copyText(location.href, button);
    if (!isCopied || !store.state?.scan.own) return;
    tab.say("The link holds the settings but not your own scan. On other computers it opens an example.");
  }

  /**
   * @param {string} text
   * @param {HTMLElement} button that reports the result
   */
  async function copyText(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      tab.say("This browser does not allow the page to copy. Select the text and copy it yourself.");
      return false;
    }
    const label = written(button);
    if (label === COPIED) return true;
    button.textContent = COPIED;
    setTimeout(() => (button.textContent = label), SAID);
    return true;
  }

  async function saveConfiguration() {
    const { state } = store;
    if (!state) return;
    tab.say("");
    const answer = await tab.server.export(questionOf(state, "lines", location.origin));
    if (!answer?.configuration) return tab.say(answer?.error ?? "The server did not answer. Try again.");
    save(answer.configuration, "application/json", nameOf(state, ".json", true));
  }

  return { refresh, show, copy, copyLink, saveConfiguration };
}
