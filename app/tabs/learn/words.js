/* What a step of the lesson says: idea, question, what was predicted and what the scan gave, the teacher's note. The state is in
   learn.js, which this is joined with. */
function speak(now) {
  const s = stepTexts(), facts = now?.facts ?? {}, prediction = predictions[name()];
  const signature = [name(), lesson.language, lesson.notes, now?.key, prediction?.key, problem.key === wanted].join(" ");
  if (signature === told) return;
  told = signature;
  const said = [el("h2", {}, s.title), el("p", { class: "idea" }, fill(s.idea, facts))];
  if (problem.key === wanted) said.push(el("p", { class: "notice", role: "alert" }, problem.text));
  said.push(prediction ? outcome(s, facts, prediction, now) : question(s, facts, now), prediction ? formula(s) : null, note(s));
  part(".say").replaceChildren(...said.filter(Boolean));
}

function question(s, facts, now) {
  const commit = (event) => {
    event.preventDefault();
    const guess = new FormData(event.target).get("guess");
    if (now && guess !== null && guess !== "") predict(now, s.options ? guess : Number(guess));
  };
  const entry = s.options ? choices(s, now) : number(now);
  return el("form", { class: "ask", on: { submit: commit, input: (event) => (drafts[name()] = event.target.value) } },
    el("p", { class: "lead" }, ui("predict")), el("p", { class: "question", id: "question" }, fill(s.question, facts)), entry,
    el("button", { class: "primary", disabled: !now }, now ? ui("reveal") : ui("waiting")));
}

function number(now) {
  const [low, high] = now?.bounds ?? [0, 100];
  return el("p", { class: "number" }, el("input", { type: "number", name: "guess", inputMode: "numeric", min: low, max: high, step: 1, required: true, value: drafts[name()] ?? "", "aria-labelledby": "question", autocomplete: "off" }),
    el("span", {}, ui("between", { low, high })));
}

function choices(s, now) {
  return el("div", { class: "options", role: "radiogroup", "aria-labelledby": "question" }, ...sample(now, "div"),
    ...Object.entries(s.options).map(([key, text]) => el("label", {}, el("input", { type: "radio", name: "guess", value: key, required: true, checked: drafts[name()] === key }), el("span", {}, text), ...strips(now, key))));
}

/* The nearest codeword is looked for by eye: strips stand beside the letters. */
const scale = (now) => 0.6 * extent([now.data.feature, ...now.data.choices.map((one) => one.values)]);
const sample = (now, tag) => (now?.data.choices ? [el(tag, { class: "sample" }, el("span", {}, texts().pictures.feature), strip(now.data.feature, scale(now)))] : []);

function strips(now, letter, more = false) {
  const one = now?.data.choices?.find((choice) => choice.letter === letter);
  return one ? [strip(one.values, scale(now)), more ? el("small", {}, fill(texts().pictures.distance, { distance: one.distance })) : null] : [];
}

function predict(now, guess) {
  predictions[name()] = { guess, truth: now.truth, key: now.key };
  delete drafts[name()];
  // What was asked is what is seen next.
  if (SLIDERS[name()] === "strength") window.vqseg.setSlider("strength", now.facts.strength);
  paint();
  part(".outcome")?.focus({ preventScroll: true });
}

function outcome(s, facts, { guess, truth, key }, now) {
  const result = s.options ? chosen(s, guess, now) : compared(guess, truth, now?.bounds);
  return el("section", { class: "outcome", tabIndex: -1 }, result, now && now.key !== key ? el("p", { class: "moved" }, ui("moved")) : null,
    el("p", { class: "reveal" }, fill(s.reveal, facts)), el("p", { class: "why" }, fill(s.why, facts)),
    el("p", { class: "on" }, lesson.step < STEPS.length - 1 ? el("button", { class: "primary", type: "button", on: { click: () => go(lesson.step + 1) } }, ui("next")) : null,
      el("button", { class: "quiet", type: "button", on: { click: again } }, ui("again"))));
}

function again() {
  delete predictions[name()];
  draw();
}

function compared(guess, truth, bounds) {
  const [low, high] = bounds ?? [0, 100], place = (value) => (100 * (Math.min(high, Math.max(low, value)) - low)) / (high - low) + "%";
  const tick = (kind, value) => {
    const mark = el("i", { class: kind });
    mark.style.left = place(value);
    return mark;
  };
  return el("div", { class: "compared" }, el("dl", {}, el("div", { class: "guess" }, el("dt", {}, ui("you_said")), el("dd", {}, n(guess))), el("div", { class: "truth" }, el("dt", {}, ui("scan_says")), el("dd", {}, n(truth)))),
    el("div", { class: "scale", "aria-hidden": "true" }, tick("guess", guess), tick("truth", truth)));
}

function chosen(s, guess, now) {
  const truth = now?.truth ?? predictions[name()].truth;
  return el("ul", { class: "options chosen" }, ...sample(now, "li"), ...Object.entries(s.options).map(([key, text]) => {
    const told = [key === truth ? ui("right") : "", key === guess ? ui("chosen") : ""].filter(Boolean).join(" · ");
    return el("li", { class: key === truth ? "truth" : "" }, el("span", {}, text), ...strips(now, key, true), told ? el("b", {}, told) : null);
  }));
}

function formula(s) {
  if (!s.equation) return null;
  const signs = el("div", { class: "signs" });
  // Written by us, in a file of its own: MathML is the same in every language.
  signs.innerHTML = EQUATIONS[name()];
  return el("details", { class: "equation" }, el("summary", {}, ui("equation")), signs, el("p", {}, s.equation));
}

function note(s) {
  const details = el("details", { class: "note", open: lesson.notes }, el("summary", {}, ui("notes")), el("p", {}, s.note));
  details.addEventListener("toggle", () => change({ notes: details.open }));
  return details;
}
