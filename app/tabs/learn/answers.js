/* The numbers of the present step for the present slice and its marked square. One request is under way at a time, and
   the newest wish wins. */

const LONG = 1500; // milliseconds; after this the visitor reads why it takes so long

/** @typedef {import("./types").Answers} Answers */
/** @typedef {import("./types").StepAnswer} StepAnswer */

/**
 * @param {object} context
 * @param {import("./types").Lesson} context.lesson
 * @param {(request: object) => Promise<any>} context.ask the server's function
 * @param {(packed: string) => Promise<Uint8Array>} context.unpack
 * @param {() => import("./types").Place} context.place the present slice
 * @param {() => void} context.changed called when there is something new to draw
 * @returns {Answers}
 */
export function createAnswers({ lesson, ask, unpack, place, changed }) {
  /** @type {StepAnswer | null} */
  let answer = null;
  /** @type {{key: string, text: string} | null} */
  let problem = null;
  let wanted = "";
  let busy = false;
  let isSlow = false;

  const request = () => ({ ...place(), strength: 0, step: lesson.name, cell: lesson.state.cell });

  async function wish() {
    lesson.visited.add(lesson.name);
    wanted = JSON.stringify(request());
    // A visitor who comes back to the step wants another try.
    if (!busy) problem = null;
    changed();
    if (busy) return;
    busy = true;
    while (wanted !== answer?.key && wanted !== problem?.key) await fetchAnswer(wanted);
    busy = false;
    changed();
  }

  /** @param {string} asked */
  async function fetchAnswer(asked) {
    const late = setTimeout(() => tellSlow(true), LONG);
    const given = await ask(JSON.parse(asked));
    clearTimeout(late);
    tellSlow(false);
    // An old or mistyped link may name a square that this scan does not have. It is ignored.
    if (given?.error && lesson.state.cell) return mark(null);
    if (!given || given.error) {
      problem = { key: asked, text: given?.error ?? lesson.ui("no_answer") };
      return;
    }
    const pictures = await unpacked(given.pictures);
    const isChosen = asked === wanted && !lesson.state.cell;
    if (isChosen) mark(given.cell);
    answer = { ...given, pictures, key: isChosen ? wanted : asked };
  }

  /** @param {boolean} is */
  function tellSlow(is) {
    if (isSlow === is) return;
    isSlow = is;
    changed();
  }

  /** @param {import("./types").Cell | null} cell */
  function mark(cell) {
    lesson.state.cell = cell;
    wanted = JSON.stringify(request());
  }

  /** @param {Record<string, string>} packed */
  async function unpacked(packed) {
    const entries = Object.entries(packed).map(async ([name, one]) => [name, await unpack(one)]);
    return Object.fromEntries(await Promise.all(entries));
  }

  return {
    wish,
    request,
    get present() {
      return answer?.step === lesson.name && answer.key === wanted ? answer : null;
    },
    get isSlow() {
      return isSlow;
    },
    get problem() {
      return problem && problem.key === wanted ? problem.text : null;
    },
    fail(message) {
      problem = { key: wanted, text: message };
      changed();
    },
  };
}
