/* The Label tab: a person corrects the network's labels of the acquired slices. The tab uses the page's frames, so nothing
   is decoded for it. */

import { frames } from "../../web/frames.js";
import { attachPopover } from "../../web/popovers.js";
import { store } from "../../web/store.js";
import { zoom } from "../../web/zoom.js";
import { createBrush } from "./brush.js";
import { createContext } from "./context.js";
import { createMeaning } from "./meaning.js";
import { createPicture } from "./picture.js";
import { createProposal } from "./proposal.js";
import { createRoom } from "./room.js";
import { createSaving } from "./saving.js";
import { createStrip } from "./strip.js";
import { createTools } from "./tools.js";
import { createTuning } from "./tuning.js";

/** @typedef {import("../../web/types").PageState} PageState */

/**
 * @param {HTMLElement} element
 * @param {unknown} _props
 * @param {import("./types").Server} server
 */
export function mount(element, _props, server) {
  let painting = 0;
  const schedule = () => {
    if (!painting && context.isVisible()) painting = requestAnimationFrame(draw);
  };
  const context = createContext(element, server, schedule);
  const brush = createBrush(context);
  const proposal = createProposal(context);
  const tuning = createTuning(context);
  const parts = [createTools(context), createStrip(context, proposal.scores), proposal, createSaving(context), tuning];
  const [picture, meaning] = [createPicture(context), createMeaning(context)];
  const room = createRoom(context.root);
  let wasAcross = false;

  function draw() {
    painting = 0;
    const scene = context.scene();
    tellPlane();
    room.fit();
    if (!scene) return;
    for (const part of parts) part.draw(scene);
    picture.draw(
      scene,
      brush.labels(scene) ?? tuning.labels(scene) ?? context.labels(scene),
      brush.pointed,
      proposal.map(scene),
    );
    meaning.draw(scene, brush.pointed);
    context.root.dataset.painted = scene.scan.identity + " " + scene.index;
  }

  /** Labels are corrected where slices were acquired. */
  function tellPlane() {
    const { state } = store;
    const isAcross = state !== null && !state.scan.planes[state.plane].acquired;
    context.root.toggleAttribute("data-across", isAcross);
    if (isAcross) context.say(acrossText(state.scan.planes));
    else if (wasAcross) context.say("");
    wasAcross = isAcross;
  }

  const help = /** @type {HTMLButtonElement} */ (context.find(".help"));
  attachPopover(help, context.find(".keys"), { isBeside: true });
  store.subscribe(schedule);
  frames.subscribe(schedule);
  zoom.attach({
    root: context.root,
    ready: () => context.scene() !== null,
    grab: (event) => (brush.paints(event) ? () => {} : null),
    moved: schedule,
  });
  new IntersectionObserver(schedule).observe(element);
}

/** @param {PageState["scan"]["planes"]} planes */
function acrossText(planes) {
  const acquired = Object.keys(planes).find((plane) => planes[plane].acquired);
  return "Labels are corrected in acquired slices only. Choose the " + acquired + " plane.";
}
