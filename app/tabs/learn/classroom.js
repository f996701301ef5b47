/* A class on this page: asks the server for it, follows the teacher or says what she shows, and opens the answers that she
   has shown to everybody. */
import { links } from "../../web/links.js";
import { store } from "../../web/store.js";
import { createClass } from "./class.js";
import { createFollower } from "./follow.js";
import { createPresenter } from "./presenter.js";
import { createRoom } from "./room.js";

/** @typedef {import("./types").StepAnswer} StepAnswer */

const LOOK = 250; // milliseconds between two looks at whether the server is to be asked
const MEMORY = "vqseg-class";

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {import("./types").Lesson} context.lesson
 * @param {import("./types").Answers} context.answers
 * @param {import("./types").Walk} context.walk
 * @param {import("./types").LessonValue} context.value
 * @param {{forward(): void, backward(): void}} context.turns the pages
 * @param {() => void} context.changed
 * @returns {import("./types").Classroom}
 */
export function createClassroom({ root, lesson, answers, walk, value, turns, changed }) {
  const memory = {
    get: () => sessionStorage.getItem(MEMORY),
    set: (/** @type {string | null} */ text) =>
      text === null ? sessionStorage.removeItem(MEMORY) : sessionStorage.setItem(MEMORY, text),
  };
  const place = () => ({ token: store.state?.scan.token ?? "", question: lesson.name });
  const room = createRoom({ ask: asking(value.room), memory, place, changed: heard });
  const follower = createFollower({ lesson, walk });
  const filled = (/** @type {string} */ text) => lesson.fill(text, answers.present?.facts);
  const presenter = createPresenter({ lesson, room, minutes: value.minutes, filled, ...turns });
  const controls = createClass({ root, lesson, room, showNotes: presenter.show });
  let followed = "";

  function heard() {
    const view = JSON.stringify(room.lead.view);
    if (!room.follows) followed = "";
    else if (view !== followed && room.lead.view.step) {
      followed = view;
      follower.follow(room.lead.view);
    }
    follower.converge();
    changed();
  }

  /** Say what the teacher's page shows. */
  function tell() {
    if (room.role !== "teacher") return;
    const shown = Object.entries(links.view() ?? {}).filter(([, one]) => one !== null);
    room.say({ view: Object.fromEntries(shown.map(([name, one]) => [name, String(one)])) });
  }

  /** The answers are open that the teacher has shown, and no others. @param {StepAnswer | null} now */
  function keepUp(now) {
    if (room.role === "none") return;
    if (!room.isRevealed(lesson.name)) lesson.predictions.delete(lesson.name);
    else if (now && !lesson.prediction) walk.predict(now, room.reply(lesson.name) ?? null);
  }

  function draw() {
    controls.draw();
    presenter.draw();
  }

  /** Another scan has other answers. */
  function restart() {
    if (room.role === "teacher") room.again(lesson.steps);
  }

  setInterval(() => {
    tell();
    void room.tick(performance.now());
  }, LOOK);
  const { room: code } = links.asked();
  if (!room.resume() && code) void controls.join(code);
  return { room, keepUp, draw, restart };
}

/**
 * @param {string} path of the route, relative to the page
 * @returns {(request: object) => Promise<any>}
 */
function asking(path) {
  return async (request) => {
    try {
      const address = new URL(path, document.baseURI);
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(request) });
      return { ...(await answer.json()), status: answer.status };
    } catch {
      // No connection, or a proxy's page in place of an answer.
      return undefined;
    }
  };
}
