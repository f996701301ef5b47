/* Starts what works on the whole page, whichever tab is open. */

import { followState } from "../web/links.js";
import { language } from "../web/language.js";
import { listenForKeys } from "../web/keys.js";
import { fetchPlotsAhead } from "./ahead.js";
import { explainTerms } from "../web/terms.js";
import { keepTranslated } from "../web/translated.js";
import { closeLeftLists } from "./lists.js";
import { nameControls } from "./names.js";
import { offerUndo } from "./resets.js";
import { addSkipLink } from "./skip.js";

keepTranslated();
language.begin();
listenForKeys();
followState();
nameControls();
closeLeftLists();
offerUndo();
addSkipLink();
explainTerms();
fetchPlotsAhead();
