/* What works page-wide, whatever is on show. */

import { followState } from "../web/links.js";
import { listenForKeys } from "../web/keys.js";
import { fetchPlotsAhead } from "./ahead.js";
import { nameControls } from "./names.js";

listenForKeys();
followState();
nameControls();
fetchPlotsAhead();
