"""What a codebook has learnt, over a data set and not over a batch: usage, classes, projection.

Streaming: memory does not grow with the number of scans. One file, codebook.npz, lies beside the checkpoint.
Shapes: counts (K,), class_counts (K, C), projection (K, 2).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from vqseg.data.phantom import phantom_volume
from vqseg.data.preprocess import labels_to_network, normalise
from vqseg.data.scan import read_scan, through_plane_axis
from vqseg.data.splits import cases_of_split
from vqseg.models.slicewise import decode_volume, encode_slices
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

FILE, VERSION = "codebook.npz", 1
_PHANTOMS = range(500, 510)
_NEIGHBORS, _MIN_DIST = 15, 0.1


class CodebookError(ValueError):
    """A codebook file that is broken, of another version, or of another codebook."""


@dataclass(frozen=True)
class CodebookStatistics:
    """counts (K,) int64: tokens per codeword; class_counts (K, C) int64: those tokens by the class most of their pixels have.

    projection (K, 2) float32: UMAP of the mapped codewords; parameters: how it was made. source: the data set counted over.
    classes: names, the background first. key: hash of the codebook that all this belongs to.
    """

    counts: Array
    class_counts: Array
    projection: Array
    classes: tuple[str, ...]
    source: str
    scans: int
    key: str
    parameters: dict[str, Any]

    @property
    def utilisation(self) -> float:
        """Share of codewords chosen at least once, in [0, 1]."""
        return float((self.counts > 0).mean())

    @property
    def perplexity(self) -> float:
        """Effective number of codewords in use, exp of the entropy of their shares."""
        share = self.counts[self.counts > 0] / max(1, self.counts.sum())
        return float(np.exp(-(share * np.log(share)).sum()))

    @property
    def majority_class(self) -> Array:
        """(K,) int: the class with most of a codeword's tokens, -1 for a codeword never chosen."""
        return np.where(self.counts > 0, self.class_counts.argmax(1), -1)

    @property
    def purity(self) -> Array:
        """(K,) float: share of a codeword's tokens that have its majority class, NaN for a codeword never chosen."""
        with np.errstate(invalid="ignore"):
            return self.class_counts.max(1) / np.where(self.counts > 0, self.counts, np.nan)


def codebook_key(model: VQSeg) -> str:
    """Hash of the mapped codewords as they are saved: what projection and counts belong to."""
    with torch.no_grad():
        return hashlib.sha256(model.quantizer.codewords().float().cpu().numpy().tobytes()).hexdigest()[:16]


def token_classes(labels: torch.Tensor, grid: tuple[int, int], stride: int, classes: int) -> torch.Tensor:
    """The class that most pixels of each token have: labels (S, H, W) on the network's grid -> (S, h, w) int64.

    Ties go to the lower class; pixels beyond the picture's edge (padding) count as background.
    """
    height, width = grid[0] * stride, grid[1] * stride
    padded = F.pad(labels.long(), (0, width - labels.shape[-1], 0, height - labels.shape[-2]))
    votes = F.avg_pool2d(F.one_hot(padded, classes).movedim(-1, 1).float(), stride)
    return votes.argmax(1)


def analyse(
    model: VQSeg,
    folder: str | Path | None,
    *,
    split: str = "train",
    seed: int = 0,
    progress: Callable[[Sequence[Any]], Iterable[Any]] = lambda items: items,
) -> CodebookStatistics:
    """Count codes over a split of a data set folder (phantoms if None) and project the codewords.

    The classes are those that the model itself gives: in semi-supervised data most scans have no label that may be read.
    """
    size, classes = model.config.codebook_size, len(model.config.classes)
    counts = torch.zeros(size * classes, dtype=torch.int64)
    scans = 0
    for slices in _volumes(model, folder, split, progress):
        tokens = encode_slices(model, slices)
        labels, _ = decode_volume(model, tokens, (slices.shape[1], slices.shape[2]))
        # Several levels of tokens lie below each other, each over the whole picture.
        grid = (tokens.shape[1] // model.levels, tokens.shape[2])
        owners = token_classes(labels_to_network(labels, model.preprocess), grid, model.pixels_per_token, classes).repeat(
            1, model.levels, 1
        )
        counts += torch.bincount((tokens * classes + owners).flatten(), minlength=size * classes)
        scans += 1
    class_counts = counts.view(size, classes).numpy()
    with torch.no_grad():
        codewords = model.quantizer.codewords().float().cpu().numpy()
    source = "phantoms" if folder is None else f"{Path(folder).resolve().name} ({split})"
    parameters = {"method": "umap", "n_neighbors": _NEIGHBORS, "min_dist": _MIN_DIST, "metric": "euclidean", "seed": seed}
    return CodebookStatistics(
        counts=class_counts.sum(1),
        class_counts=class_counts,
        projection=project(codewords, seed=seed),
        classes=model.config.classes,
        source=source,
        scans=scans,
        key=codebook_key(model),
        parameters=parameters,
    )


def _volumes(model: VQSeg, folder: str | Path | None, split: str, progress: Callable[[Sequence[Any]], Iterable[Any]]) -> Iterator[Array]:
    """Normalised slices (S, A, B) of one volume after the other."""
    if folder is None:
        for seed in progress(list(_PHANTOMS)):
            yield np.moveaxis(normalise(phantom_volume(seed)[0], model.preprocess), 2, 0)
        return
    for case in progress(cases_of_split(folder, split)):
        scan = read_scan(case.image)
        yield np.moveaxis(normalise(scan.voxels, model.preprocess), through_plane_axis(scan), 0)


def project(codewords: Array, *, seed: int = 0) -> Array:
    """UMAP of codewords (K, D) in the plane, (K, 2) float32; the same for the same seed."""
    # Importing umap compiles for seconds; only this function needs it.
    import umap

    neighbors = min(_NEIGHBORS, len(codewords) - 1)
    reducer = umap.UMAP(n_neighbors=neighbors, min_dist=_MIN_DIST, random_state=seed, n_jobs=1)
    return np.asarray(reducer.fit_transform(codewords), dtype=np.float32)


def write_statistics(statistics: CodebookStatistics, folder: str | Path) -> Path:
    """Write codebook.npz into a folder, by an atomic rename."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    notes = {
        "version": VERSION,
        "classes": statistics.classes,
        "source": statistics.source,
        "scans": statistics.scans,
        "key": statistics.key,
        "parameters": statistics.parameters,
    }
    part = folder / (FILE + ".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            counts=statistics.counts.astype(np.int64),
            class_counts=statistics.class_counts.astype(np.int64),
            projection=statistics.projection,
            notes=np.array(json.dumps(notes)),
        )
    part.replace(folder / FILE)
    return folder / FILE


def read_statistics(folder: str | Path, model: VQSeg | None = None) -> CodebookStatistics:
    """codebook.npz of a checkpoint folder. Raises FileNotFoundError if there is none, CodebookError if it does not fit.

    model: the checkpoint's network; its codebook must then be the one that was counted.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {Path(folder).name!r} has no {FILE}; make it with: python -m vqseg codebook")
    try:
        with np.load(path, allow_pickle=False) as content:
            notes = json.loads(str(content["notes"]))
            arrays = {name: content[name] for name in ("counts", "class_counts", "projection")}
        version, key = notes["version"], notes["key"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise CodebookError(f"{FILE} of checkpoint {Path(folder).name!r} is broken ({error})") from error
    if version != VERSION:
        raise CodebookError(f"{FILE} has version {version}; this version reads {VERSION}")
    if model is not None and key != codebook_key(model):
        raise CodebookError(f"{FILE} of checkpoint {Path(folder).name!r} belongs to another codebook; make it anew")
    return CodebookStatistics(
        **arrays,
        classes=tuple(notes["classes"]),
        source=notes["source"],
        scans=notes["scans"],
        key=key,
        parameters=notes["parameters"],
    )
