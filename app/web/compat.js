/* window.vqseg for the tabs that are not yet modules. */

import { boxOf, cellAt, cellBeside } from "./cells.js";
import { facts } from "./facts.js";
import * as files from "./files.js";
import { frames } from "./frames.js";
import { addKeys, setSlider } from "./keys.js";
import { links, showTab } from "./links.js";
import * as openings from "./openings.js";
import { bytesOf, unpack } from "./packed.js";
import * as pictures from "./pictures.js";
import { store } from "./store.js";
import { zoom } from "./zoom.js";

const legacyFrames = Object.defineProperties(
  { ...frames, cellAt, boxOf, cellBeside, unpack },
  {
    shown: { get: () => frames.shown },
    curve: { get: () => frames.curve },
    readyAhead: { get: () => frames.readyAhead },
  },
);

/** @type {any} */ (window).vqseg ??= {
  edit: store.edit,
  light: store.light,
  subscribe: store.subscribe,
  setSlider,
  showTab,
  linkMore: links.more,
  addKeys,
  plots: facts.plotly,
  frames: legacyFrames,
  pictures: { ...pictures, windows: facts.windows },
  zoom,
  openings,
  files: {
    ...files,
    bytesOf: (/** @type {{bytes: string}} */ answer) => bytesOf(answer.bytes),
    nameOf: (/** @type {string} */ ending, /** @type {boolean} */ slice) =>
      store.state ? files.nameOf(store.state, ending, slice) : "",
  },
  get state() {
    return store.state ?? {};
  },
};
