"""The tabs in the order of the page. A new one is a folder beside this file, and a line here."""

from __future__ import annotations

from app.tabs.codebook.tab import CODEBOOK
from app.tabs.export.tab import EXPORT
from app.tabs.learn.tab import LEARN
from app.tabs.perturb.tab import PERTURB
from app.tabs.see.tab import SEE
from app.tabs.volume.tab import VOLUME

TABS = (SEE, PERTURB, CODEBOOK, LEARN, VOLUME, EXPORT)
"""The first one is on show when the page opens."""
