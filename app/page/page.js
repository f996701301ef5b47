/* Starts what works on the whole page, whichever tab is open. */

import { followState } from "../web/links.js";
import { listenForKeys } from "../web/keys.js";
import { fetchPlotsAhead } from "./ahead.js";
import { nameControls } from "./names.js";

listenForKeys();
followState();
nameControls();
fetchPlotsAhead();
