/* The gallery of the examples: a button that shows the present one, and a panel with all of them. What is marked follows
   the page, not the last press: an example that is still being opened is not yet on show. */

import { make } from "../web/dom.js";
import { attachPopover } from "../web/popovers.js";
import { store } from "../web/store.js";
import { neighbourOf } from "./gallery_order.js";

/** @typedef {import("../web/types").PageState} PageState */
/** @typedef {import("./types").Case} Case */

const PHASES = /** @type {Record<string, string>} */ ({ ED: "filled", ES: "contracted" });
const OWN = { name: "Your own scan", line: "", look: "", credit: "", licence: "", note: "", picture: "", files: [] };

/**
 * @param {HTMLElement} element
 * @param {{value: string | null, cases: Case[]}} props
 * @param {unknown} _server
 * @param {(event: string) => void} trigger
 */
export function mount(element, props, _server, trigger) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".gallery"));
  const [cases, panel] = [props.cases, /** @type {HTMLElement} */ (root.querySelector(".panel"))];
  const button = /** @type {HTMLButtonElement} */ (root.querySelector(".shown"));

  /** @param {string} title */
  function choose(title) {
    panel.hidePopover();
    props.value = title;
    trigger("input");
  }

  const list = createList(root, cases, choose);
  const card = createCard(root, choose);
  root.querySelector(".close")?.addEventListener("click", () => panel.hidePopover());
  attachPopover(button, panel, { opened: list.focus });

  /** @param {PageState} state */
  function follow({ scan }) {
    const shown = scan.own ? undefined : cases.find(({ files }) => files.some(({ title }) => title === scan.name));
    list.mark(shown);
    card.show(shown ?? { ...OWN, group: "" }, scan.name, scan.brought);
  }

  if (cases.length) card.show(cases[0], cases[0].files[0].title, "");
  store.subscribe(follow);
}

/**
 * What is known of the example on show.
 * @param {HTMLElement} root
 * @param {(title: string) => void} choose
 */
function createCard(root, choose) {
  const phases = /** @type {HTMLElement} */ (root.querySelector(".phases"));
  const picture = /** @type {HTMLElement} */ (root.querySelector(".shown .picture"));

  /**
   * @param {string} name
   * @param {string} words
   */
  function write(name, words) {
    const place = /** @type {HTMLElement} */ (root.querySelector(`[data-text=${name}]`));
    if (place.textContent !== words) place.textContent = words;
    place.hidden = !words;
  }

  /**
   * @param {Case} shown
   * @param {string} title of the file on show
   * @param {string} brought the checkpoint that came with it
   */
  function show(shown, title, brought) {
    paint(picture, shown.picture);
    write("name", shown.name);
    write("line", shown.line);
    write("brought", brought && `Opened with ${brought}, which reads such pictures.`);
    write("look", shown.look);
    write("credit", creditOf(shown));
    phases.hidden = shown.files.length < 2;
    const former = phases.contains(document.activeElement);
    phases.replaceChildren(...(phases.hidden ? [] : shown.files.map((file) => phaseButton(file, title))));
    if (former) /** @type {HTMLElement | null} */ (phases.querySelector("[aria-checked=true]"))?.focus();
  }

  /**
   * @param {Case["files"][number]} file
   * @param {string} shown
   */
  function phaseButton({ title, phase }, shown) {
    const isShown = title === shown;
    const on = { click: () => isShown || choose(title), keydown: step };
    const words = make("span", {}, PHASES[phase] ?? "");
    const state = { type: "button", role: "radio", "aria-checked": isShown, tabIndex: isShown ? 0 : -1 };
    return make("button", { ...state, on }, make("b", {}, phase), " ", words);
  }

  /** @param {KeyboardEvent} event */
  function step(event) {
    const buttons = /** @type {HTMLElement[]} */ ([...phases.children]);
    const next = neighbourOf([buttons.length], buttons.indexOf(/** @type {HTMLElement} */ (event.target)), event.key);
    if (next === null) return;
    event.preventDefault();
    buttons[next].click();
  }

  return { show };
}

/** @param {Pick<Case, "credit" | "licence" | "note">} shown */
export function creditOf({ credit, licence, note }) {
  return [credit && `${credit}, ${licence}.`, note].filter(Boolean).join(" ");
}

/**
 * @param {HTMLElement} place
 * @param {string} picture
 */
function paint(place, picture) {
  if (picture) place.style.backgroundImage = `url(${picture})`;
  else place.removeAttribute("style");
}

/**
 * All cases, one of which has the keyboard. Choosing one takes time, so the arrow keys only move.
 * @param {HTMLElement} root
 * @param {Case[]} cases
 * @param {(title: string) => void} choose
 */
function createList(root, cases, choose) {
  const list = /** @type {HTMLElement} */ (root.querySelector(".list"));
  /** @type {HTMLElement[]} */
  const cards = cases.map((one) => optionOf(one, () => choose(one.files[0].title)));
  const groups = [...new Set(cases.map(({ group }) => group))];
  const cardsOf = (/** @type {string} */ group) => cards.filter((_, i) => cases[i].group === group);
  list.replaceChildren(...groups.map((group) => groupOf(group, cardsOf(group))));
  let at = 0;

  /** @param {number} next */
  function move(next) {
    cards[at].tabIndex = -1;
    cards[next].tabIndex = 0;
    at = next;
  }

  list.addEventListener("keydown", (event) => {
    const next = neighbourOf(rowsOf(cards), cards.indexOf(/** @type {HTMLElement} */ (event.target)), event.key);
    if (next === null) return;
    event.preventDefault();
    move(next);
    cards[next].focus();
  });

  /** @param {Case | undefined} shown */
  function mark(shown) {
    cards.forEach((card, i) => card.setAttribute("aria-selected", String(cases[i] === shown)));
    if (shown) move(cases.indexOf(shown));
  }

  if (cards.length) move(0);
  return { mark, focus: () => cards[at]?.focus() };
}

/**
 * @param {Case} one
 * @param {() => void} choose
 */
function optionOf(one, choose) {
  const picture = make("span", { className: "picture" });
  paint(picture, one.picture);
  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  }
  const state = {
    className: "case-card",
    role: "option",
    "aria-label": one.name,
    "aria-description": one.line,
    tabIndex: -1,
  };
  return make(
    "div",
    { ...state, on: { click: choose, keydown: press } },
    picture,
    make("strong", {}, one.name),
    make("small", {}, one.line),
  );
}

/**
 * @param {string} title
 * @param {HTMLElement[]} cards
 */
function groupOf(title, cards) {
  const head = title ? make("h3", { role: "presentation" }, title) : null;
  return make(
    "div",
    { className: "group", role: "group", "aria-label": title || "Examples" },
    head,
    make("div", { className: "cards", role: "presentation" }, ...cards),
  );
}

/**
 * How many cards stand in each row.
 * @param {HTMLElement[]} cards
 */
function rowsOf(cards) {
  /** @type {Map<number, number>} */
  const rows = new Map();
  for (const { offsetTop } of cards) rows.set(offsetTop, (rows.get(offsetTop) ?? 0) + 1);
  return [...rows.values()];
}
