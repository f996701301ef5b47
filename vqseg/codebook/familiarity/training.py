"""A checkpoint and its training scans -> its Reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from vqseg.codebook.analysis import Progress, silent
from vqseg.codebook.familiarity.fit import TrainingScan, fit
from vqseg.codebook.familiarity.measures import SliceMeasures, layouts, slice_measures
from vqseg.codebook.familiarity.reference import TURNS, Reference
from vqseg.codebook.keys import codebook_key
from vqseg.data.case_files import read_image
from vqseg.data.channels import repeated
from vqseg.data.neighbours import slice_step
from vqseg.data.phantom import CLASSES, FRAMES, phantom_volume
from vqseg.data.phantom_lung import LUNG_CLASSES, lung_phantom
from vqseg.data.planes import through_plane_axis
from vqseg.data.preprocess import normalise
from vqseg.data.splits import cases_of_split, unlabelled_of
from vqseg.models.slicewise import decode_volume, encode_with_measures
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Case

# Scans that are read, evenly spread if there are more, and slices of each.
MOST_SCANS, SLICES = 600, 6
# Phantoms of either kind. Their seeds are those of the training phantoms; the bundled examples have others.
PHANTOMS = range(1000, 1012)
HEART, LUNG, NOISE = "those of a heart", "those of a lung", "noise"

_DRAWN: dict[str, tuple[tuple[str, ...], Callable[[int], Array]]] = {
    HEART: (CLASSES, lambda seed: phantom_volume(seed, FRAMES[seed % 2])[0]),
    LUNG: (LUNG_CLASSES, lambda seed: lung_phantom(seed)[0]),
}


def make_reference(
    model: VQSeg,
    folder: str | Path,
    *,
    split: str = "train",
    unlabelled_folders: Sequence[Path] = (),
    turned: bool = False,
    progress: Progress = silent,
) -> Reference:
    """Read a checkpoint's training scans, without their labels, and make its reference.

    Phantoms of its own kind (hearts, pieces of lung) count as training scans, if the network reads grey ones; those of another kind, noise,
    and the training scans with dark and bright exchanged show what other scans look like.

    Args:
        model: The network.
        folder: Data set folder.
        split: train, val, or all.
        unlabelled_folders: Further data sets whose training images it was trained on, too.
        turned: Whether scans that are turned by a right angle or mirrored count as foreign. False for a network that was trained on such.
        progress: Goes through the scans and may show it.

    Raises:
        FewScansError: There are scans of fewer than two patients.
    """
    cases = list(cases_of_split(folder, split))
    cases += unlabelled_of(unlabelled_folders, cases)
    picks = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), MOST_SCANS)).round().astype(int))
    read = [_read(model, cases[index], turned, index) for index in progress(picks.tolist(), "reading scans")]
    others, channels = {NOISE: _noise(model)}, model.config.in_channels
    for name, (classes, draw) in _DRAWN.items():
        drawn = (normalise(draw(seed), model.preprocess) for seed in progress(list(PHANTOMS), "reading phantoms"))
        phantoms = [_slices_of(repeated(one, channels), 2) for one in drawn]
        if classes == model.config.classes and channels == 1:
            read += [_training_scan(model, f"phantom {seed}", slices, turned, seed) for seed, slices in enumerate(phantoms)]
        else:
            others[name] = np.concatenate([_textures(model, slices) for slices in phantoms])
    names = " and ".join(Path(one).resolve().name for one in (folder, *unlabelled_folders))
    return fit(read, others, source=f"{names} ({split})", key=codebook_key(model))


def trained_on_turned(training: Mapping[str, object]) -> bool:
    """Whether a network was trained on mirrored scans, by the notes of its config.json; where they say nothing, it counts as that."""
    config = training.get("config")
    augmentation = config.get("augmentation") if isinstance(config, dict) else None
    return not isinstance(augmentation, dict) or bool(augmentation.get("flip", True))


def _read(model: VQSeg, case: Case, turned: bool, number: int) -> TrainingScan:
    scan = read_image(case, model.config.in_channels)
    axis = through_plane_axis(scan)
    whole = normalise(scan.voxels, model.preprocess)
    if model.config.context_slices and model.preprocess.neighbours:
        return _training_scan(model, case.patient, np.moveaxis(whole, axis, 0), turned, number, slice_step(scan, axis))
    return _training_scan(model, case.patient, _slices_of(whole, axis), turned, number)


def _slices_of(volume: Array, axis: int) -> Array:
    """(S, A, B), at most SLICES of a volume, evenly spread."""
    slices = np.moveaxis(volume, axis, 0)
    picks = np.unique(np.linspace(0, len(slices) - 1, min(len(slices), SLICES)).round().astype(int))
    return np.ascontiguousarray(slices[picks])


def _training_scan(model: VQSeg, patient: str, slices: Array, turned: bool, number: int, step: int = 1) -> TrainingScan:
    # One slice is altered, another one in each scan: all parts of a stack are seen, and the time is bounded.
    some = slices[number % len(slices)][None]
    ways = {name: layouts(_pooled(model, turn(some))) for name, turn in TURNS.items()} if turned else {}
    return TrainingScan(patient, _measures(model, slices, step), ways, _textures(model, 1 - some))


def _measures(model: VQSeg, slices: Array, step: int) -> SliceMeasures:
    encoded = encode_with_measures(model, slices, step=step)
    pictures = decode_volume(model, encoded.indices, (slices.shape[1], slices.shape[2]))[1]
    return slice_measures(encoded.distances, encoded.pooled, pictures, slices)


def _noise(model: VQSeg) -> Array:
    """Textures of uniform noise of two sizes."""
    rng = np.random.default_rng(0)
    channels = (model.config.in_channels,) if model.config.in_channels > 1 else ()
    return np.concatenate([_textures(model, rng.random((SLICES, side, side, *channels), np.float32)) for side in (128, 256)])


def _textures(model: VQSeg, slices: Array) -> Array:
    found: Array = _pooled(model, slices).mean((1, 2))
    return found


def _pooled(model: VQSeg, slices: Array) -> Array:
    return encode_with_measures(model, np.ascontiguousarray(slices)).pooled
