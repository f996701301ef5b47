/* The crosshair, the same in all four pictures; Shift or the right button and a drag set the window. Part of the view, see viewer.js. */
function point(stage, event) {
  const { scan } = window.vqseg.state, view = shown?.request.token === scan?.token && scan?.planes[shown?.request.plane];
  const pixel = view && pictures.pixelAt(stage.querySelector("canvas"), event, view, mirrored), box = stage.getBoundingClientRect();
  root.toggleAttribute("data-pointed", Boolean(pixel));
  if (!pixel) return;
  root.style.setProperty("--cx", event.clientX - box.left + "px");
  root.style.setProperty("--cy", event.clientY - box.top + "px");
  tellPixel(pixel);
}

/* A drag that sets the window of the input: a function of its way. */
function grabWindow(event) {
  const range = event.shiftKey || event.button === 2 ? windowToDrag() : null;
  if (!range) return null;
  return (x, y) => {
    dragWindow(range, x, y);
    repaint();
  };
}

window.vqseg.zoom.attach({ root, ready: () => Boolean(shown), grab: grabWindow });
for (const stage of root.querySelectorAll(".stage")) {
  for (const name of ["pointerdown", "pointermove", "wheel"]) stage.addEventListener(name, (event) => { if (shown) point(stage, event); }, { passive: true });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#reset")) return;
  dragged = null;
  if (shown) repaint();
});
