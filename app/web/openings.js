/* Scans on their way, as the page knows them: a ticket for each, made here, by which the server is asked how far it is and told
   to stop. Loaded in the page's head after store.js; components/opening.js shows the newest. */
(() => {
  const AT_ONCE = 1000;           // milliseconds
  const underway = [];            // the newest last
  const listeners = new Set();

  const newest = () => underway.at(-1) ?? null;
  const tell = () => listeners.forEach((listener) => listener(newest()));

  /* What Gradio's events send along: the ticket of what is going to be opened now. title: as visitors read it; choice: what was
     chosen. A drop-down list tells one choice twice: both get one ticket, and the server opens one of them. */
  function begin(title, choice) {
    const last = newest(), now = performance.now(), chosen = JSON.stringify([title, choice]);
    const again = last && !last.stopped && last.chosen === chosen && now - last.begun < AT_ONCE;
    // No randomUUID: browsers have it on https and localhost only.
    const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    underway.push(again ? last : { ticket: random(), title: String(title ?? ""), chosen, begun: now, stopped: false });
    tell();
    return newest().ticket;
  }

  /* One of them has ended, well or not; while there are others they are shown. */
  function settle() {
    underway.shift();
    tell();
    return [];
  }

  function stop() {
    newest().stopped = true;
    tell();
  }

  function subscribe(listener) {
    listeners.add(listener);
    listener(newest());
  }

  window.vqseg.openings = { begin, settle, stop, subscribe };
})();
