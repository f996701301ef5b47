"""familiarity.npz beside a checkpoint: its Reference as one compact file. Nothing in it is ever unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqseg.checkpoint import CheckpointError
from vqseg.codebook.familiarity.measures import LAYOUT
from vqseg.codebook.familiarity.reference import COUNTS, MEASURES, TURNS, Reference
from vqseg.codebook.keys import HasCodewords, codebook_key
from vqseg.files import BROKEN_NPZ, noted_npz, write_noted_npz
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

FILE, VERSION = "familiarity.npz", 1
_MOST_BYTES = 64 << 20
"""Of all arrays together: those of the bundled checkpoints have 20 kB."""

# Shape of each array, and its type in the file; a letter stands for the same length wherever it occurs.
_ARRAYS: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "distance_limit": (np.float32, ()),
    "texture_mean": (np.float32, ("D",)),
    "texture_whitening": (np.float16, ("D", "D")),
    "kinds": (np.float32, ("O", "1+D")),
    "ranges": (np.float32, (len(MEASURES), len(COUNTS), 3)),
    "channels": (np.float32, ("D", "C")),
    "turns": (np.float32, (len(TURNS) + 1, "F")),
}
_OPTIONAL = ("channels", "turns")
_MAKE = "make it by: python -m vqseg familiarity"


class FamiliarityError(CheckpointError):
    """A reference of training scans that is broken, of another version, or of another codebook."""


def write_reference(reference: Reference, folder: str | Path) -> Path:
    """Write familiarity.npz in one rename.

    Args:
        reference: What to write.
        folder: Made if missing.

    Returns:
        The file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = {name: getattr(reference, name) for name in _ARRAYS}
    arrays: dict[str, Any] = {name: np.asarray(value, _ARRAYS[name][0]) for name, value in found.items() if value is not None}
    notes = {
        "version": VERSION,
        "source": reference.source,
        "scans": reference.scans,
        "key": reference.key,
        "measures": list(MEASURES),
        "turns": list(TURNS),
        "other_kinds": list(reference.other_kinds),
    }
    write_noted_npz(folder / FILE, notes, arrays)
    return folder / FILE


def read_reference(folder: str | Path, model: VQSeg | HasCodewords | None = None) -> Reference:
    """familiarity.npz of a checkpoint folder.

    Args:
        folder: The checkpoint.
        model: Its network, or the Segmenter that holds it; the reference must then be of its codebook. None checks nothing.

    Raises:
        FileNotFoundError: The folder has no such file.
        FamiliarityError: The file is broken, of another version, or of another codebook.
    """
    name, path = Path(folder).name, Path(folder) / FILE
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {name!r} has no {FILE}; {_MAKE}")
    try:
        notes, arrays = noted_npz(path, _ARRAYS, _MOST_BYTES)
        version = notes["version"]
        if version == VERSION:
            _check(notes, arrays)
            values = {name: array.astype(np.float32) for name, array in arrays.items()}
            reference = Reference(
                **values,
                other_kinds=tuple(map(str, notes["other_kinds"])),
                source=str(notes["source"]),
                scans=int(notes["scans"]),
                key=str(notes["key"]),
            )
    except BROKEN_NPZ as error:
        raise FamiliarityError(f"{FILE} of checkpoint {name!r} is broken ({type(error).__name__}); {_MAKE}") from error
    if version != VERSION:
        raise FamiliarityError(f"{FILE} of checkpoint {name!r} has version {version}, this program reads {VERSION}; {_MAKE}")
    if model is not None and reference.key != codebook_key(model):
        raise FamiliarityError(f"{FILE} of checkpoint {name!r} belongs to another codebook; {_MAKE}")
    return reference


def _check(notes: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Raises ValueError unless every array that must be there is, finite, and of the type and shape it should have."""
    if notes["measures"] != list(MEASURES) or notes["turns"] != list(TURNS):
        raise ValueError("it has other measures")
    missing = [name for name in _ARRAYS if name not in arrays and name not in _OPTIONAL]
    if missing or ("channels" in arrays) != ("turns" in arrays):
        raise ValueError("an array is missing")
    lengths: dict[str, int] = {}
    for name, array in arrays.items():
        dtype, shape = _ARRAYS[name]
        fits = array.dtype == dtype and array.ndim == len(shape) and np.isfinite(array).all()
        for length, found in zip(shape, array.shape, strict=False):
            fits = fits and found == (length if isinstance(length, int) else lengths.setdefault(length, found))
        if not fits:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}")
    if lengths["1+D"] != 1 + lengths["D"] or lengths["O"] != 1 + len(notes["other_kinds"]) or not notes["other_kinds"]:
        raise ValueError("the scores do not fit the features")
    if "channels" in arrays and lengths["F"] != 1 + LAYOUT * LAYOUT * lengths["C"]:
        raise ValueError("the scores do not fit the layout")
