/* A class, as one page of it knows it: the teacher's page leads and hears what the students have replied, a student's follows
   and replies. It asks the server once a second. Knows nothing of the page: whatever is kept beyond a reload is handed in. */

/** @typedef {import("./types").Lead} Lead */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").Reply} Reply */
/** @typedef {import("./types").Room} Room */

const NO_LEAD = () => /** @type {Lead} */ ({ view: {}, follows: true, rounds: {}, revealed: [] });
const NO_REPORT = () => /** @type {Report} */ ({ here: 0, answered: 0, counts: {} });
const LOST = 2; // requests that found no server, until the page says so
const [SOON, PACE] = [250, 1000]; // milliseconds between two requests: of what is new, and otherwise

/**
 * @param {object} context
 * @param {(request: object) => Promise<any>} context.ask the server's answer; undefined if there was none
 * @param {{get(): string | null, set(text: string | null): void}} context.memory what outlasts a reload of the page
 * @param {() => {token: string, question: string}} context.place of the teacher's page
 * @param {() => void} context.changed
 * @returns {Room}
 */
export function createRoom({ ask, memory, place, changed }) {
  /** @type {Room["role"]} */
  let role = "none";
  let [code, key] = ["", ""];
  let lead = NO_LEAD();
  let report = NO_REPORT();
  /** @type {Map<string, {round: number, reply: Reply}>} */
  const replies = new Map();
  let [version, missed, follows] = [-1, 0, true];
  /** @type {string | null} */
  let problem = null;
  let [isUnderWay, isNew, askedAt] = [false, false, -PACE];
  /** @type {Record<string, any>} replies that the server knew when this page joined again */
  let mine = {};

  /** @param {Room["role"]} next @param {{code?: string, key?: string}} [known] */
  function become(next, known = {}) {
    role = next;
    ({ code = "", key = "" } = known);
    [lead, report, version, missed, follows, problem, isNew] = [NO_LEAD(), NO_REPORT(), -1, 0, true, null, false];
    [askedAt, mine] = [-PACE, {}];
    replies.clear();
    memory.set(role === "none" ? null : JSON.stringify({ role, code, key }));
    changed();
  }

  /** @param {string} text */
  function fail(text) {
    problem = text;
    changed();
    return false;
  }

  /** @param {string} token of the scan on show @param {string} nothing what to say if there is no answer */
  async function open(token, nothing) {
    const given = await ask({ do: "open", token });
    if (!given?.key) return fail(given?.error ?? nothing);
    become("teacher", given);
    return true;
  }

  /** @param {string} wanted the class's code @param {string} nothing as in open */
  async function join(wanted, nothing) {
    const before = remembered();
    const student = before?.role === "student" && before.code === wanted.toUpperCase() ? before.key : undefined;
    const given = await ask({ do: "join", code: wanted, student });
    if (!given?.student) return fail(given?.error ?? nothing);
    become("student", { code: wanted.toUpperCase(), key: given.student });
    mine = given.mine;
    return true;
  }

  function takeMine() {
    for (const [question, reply] of Object.entries(mine)) {
      replies.set(question, { round: lead.rounds[question] ?? 0, reply: reply[""] ?? reply });
    }
    mine = {};
  }

  /** @returns {{role: Room["role"], code: string, key: string} | null} */
  function remembered() {
    try {
      return JSON.parse(memory.get() ?? "null");
    } catch {
      return null;
    }
  }

  /** Whether this page taught a class before it was loaded again: it then goes on. */
  function resume() {
    const before = remembered();
    if (before?.role !== "teacher") return false;
    become("teacher", before);
    version = 0; // the server says what was led
    return true;
  }

  /** Ask, if it is time for that. @param {number} now milliseconds */
  async function tick(now) {
    if (role === "none" || isUnderWay || now - askedAt < (isNew && !missed ? SOON : PACE)) return;
    [isUnderWay, askedAt] = [true, now];
    const asked = key;
    const given = await ask(role === "teacher" ? asTeacher() : asStudent());
    isUnderWay = false;
    // The class may have been left meanwhile.
    if (asked !== key) return;
    take(given);
    changed();
  }

  function asTeacher() {
    const said = isNew ? lead : null;
    isNew = false;
    return { do: "lead", code, key, lead: said, ...place() };
  }

  const asStudent = () => ({ do: "news", code, student: key, seen: version });

  /** @param {any} given */
  function take(given) {
    missed = given ? 0 : missed + 1;
    if (given?.status === 404) {
      become("none");
      problem = given.error;
      return;
    }
    if (!given || given.error) {
      // What was said is said again.
      isNew = role === "teacher" && version < 0;
      return;
    }
    if (role === "teacher") hear(given);
    else if (given.lead) {
      lead = given.lead;
      takeMine();
    }
    version = given.version ?? version;
  }

  /** @param {Report & {lead: Lead}} given */
  function hear(given) {
    report = { here: given.here, answered: given.answered, counts: given.counts };
    // A page that was loaded again goes on where it was.
    if (version === 0) ({ lead } = given);
    version = -1;
  }

  /** @param {Partial<Lead>} values */
  function say(values) {
    // A page that was loaded again first hears what it has led.
    if (role !== "teacher" || version === 0) return;
    const next = { ...lead, ...values };
    if (JSON.stringify(next) === JSON.stringify(lead)) return;
    [lead, isNew] = [next, true];
    changed();
  }

  /** @param {string[]} questions are asked anew */
  function again(questions) {
    const rounds = { ...lead.rounds };
    for (const one of questions) rounds[one] = (rounds[one] ?? 0) + 1;
    report = NO_REPORT();
    say({ rounds, revealed: lead.revealed.filter((one) => !questions.includes(one)) });
  }

  /** @param {string} question @param {Reply} reply */
  async function send(question, reply) {
    const round = lead.rounds[question] ?? 0;
    replies.set(question, { round, reply });
    changed();
    const given = await ask({ do: "answer", code, student: key, question, round, reply });
    // It came too late, or not at all: the question is open again.
    if (!given?.counts) replies.delete(question);
    missed = given ? 0 : LOST;
    changed();
  }

  async function leave() {
    if (role === "teacher") await ask({ do: "end", code, key });
    become("none");
  }

  return {
    open,
    join,
    resume,
    tick,
    say,
    again,
    send,
    leave,
    reveal: (question) => say({ revealed: [...new Set([...lead.revealed, question])] }),
    picture: (link) => ask({ do: "picture", code, key, link }),
    /** @param {boolean} wanted */
    follow(wanted) {
      follows = wanted;
      changed();
    },
    isRevealed: (question) => role !== "none" && lead.revealed.includes(question),
    round: (question) => lead.rounds[question] ?? 0,
    /** The student's reply in the present round. */
    reply(question) {
      const own = replies.get(question);
      return own && own.round === (lead.rounds[question] ?? 0) ? own.reply : undefined;
    },
    get role() {
      return role;
    },
    get code() {
      return code;
    },
    get lead() {
      return lead;
    },
    get report() {
      return report;
    },
    get follows() {
      return role === "student" && follows && lead.follows;
    },
    get wantsToFollow() {
      return follows;
    },
    get isLost() {
      return missed >= LOST;
    },
    get problem() {
      return problem;
    },
  };
}
