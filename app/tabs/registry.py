"""The tabs in the order of the page. To add a tab, add a folder beside this file and a line here."""

from __future__ import annotations

from app.tabs.codebook.tab import CODEBOOK
from app.tabs.compare.tab import COMPARE
from app.tabs.export.tab import EXPORT
from app.tabs.label.tab import LABEL
from app.tabs.learn.tab import LEARN
from app.tabs.perturb.tab import PERTURB
from app.tabs.see.tab import SEE
from app.tabs.volume.tab import VOLUME

TABS = (SEE, PERTURB, COMPARE, CODEBOOK, LABEL, LEARN, VOLUME, EXPORT)
"""The page opens with the first one."""
