"""The codebook through its training: the snapshots' codewords in one common projection (the paper's Fig. 7)."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqseg.codebook.projection import Progress, compute_layout
from vqseg.codebook.statistics import CodebookError
from vqseg.files import npz_arrays
from vqseg.types import Array

FILE = "snapshots.npz"
_ARRAYS = ("steps", "codewords", "counts")
_MOST_BYTES = 512 << 20
"""Of all arrays together: eight moments of 65536 codewords of 384 dimensions have 400 MB."""
# Codewords of all moments together that UMAP lays out in minutes; more than these are laid out by their principal components.
_MOST = 1 << 17


@dataclass(frozen=True)
class Evolution:
    """places (T, K, 2) float32; steps (T,) int64; counts (T, K) int64 on the snapshots' fixed slices, -1 for a codeword that the
    moment lacked; method of the projection."""

    places: Array
    steps: Array
    counts: Array
    method: str


def read_evolution(folder: str | Path, *, seed: int = 0, progress: Progress | None = None) -> Evolution | None:
    """Project the snapshots of a checkpoint folder.

    All moments are laid out together: what moves in the picture has moved in the codebook, not with the projection.

    Args:
        folder: The checkpoint; its snapshots.npz is read.
        seed: Of the projection.
        progress: Called with the share done, in [0, 1].

    Returns:
        None if the folder has no snapshots.

    Raises:
        CodebookError: The file is broken.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        arrays = npz_arrays(path, _ARRAYS, _MOST_BYTES)
        steps, codewords, counts = (arrays[name] for name in _ARRAYS)
        moments, size, dimension = codewords.shape
        if steps.shape != (moments,) or counts.shape != (moments, size):
            raise ValueError(f"steps {steps.shape}, counts {counts.shape} and codewords {codewords.shape} do not belong together")
    except (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise CodebookError(f"{FILE} of checkpoint {Path(folder).name!r} is broken ({error})") from error
    method = "umap" if moments * size <= _MOST else "pca"
    places = compute_layout(codewords.reshape(-1, dimension).astype(np.float32), method, seed=seed, progress=progress)
    return Evolution(places.reshape(moments, size, 2), steps.astype(np.int64), counts.astype(np.int64), method)
