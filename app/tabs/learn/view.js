/* The Learn tab: the lesson on the present slice. Numbers and pictures come from the server. No text or picture of the
   page gives an answer away before the visitor has predicted. */
import { save } from "../../web/files.js";
import { frames } from "../../web/frames.js";
import { addKeys } from "../../web/keys.js";
import { language } from "../../web/language.js";
import { links } from "../../web/links.js";
import { unpack } from "../../web/packed.js";
import { store } from "../../web/store.js";
import { createAnswers } from "./answers.js";
import { createClassroom } from "./classroom.js";
import { createFrame } from "./frame.js";
import { createLesson } from "./lesson.js";
import { createScreen } from "./screen.js";
import { createWalk } from "./walk.js";
import { createWords } from "./words.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").Walk} Walk */

let painted = () => /** @type {import("./types").Painted | null} */ (null);

/** What the tab shows; null before the first step is painted. */
export const state = () => painted();

/**
 * @param {HTMLElement} element
 * @param {import("../../web/types").Props<import("./types").LessonValue>} props
 * @param {import("./types").LessonServer} server
 */
export function mount(element, props, server) {
  const { texts: languages, equations } = props.value;
  const root = /** @type {HTMLElement} */ (element.querySelector(".lesson"));
  const lesson = createLesson(props.value, links.asked(), language.code);
  const visible = () => element.offsetParent !== null;
  let drawing = 0;
  function draw() {
    if (drawing || !visible()) return;
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      screen.paint();
    });
  }

  const answers = createAnswers({ lesson, ask: server.lesson, unpack, place: onShow, changed: draw });
  const walk = createWalk({ lesson, answers, visible, draw });
  const { change } = walk;
  const go = (/** @type {number} */ step) => {
    const isThere = walk.go(step);
    if (!isThere) return false;
    root.scrollIntoView({ block: "nearest" });
    words.turn();
    return true;
  };
  const forward = () => go(lesson.state.step + 1);
  const backward = () => go(lesson.state.step - 1);
  const speak = (/** @type {string} */ wanted) => {
    links.more({ lang: wanted });
    if (language.offers(wanted)) language.choose(wanted);
    else change({ language: wanted });
  };
  const classroom = createClassroom({
    ...{ root, lesson, answers, walk, value: props.value, turns: { forward, backward } },
    changed: draw,
  });
  const { room } = classroom;
  const saveHandout = (/** @type {HTMLButtonElement} */ button) => handout(button, { lesson, answers, server });
  const frame = createFrame({ root, lesson, languages, forward, backward, go, change, speak, saveHandout });
  const words = createWords({ root, lesson, answers, equations, walk, room, forward, paint: () => screen.paint() });
  const screen = createScreen({ root, lesson, answers, walk, classroom, frame, words });
  painted = screen.painted;

  addKeys({ n: forward, PageDown: forward, p: backward, PageUp: backward });
  // Large text fills the window: on a projector there is no room for controls beside it.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && lesson.state.large && visible()) change({ large: false });
  });
  frames.subscribe(draw);
  // A lesson in a language that the page does not have stays in it.
  language.subscribe(() => {
    if (language.code in languages && language.offers(lesson.state.language)) change({ language: language.code });
  });
  store.subscribe((page) => {
    if (walk.follow(page)) classroom.restart();
  });
  new IntersectionObserver(() => {
    if (visible()) change({});
    else frame.uncover();
    walk.wish();
  }).observe(element);
}

/** The present slice, if there is one. */
function onShow() {
  const { scan, plane, index, mode, seed } = /** @type {import("./types").PageState} */ (store.state);
  return { token: scan.token, plane, index, mode, seed };
}

/**
 * @param {HTMLButtonElement} button
 * @param {{lesson: Lesson, answers: import("./types").Answers, server: import("./types").LessonServer}} context
 */
async function handout(button, { lesson, answers, server }) {
  const { notes } = lesson.state;
  button.disabled = true;
  const address = location.origin + location.pathname;
  const given = await server.handout({ ...answers.request(), language: lesson.state.language, notes, address });
  button.disabled = false;
  if (given?.page) save(given.page, "text/html", given.name ?? "");
  else answers.fail(given?.error ?? lesson.ui("no_answer"));
}
