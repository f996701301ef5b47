/* The controls of a class: the strip under the list of steps, the invitation with its QR code, and the way into a class. */
import { translated } from "../../web/language.js";
import { links } from "../../web/links.js";
import { store } from "../../web/store.js";

/** @typedef {import("./types").Lesson} Lesson */
/** @typedef {import("./types").Room} Room */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 4; // light squares around a QR code, which readers want
const THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"];

/** The link that a class follows. @param {string} code */
export function linkOf(code) {
  const address = new URL(location.origin + location.pathname);
  address.search = new URLSearchParams({ tab: "learn", room: code }).toString();
  return address.href;
}

/**
 * A QR code as one path of dark squares.
 * @param {string[]} rows "1" for a dark square
 */
export function squaresOf(rows) {
  return rows.flatMap((row, y) => [...row].map((square, x) => (square === "1" ? `M${x} ${y}h1v1h-1z` : ""))).join("");
}

/** @param {string[]} rows @param {string} name */
function qrCode(rows, name) {
  const side = rows.length + 2 * MARGIN;
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", squaresOf(rows));
  svg.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${side} ${side}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  svg.append(path);
  return svg;
}

/**
 * @param {object} context
 * @param {HTMLElement} context.root
 * @param {Lesson} context.lesson
 * @param {Room} context.room
 * @param {() => void} context.showNotes opens the presenter's window
 */
export function createClass({ root, lesson, room, showNotes }) {
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
  const words = (/** @type {string} */ name) => part(`[data-text=${name}]`);
  const control = (/** @type {string} */ name) => part(`[data-do=${name}]`);
  const strip = part(".class");
  const follow = /** @type {HTMLInputElement} */ (control("follow"));
  const dialog = /** @type {HTMLDialogElement} */ (part("dialog"));
  const form = /** @type {HTMLFormElement} */ (control("join"));
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));

  async function teach() {
    if (!store.state) return;
    const isOpen = await room.open(store.state.scan.token, lesson.ui("no_answer"));
    if (isOpen) await invite();
  }

  async function invite() {
    const link = linkOf(room.code);
    const given = await room.picture(link);
    const drawn = given?.rows ? [qrCode(given.rows, lesson.ui("invite"))] : [];
    part(".qr").replaceChildren(...drawn);
    part(".code").textContent = room.code;
    part(".invite .link").textContent = link;
    part(".invite .notice").hidden = !THIS_MACHINE.includes(location.hostname);
    part(".invite .notice").textContent = lesson.ui("local_only");
    if (!dialog.open) dialog.showModal();
  }

  /** @param {string} code */
  async function join(code) {
    const isJoined = await room.join(code, lesson.ui("no_answer"));
    if (!isJoined) return;
    links.more({ room: room.code });
    input.value = "";
    part(".say .question")?.focus({ preventScroll: true });
  }

  function draw() {
    const { role, report } = room;
    const notice = room.isLost ? lesson.ui("class_lost") : (problem() ?? (isOwn() ? lesson.ui("own_scan") : ""));
    strip.hidden = role === "none" && !notice;
    strip.dataset.role = role;
    words("class_code").textContent = role === "none" ? "" : lesson.ui("class_code", { code: room.code });
    words("here").textContent = role === "teacher" ? lesson.ui("here", { here: report.here }) : "";
    words("answered").textContent = role === "teacher" ? lesson.ui("answered", { answered: report.answered }) : "";
    if (words("class_notice").textContent !== notice) words("class_notice").textContent = notice;
    drawControls(role);
  }

  /** The server speaks English; the lesson's other texts are its own. */
  const problem = () => room.problem && translated(room.problem);

  /** Her own scan is on show, which nobody else can have. */
  const isOwn = () => room.role === "teacher" && Boolean(store.state?.scan.own);

  /** @param {Room["role"]} role */
  function drawControls(role) {
    const label = words("follow");
    label.hidden = role === "none" || (role === "student" && !room.lead.follows);
    follow.checked = role === "teacher" ? room.lead.follows : room.wantsToFollow;
    const said = role === "teacher" ? lesson.ui("leads") : lesson.ui("follow");
    /** @type {HTMLElement} */ (label.querySelector("span")).textContent = said;
    control("invite").textContent = lesson.ui("invite");
    control("presenter").textContent = lesson.ui("presenter");
    control("end").textContent = role === "teacher" ? lesson.ui("end_class") : lesson.ui("leave_class");
    control("invite").hidden = control("presenter").hidden = role !== "teacher";
    control("end").hidden = role === "none";
    control("teach").hidden = form.hidden = role !== "none";
    control("teach").textContent = lesson.ui("teach");
    control("close").textContent = lesson.ui("close");
    input.placeholder = lesson.ui("class_label");
    input.setAttribute("aria-label", lesson.ui("class_label"));
    /** @type {HTMLElement} */ (form.querySelector("button")).textContent = lesson.ui("join");
  }

  // A dialog gives the keyboard back to what had it, which is gone once the room is open.
  dialog.addEventListener("close", () => control("invite").focus());
  control("teach").addEventListener("click", teach);
  control("invite").addEventListener("click", invite);
  control("presenter").addEventListener("click", showNotes);
  control("end").addEventListener("click", async () => {
    await room.leave();
    links.more({ room: null });
    // At once: a button that is not on show yet cannot have the keyboard.
    draw();
    control("teach").focus();
  });
  follow.addEventListener("change", () => {
    if (room.role === "teacher") room.say({ follows: follow.checked });
    else room.follow(follow.checked);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void join(input.value.trim());
  });
  return { draw, join };
}
