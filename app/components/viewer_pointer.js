/* Zoom, pan and the crosshair, the same in all four pictures; Shift or the right button and a drag set the window.
   Part of the view, see viewer.js. */
const MOST = 12, KEYED = { "+": 1.25, "=": 1.25, "-": 0.8 };
const at = { zoom: 1, x: 0, y: 0 };
const fingers = new Map();   // pointers that are down, by id: the newest event of each
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
  const { scan } = window.vqseg.state, view = shown?.request.token === scan?.token && scan?.planes[shown?.request.plane];
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
  if (!shown || event.button === 1) return;
  fingers.set(event.pointerId, event);
  const windows = event.shiftKey || event.button === 2;
  pressed = fingers.size > 1 ? null : { x: event.clientX, y: event.clientY, atX: at.x, atY: at.y, range: windows ? windowToDrag() : null };
  stage.setPointerCapture(event.pointerId);
  point(stage, event);
}

function release(event) {
  fingers.delete(event.pointerId);
  pressed = null;
}

/* Two fingers zoom by the change of their distance, about the point between them. */
function pinch(stage, event) {
  const resting = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
  const apart = (finger) => Math.hypot(finger.clientX - resting.clientX, finger.clientY - resting.clientY);
  const factor = apart(event) / Math.max(1, apart(fingers.get(event.pointerId)));
  zoomBy(stage, factor, (event.clientX + resting.clientX) / 2, (event.clientY + resting.clientY) / 2);
  fingers.set(event.pointerId, event);
}

/* What is under the given point of the page stays there; without one, what is in the middle. */
function zoomBy(stage, factor, clientX, clientY) {
  const box = stage.getBoundingClientRect(), zoom = Math.min(MOST, Math.max(1, at.zoom * factor));
  const [x, y] = clientX === undefined ? [0, 0] : [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
  Object.assign(at, { x: x - ((x - at.x) * zoom) / at.zoom, y: y - ((y - at.y) * zoom) / at.zoom, zoom });
  place(stage);
}

function wheel(stage, event) {
  if (!shown) return;
  event.preventDefault();
  zoomBy(stage, Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  point(stage, event);
}

for (const stage of root.querySelectorAll(".stage")) {
  stage.addEventListener("wheel", (event) => wheel(stage, event), { passive: false });
  stage.addEventListener("pointerdown", (event) => press(stage, event));
  stage.addEventListener("pointermove", (event) => {
    if (fingers.size > 1 && fingers.has(event.pointerId)) pinch(stage, event);
    else if (pressed) drag(stage, event);
    if (shown) point(stage, event);
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, release);
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerleave", () => root.removeAttribute("data-pointed"));
  stage.addEventListener("dblclick", unzoom);
}

document.addEventListener("keydown", (event) => {
  const typed = event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable=true]");
  if (!KEYED[event.key] || typed || event.ctrlKey || event.metaKey || !shown || element.offsetParent === null) return;
  event.preventDefault();
  zoomBy(root.querySelector(".stage"), KEYED[event.key]);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#reset")) return;
  dragged = null;
  unzoom();
  if (shown) repaint();
});
