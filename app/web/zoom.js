/* Where the slice is looked at: one zoom and one place for every view that shows it, moved by wheel, drag, two fingers and keys.
   Loaded in the page's head after pictures.js. A view's style sheet reads --zoom, --x and --y, its attribute data-zoomed too. */
(() => {
  const MOST = 12, KEYED = { "+": 1.25, "=": 1.25, "-": 0.8 };
  const STILL = 4;             // a press that moves by no more pixels is a click
  const at = { zoom: 1, x: 0, y: 0 };   // x and y in shares of a stage, so that stages of any size show the same
  const views = [];
  const fingers = new Map();   // pointers that are down, by id: the newest event of each
  let pressed = null, dragged = false;

  function place() {
    const most = (at.zoom - 1) / 2, within = (value) => Math.max(-most, Math.min(most, value));
    Object.assign(at, { x: within(at.x), y: within(at.y) });
    for (const { root, moved } of views) {
      root.style.setProperty("--zoom", at.zoom);
      root.style.setProperty("--x", 100 * at.x + "cqw");
      root.style.setProperty("--y", 100 * at.y + "cqh");
      root.toggleAttribute("data-zoomed", at.zoom > 1);
      moved?.();
    }
  }

  function reset() {
    Object.assign(at, { zoom: 1, x: 0, y: 0 });
    place();
  }

  /* What is under the given point of the page stays there; without one, what is in the middle. */
  function zoomBy(stage, factor, clientX, clientY) {
    const box = stage.getBoundingClientRect(), zoom = Math.min(MOST, Math.max(1, at.zoom * factor));
    const [x, y] = clientX === undefined ? [0, 0] : [(clientX - box.left) / box.width - 0.5, (clientY - box.top) / box.height - 0.5];
    Object.assign(at, { x: x - ((x - at.x) * zoom) / at.zoom, y: y - ((y - at.y) * zoom) / at.zoom, zoom });
    place();
  }

  /* Move by as little as brings a box into sight, or its middle if it is larger than the stage. Its middle is counted from that of the
     stage; all in shares of the stage, as without zoom. */
  function reveal([x, y], [width, height]) {
    const seen = (shift, middle, size) => {
      const room = Math.max(0, 1 - size * at.zoom) / 2;
      return Math.max(-room - middle * at.zoom, Math.min(room - middle * at.zoom, shift));
    };
    Object.assign(at, { x: seen(at.x, x, width), y: seen(at.y, y, height) });
    place();
  }

  function press(view, stage, event) {
    // The line of a wipe is dragged for itself.
    if (!view.ready() || event.button === 1 || event.target.matches("input")) return;
    fingers.set(event.pointerId, event);
    dragged = false;
    pressed = fingers.size > 1 ? null : { x: event.clientX, y: event.clientY, atX: at.x, atY: at.y, take: view.grab?.(event) };
    stage.setPointerCapture(event.pointerId);
  }

  function drag(stage, event) {
    const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y], box = stage.getBoundingClientRect();
    dragged ||= Math.hypot(x, y) > STILL;
    if (pressed.take) pressed.take(x, y);
    else if (at.zoom > 1 && dragged) {
      Object.assign(at, { x: pressed.atX + x / box.width, y: pressed.atY + y / box.height });
      place();
    }
  }

  /* Two fingers zoom by the change of their distance, about the point between them. */
  function pinch(stage, event) {
    const resting = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const apart = (finger) => Math.hypot(finger.clientX - resting.clientX, finger.clientY - resting.clientY);
    const factor = apart(event) / Math.max(1, apart(fingers.get(event.pointerId)));
    zoomBy(stage, factor, (event.clientX + resting.clientX) / 2, (event.clientY + resting.clientY) / 2);
    fingers.set(event.pointerId, event);
    dragged = true;
  }

  function release(event) {
    fingers.delete(event.pointerId);
    pressed = null;
  }

  /* A view with stages: ready() tells whether there is a picture, grab(event) may take a drag over by giving a function of its way,
     click(stage, event) is a press that did not move, moved() follows every change. */
  function attach(view) {
    views.push(view);
    for (const stage of view.root.querySelectorAll(".stage")) {
      stage.addEventListener("wheel", (event) => {
        if (!view.ready()) return;
        event.preventDefault();
        zoomBy(stage, Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
      }, { passive: false });
      stage.addEventListener("pointerdown", (event) => press(view, stage, event));
      stage.addEventListener("pointermove", (event) => {
        if (fingers.size > 1 && fingers.has(event.pointerId)) pinch(stage, event);
        else if (pressed && fingers.has(event.pointerId)) drag(stage, event);
      });
      for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, release);
      stage.addEventListener("click", (event) => { if (!dragged) view.click?.(stage, event); });
      stage.addEventListener("dblclick", reset);
    }
    place();
  }

  document.addEventListener("keydown", (event) => {
    const typed = event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable=true]");
    const view = KEYED[event.key] && !typed && !event.ctrlKey && !event.metaKey && views.find(({ root, ready }) => root.offsetParent !== null && ready());
    if (!view) return;
    event.preventDefault();
    zoomBy(view.root.querySelector(".stage"), KEYED[event.key]);
  });
  document.addEventListener("click", (event) => { if (event.target.closest?.("#reset")) reset(); });

  window.vqseg.zoom = { attach, reset, reveal, level: () => at.zoom };
})();
