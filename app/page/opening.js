/* The strip at the foot of the page while a scan is being opened: what, how far, and a button to stop it. */
const root = element.querySelector(".opening");
const text = (name) => root.querySelector("[data-text=" + name + "]");
const bar = root.querySelector("progress");
// Milliseconds: what is there at once needs no strip.
const AT_FIRST = 400, AFTERWARDS = 250;
const STAGES = { waiting: "waiting", reading: "reading the file", loading: "loading the checkpoint", encoding: "encoding its slices" };

let present = null;
let timer = 0;

function follow(newest) {
  clearTimeout(timer);
  present = newest;
  if (!newest || newest.stopped) return void (root.hidden = true);
  timer = setTimeout(look, root.hidden ? AT_FIRST : 0);
}

async function look() {
  const mine = present, told = await server.progress(mine.ticket);
  if (mine !== present || mine.stopped) return;
  if (told?.over) return void (root.hidden = true);
  text("title").textContent = mine.title;
  text("title").title = mine.title;
  text("stage").textContent = describe(told);
  if (told?.stage === "encoding") bar.value = told.share;
  else bar.removeAttribute("value");
  root.hidden = false;
  timer = setTimeout(look, AFTERWARDS);
}

function describe(told) {
  if (!told) return "the server does not answer";
  if (told.stage === "encoding") return STAGES.encoding + " " + Math.round(100 * told.share) + " %";
  return STAGES[told.stage] + (told.ahead ? " for " + told.ahead + (told.ahead === 1 ? " other" : " others") : "");
}

function stop() {
  server.cancel(present.ticket);
  window.vqseg.openings.stop();
}

root.querySelector("button").addEventListener("click", stop);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !root.hidden) stop(); });
window.vqseg.openings.subscribe(follow);
