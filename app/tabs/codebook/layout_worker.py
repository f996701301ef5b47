"""A projection of a codebook, in a process of its own: `python -m app.tabs.codebook.layout_worker FOLDER`.

UMAP holds Python's global lock for up to a minute: in the process of the server all visitors would wait. A process can also be
ended when its visitor cancels. FOLDER holds codewords.npy and settings.json; the result is written beside them as places.npy. Each
line of standard output is the share that is done.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Compute the layout, or read it from its cache, and write it into the folder."""
    # umap and torch print messages when they are imported. Standard output must hold shares only.
    tell = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from vqseg.codebook import layout

    codewords = np.load(folder / "codewords.npy", allow_pickle=False)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    places = layout(codewords, progress=lambda share: print(f"{share:.3f}", file=tell), **settings)
    part = folder / "places.part"
    with part.open("wb") as file:
        np.save(file, places)
    part.replace(folder / "places.npy")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
