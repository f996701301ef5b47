"""codebook.npz beside a checkpoint: a CodebookStatistics as one compact file. Nothing in it is ever unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqseg.codebook.keys import HasCodewords, codebook_key
from vqseg.codebook.statistics import PARTNERS, PLACES, CodebookError, CodebookStatistics
from vqseg.files import BROKEN_NPZ, noted_npz, write_noted_npz
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

FILE, VERSION = "codebook.npz", 2
_MOST_BYTES = 192 << 20
"""Of all arrays together: those of 65536 codewords have 90 MB."""

# Type and shape of each array; a letter stands for the same length wherever it occurs. "a" side of an atom, "E" codewords of a moment.
_ARRAYS: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "counts": (np.int64, ("K",)),
    "class_counts": (np.int64, ("K", "C")),
    "projection": (np.float32, ("K", 2)),
    "projection3": (np.float32, ("K", 3)),
    "tsne": (np.float32, ("K", 2)),
    "position": (np.float32, ("K", 2)),
    "spread": (np.float32, ("K",)),
    "partners": (np.int32, ("K", PARTNERS)),
    "partner_counts": (np.int64, ("K", PARTNERS)),
    "atoms": (np.uint8, ("K", "a", "a")),
    "atom_labels": (np.uint8, ("K",)),
    "ablation_codes": (np.int32, ("A",)),
    "ablation_dice": (np.float32, ("A",)),
    "drift_groups": (np.int32, ("K",)),
    "drift_reference": (np.float32, ("S",)),
    "evolution": (np.float32, ("T", "E", 2)),
    "evolution_steps": (np.int64, ("T",)),
    "evolution_counts": (np.int64, ("T", "E")),
    "phantom_places": (np.int32, ("K", PLACES, 4)),
}
_NEEDED = ("counts", "class_counts", "projection")


def write_statistics(statistics: CodebookStatistics, folder: str | Path) -> Path:
    """Write codebook.npz in one rename.

    Args:
        statistics: What to write.
        folder: Made if missing.

    Returns:
        The file.

    Raises:
        ValueError: An array has another shape than `CodebookStatistics` says.
    """
    folder = Path(folder)
    arrays: dict[str, Any] = {name: value.astype(_ARRAYS[name][0], copy=False) for name, value in statistics.arrays().items()}
    _check(arrays, len(statistics.classes))
    folder.mkdir(parents=True, exist_ok=True)
    notes = {
        "version": VERSION,
        "classes": statistics.classes,
        "source": statistics.source,
        "scans": statistics.scans,
        "key": statistics.key,
        "parameters": statistics.parameters,
    }
    write_noted_npz(folder / FILE, notes, arrays)
    return folder / FILE


def read_statistics(folder: str | Path, model: VQSeg | HasCodewords | None = None) -> CodebookStatistics:
    """codebook.npz of a checkpoint folder.

    Args:
        folder: The checkpoint.
        model: Its network, or the Segmenter that holds it; the codebook must then be the one that was counted. None checks nothing.

    Raises:
        FileNotFoundError: The folder has no such file.
        CodebookError: The file is broken, of another version, or of another codebook.
    """
    name, path = Path(folder).name, Path(folder) / FILE
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {name!r} has no {FILE}; make it with: python -m vqseg codebook")
    try:
        notes, arrays = noted_npz(path, _ARRAYS, _MOST_BYTES)
        version = notes["version"]
        if version == VERSION:
            _check(arrays, len(notes["classes"]))
            statistics = CodebookStatistics(
                **arrays,
                classes=tuple(map(str, notes["classes"])),
                source=str(notes["source"]),
                scans=int(notes["scans"]),
                key=str(notes["key"]),
                parameters=dict(notes["parameters"]),
            )
    except BROKEN_NPZ as error:
        raise CodebookError(f"{FILE} of checkpoint {name!r} is broken ({error})") from error
    if version != VERSION:
        raise CodebookError(
            f"{FILE} of checkpoint {name!r} has version {version}, this program reads {VERSION}; "
            "make it anew with: python -m vqseg codebook"
        )
    if model is not None and statistics.key != codebook_key(model):
        raise CodebookError(f"{FILE} of checkpoint {name!r} belongs to another codebook; make it anew with: python -m vqseg codebook")
    return statistics


def _check(arrays: dict[str, Array], classes: int) -> None:
    """Raises ValueError unless all arrays that must be there are, and every one has the type and shape it should."""
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    lengths = {"C": classes}
    for name, array in arrays.items():
        dtype, shape = _ARRAYS[name]
        fits = array.dtype == dtype and array.ndim == len(shape)
        for length, found in zip(shape, array.shape, strict=False):
            wanted = length if isinstance(length, int) else lengths.setdefault(length, found)
            fits = fits and found == wanted
        if not fits:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}")
    bounds = {
        "counts": (0, None),
        "class_counts": (0, None),
        "partners": (-1, lengths["K"]),
        "ablation_codes": (0, lengths["K"]),
        "atom_labels": (0, classes),
        "drift_groups": (0, lengths["K"]),
        "evolution_counts": (-1, None),
        "phantom_places": (-1, None),
    }
    for name, (low, high) in bounds.items():
        if name in arrays and arrays[name].size and (arrays[name].min() < low or (high is not None and arrays[name].max() >= high)):
            raise ValueError(f"{name} points beyond what there is")
