/* Zoom, pan and the crosshair, the same in all four pictures; Shift and a drag set the window. Part of the view, see viewer.js. */
const at = { zoom: 1, x: 0, y: 0 };
let pressed = null;

function place(stage) {
  const most = (at.zoom - 1) / 2;
  at.x = Math.max(-most * stage.clientWidth, Math.min(most * stage.clientWidth, at.x));
  at.y = Math.max(-most * stage.clientHeight, Math.min(most * stage.clientHeight, at.y));
  root.style.setProperty("--zoom", at.zoom);
  root.style.setProperty("--x", at.x + "px");
  root.style.setProperty("--y", at.y + "px");
  root.toggleAttribute("data-zoomed", at.zoom > 1);
}

function unzoom() {
  Object.assign(at, { zoom: 1, x: 0, y: 0 });
  place(root.querySelector(".stage"));
}

function point(stage, event) {
  const view = shown && window.vqseg.state.scan.planes[shown.request.plane];
  const pixel = view && pictures.pixelAt(stage.querySelector("canvas"), event, view, mirrored), box = stage.getBoundingClientRect();
  root.toggleAttribute("data-pointed", Boolean(pixel));
  if (!pixel) return;
  root.style.setProperty("--cx", event.clientX - box.left + "px");
  root.style.setProperty("--cy", event.clientY - box.top + "px");
  tellPixel(pixel);
}

function drag(stage, event) {
  const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
  if (pressed.range) {
    dragWindow(pressed.range, x, y);
    repaint();
  } else if (at.zoom > 1) {
    Object.assign(at, { x: pressed.atX + x, y: pressed.atY + y });
    place(stage);
  }
}

function press(stage, event) {
  if (!shown || event.button) return;
  pressed = { x: event.clientX, y: event.clientY, atX: at.x, atY: at.y, range: event.shiftKey ? windowToDrag() : null };
  stage.setPointerCapture(event.pointerId);
  point(stage, event);
}

function zoomAt(stage, event) {
  if (!shown) return;
  event.preventDefault();
  const box = stage.getBoundingClientRect(), zoom = Math.min(12, Math.max(1, at.zoom * Math.exp(-event.deltaY / 400)));
  const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  // What is under the cursor stays there.
  Object.assign(at, { x: x - ((x - at.x) * zoom) / at.zoom, y: y - ((y - at.y) * zoom) / at.zoom, zoom });
  place(stage);
  point(stage, event);
}

for (const stage of root.querySelectorAll(".stage")) {
  stage.addEventListener("wheel", (event) => zoomAt(stage, event), { passive: false });
  stage.addEventListener("pointerdown", (event) => press(stage, event));
  stage.addEventListener("pointermove", (event) => {
    if (pressed) drag(stage, event);
    if (shown) point(stage, event);
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => (pressed = null));
  stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
  stage.addEventListener("dblclick", unzoom);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#reset")) return;
  dragged = null;
  unzoom();
  if (shown) repaint();
});
