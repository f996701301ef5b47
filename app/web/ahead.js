/* plotly.js is large: the second that the browser needs to read it passes while the visitor looks at the first picture, not when a tab
   with plots is opened. Loaded in the page's head; window.vqseg.plots is the name of the file, empty where it is not known. */
(() => {
  const CALM = 2500;   // milliseconds without a move of the visitor
  const MOVES = ["pointermove", "pointerdown", "keydown", "wheel", "input", "touchstart"];
  const { plots } = window.vqseg;
  let waiting = 0;

  const whenIdle = window.requestIdleCallback ?? ((then) => setTimeout(then, 0));

  function fetchPlots() {
    stop();
    // From where Gradio itself would take it, so that it is read once.
    const neighbour = document.querySelector("script[type=module][src*='assets/']");
    if (neighbour && !window.Plotly) whenIdle(() => import(new URL(plots, neighbour.src).href).catch(() => {}));
  }

  function postpone() {
    clearTimeout(waiting);
    waiting = setTimeout(fetchPlots, CALM);
  }

  function stop() {
    clearTimeout(waiting);
    for (const name of MOVES) removeEventListener(name, postpone, true);
  }

  if (!plots || navigator.connection?.saveData) return;
  const leave = window.vqseg.frames.subscribe((event) => {
    if (!event.shown) return;
    // Not from within the call: a listener may be told before it knows how to leave.
    queueMicrotask(() => leave());
    for (const name of MOVES) addEventListener(name, postpone, { capture: true, passive: true });
    postpone();
  });
})();
