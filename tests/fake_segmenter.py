"""A Segmenter of numpy alone, deterministic and fast: thresholds instead of a network, so that tests of the app need no weights.

Tokens are 8 x 8 means of the slice, the codebook is 64 grey levels, and the perturbation is coupled as the real one: for a
seed each token draws one uniform number and one replacement, and is replaced where the number is below the strength.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock

import numpy as np

from vqseg.config import ReadsConfig
from vqseg.data.scan import through_plane_axis
from vqseg.inference import CodeNeighbours, Consistency, label_agreement, psnr
from vqseg.types import Scan, SliceResult, VolumeResult

STRIDE = 8
CODES = 64
CLASSES = ("background", "RV", "MYO", "LV")
# Seconds that a scan is held up at most: a thread that waits for ever keeps its process from ending.
LONGEST_PAUSE = 300


class FakeSegmenter:
    """classes: the background and up to three more; the fewer, the brighter the first of them. reach: its own, by default any code."""

    channels = 1
    codebook_size = CODES
    temperature = "adaptive"
    reads = ReadsConfig()

    def __init__(self, classes: tuple[str, ...] = CLASSES, reach: float = CODES - 1) -> None:
        self.classes, self.reach = classes, reach

    def temperature_at(self, reach: float | None) -> str | float:
        return self.temperature if reach is None else float(reach)

    def open(self, scan: Scan, progress: Callable[[float], None] | None = None) -> FakeSegmentedScan:
        if progress is not None:
            progress(1.0)
        return FakeSegmentedScan(scan, self.classes, self.reach)

    def labels(self, scan: Scan, progress: Callable[[float], None] | None = None) -> np.ndarray:
        return self.open(scan, progress).labels


class PausedSegmenter(FakeSegmenter):
    """Encodes a scan at once while `go` is set; else it stays at 40 % until it is set or the visitor stops it. `at_work` counts.

    `pause` clears `go` until its block ends, even if by an error: whoever waits for a scan then would otherwise wait on.
    """

    def __init__(self, classes: tuple[str, ...] = CLASSES) -> None:
        super().__init__(classes)
        self.go, self.at_work, self._free, self._lock = Event(), 0, 0, Lock()
        self.go.set()

    @contextmanager
    def pause(self) -> Iterator[None]:
        self.go.clear()
        try:
            yield
        finally:
            self.go.set()

    @contextmanager
    def only(self, count: int) -> Iterator[None]:
        """Encode as many scans at once as this, and hold up the next ones until the block ends."""
        with self._lock:
            self._free = count
        with self.pause():
            yield
        self._free = 0

    def open(self, scan: Scan, progress: Callable[[float], None] | None = None) -> FakeSegmentedScan:
        with self._lock:
            self._free, free = max(0, self._free - 1), self._free > 0
        if free:
            return super().open(scan, progress)
        self._count(1)
        until = time.monotonic() + LONGEST_PAUSE
        try:
            while not self.go.wait(0.01):
                if time.monotonic() > until:
                    raise TimeoutError(f"the scan was held up for {LONGEST_PAUSE} s")
                if progress is not None:
                    progress(0.4)
            return super().open(scan, progress)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.at_work += change


class FakeSegmentedScan:
    codebook_size = CODES
    channel_names = ("channel 1",)
    levels = 1
    cell_size = (float(STRIDE), float(STRIDE))

    def __init__(self, scan: Scan, classes: tuple[str, ...] = CLASSES, reach: float = CODES - 1) -> None:
        self.scan, self.classes, self._own = scan, classes, reach
        self.axis = through_plane_axis(scan)
        self.slice_count = scan.shape[self.axis]
        low, high = np.percentile(scan.voxels, (0.5, 99.5))
        self.normalised = np.clip((scan.voxels - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
        results = [self.perturb(s, 0.0) for s in range(self.slice_count)]
        self.labels = np.stack([r.labels for r in results], self.axis)
        self.reconstruction = np.stack([r.reconstruction for r in results], self.axis)
        self.indices = np.stack([r.indices for r in results]).astype(np.int32)

    @property
    def distances(self) -> np.ndarray:
        """A token lies as far from its codeword as its mean grey from the level's."""
        greys = np.stack([self.features(s) for s in range(self.slice_count)])
        return np.linalg.norm(greys - self.codewords[self.indices], axis=-1).astype(np.float32)

    @property
    def pooled(self) -> np.ndarray:
        """Mean grey, its square and its change along the rows of 8 x 8 parts of each slice."""
        slices = np.moveaxis(self.normalised, self.axis, 0)
        rows, columns = (np.arange(8 + 1) * n // 8 for n in slices.shape[1:])
        parts = [slices, slices**2, np.abs(np.diff(slices, axis=1, append=slices[:, -1:]))]
        means = [np.add.reduceat(np.add.reduceat(part, rows[:-1], 1), columns[:-1], 2) for part in parts]
        sizes = np.diff(rows)[:, None] * np.diff(columns)
        return np.stack([mean / sizes for mean in means], -1).astype(np.float32)

    @property
    def byte_size(self) -> int:
        return sum(a.nbytes for a in (self.scan.voxels, self.labels, self.normalised, self.reconstruction, self.indices))

    def perturb(
        self,
        slice_index: int,
        strength: float,
        mode: str = "resample",
        seed: int = 0,
        forced: dict | None = None,
        reach: float | None = None,
    ) -> SliceResult:
        start = time.perf_counter()
        image = self.normalised.take(slice_index, self.axis)
        clean = np.rint(_block_means(image) * (CODES - 1)).astype(np.int64)
        random = np.random.default_rng([seed, slice_index])
        replaced = random.random(clean.shape) < strength
        others = (
            random.permutation(clean.ravel()).reshape(clean.shape)
            if mode == "shuffle"
            else (clean + self._steps(random.integers(1, CODES, clean.shape), reach)) % CODES
        )
        indices = np.where(replaced, others, clean)
        for place, code in (forced or {}).items():
            indices[place] = code
        replaced = indices != clean
        shift = _enlarged((indices - clean) / (CODES - 1), image.shape)
        reconstruction = np.clip(0.5 * image + 0.5 * _enlarged(clean / (CODES - 1), image.shape) + shift, 0, 1).astype(np.float32)
        labels, before = (_threshold(picture, len(self.classes)) for picture in (image + shift, image))
        return SliceResult(
            labels=labels,
            reconstruction=reconstruction,
            image=image,
            indices=indices,
            clean_indices=clean,
            replaced=replaced,
            replaced_share=float(replaced.mean()),
            dice_vs_clean=label_agreement(labels, before),
            psnr=psnr(reconstruction, image),
            milliseconds=1000 * (time.perf_counter() - start),
        )

    def _steps(self, drawn: np.ndarray, reach: float | None) -> np.ndarray:
        """How many codes a token moves on, from 1 to the reach; drawn: 1 to K - 1. The larger the reach the farther."""
        return 1 + (drawn - 1) * int(self._own if reach is None else reach) // (CODES - 1)

    def dropout(self, slice_index: int, rate: float, seed: int = 0, forced: dict | None = None) -> SliceResult:
        start = time.perf_counter()
        result = self.perturb(slice_index, 0.0, forced=forced)
        kept = np.random.default_rng([seed, slice_index, 1]).random(result.indices.shape) >= rate
        kept = _enlarged(kept / max(1 - rate, 1e-6), result.image.shape)
        labels, before = (_threshold(picture, len(self.classes)) for picture in (result.image * kept, result.image))
        reconstruction = np.clip(result.reconstruction * kept, 0, 1).astype(np.float32)
        return replace(
            result,
            labels=labels,
            reconstruction=reconstruction,
            dice_vs_clean=label_agreement(labels, before),
            psnr=psnr(reconstruction, result.image),
            milliseconds=1000 * (time.perf_counter() - start),
        )

    def labels_at(
        self,
        slice_index: int,
        strengths: Sequence[float],
        mode: str = "resample",
        seed: int = 0,
        forced: dict | None = None,
        reach: float | None = None,
    ) -> np.ndarray:
        """Dropout of channels is that of features under another seed."""
        if "dropout" in mode:
            return np.stack([self.dropout(slice_index, rate, seed + (mode != "dropout"), forced).labels for rate in strengths])
        return np.stack([self.perturb(slice_index, strength, mode, seed, forced, reach).labels for strength in strengths])

    def labels_in_views(self, slice_index: int, views: Sequence[tuple[float, float]]) -> np.ndarray:
        """A turned picture looks as much brighter as it is turned by degrees."""
        values = self.normalised.take(slice_index, self.axis)
        return np.stack([_threshold(values + angle / 100, len(self.classes)) for angle, _ in views])

    def atoms(self, codes: Sequence[int]) -> np.ndarray:
        return np.stack([np.full((4, 4), 255 * code // (CODES - 1), np.uint8) for code in codes])

    @property
    def codewords(self) -> np.ndarray:
        """On a straight line in space, neighbours 1 apart."""
        return np.outer(np.arange(self.codebook_size), np.full(3, 3**-0.5)).astype(np.float32)

    @property
    def slice_size(self) -> tuple[int, int]:
        a, b = np.delete(self.scan.shape, self.axis)
        return int(a), int(b)

    def features(self, slice_index: int) -> np.ndarray:
        """The codebook is a scale of grey: a token lies on its line, at the mean of its pixels."""
        places = _block_means(self.normalised.take(slice_index, self.axis)) * (CODES - 1)
        return (places[..., None] * np.full(3, 3**-0.5)).astype(np.float32)

    def fates(self, code: int, strength: float, count: int, seed: int = 0, reach: float | None = None) -> np.ndarray:
        random = np.random.default_rng([seed, code])
        return np.where(random.random(count) < strength, (code + self._steps(random.integers(1, CODES, count), reach)) % CODES, code)

    def consistency(
        self, slice_index: int, strength: float, mode: str = "resample", seed: int = 0, reach: float | None = None
    ) -> Consistency:
        after, before = self.perturb(slice_index, strength, mode, seed, reach=reach), self.perturb(slice_index, 0.0)
        return Consistency(before.labels, after.labels, 2 * np.abs(after.reconstruction - before.reconstruction))

    def candidates(self, slice_index: int, reach: float | None = None) -> np.ndarray:
        """The farther from the end of the scale, the more."""
        clean = self.indices[slice_index]
        return (1 + np.minimum(clean, CODES - 1 - clean) * (self._own if reach is None else reach) / CODES).astype(np.float32)

    def neighbours(self, code: int, count: int, also: tuple[int, ...] = (), reach: float | None = None) -> CodeNeighbours:
        order = np.argsort(np.abs(np.arange(CODES) - code), kind="stable")[1 : count + 1]
        codes = np.array([*order, *also])
        distances = np.abs(codes - code).astype(np.float32)
        steps = int(self._own if reach is None else reach)
        return CodeNeighbours(codes, distances, np.isin((codes - code) % CODES, range(1, steps + 1)) / np.float32(steps))

    def perturb_volume(
        self,
        strength: float,
        mode: str,
        seed: int,
        progress: Callable[[float], None] = lambda _: None,
        reach: float | None = None,
    ) -> VolumeResult:
        results = []
        for index in range(self.slice_count):
            results.append(self.perturb(index, strength, mode, seed, reach=reach))
            progress((index + 1) / self.slice_count)
        return VolumeResult(
            labels=np.stack([r.labels for r in results], self.axis),
            reconstruction=np.stack([r.reconstruction for r in results], self.axis),
            replaced_share=float(np.mean([r.replaced_share for r in results])),
        )


def _block_means(image: np.ndarray) -> np.ndarray:
    rows, columns = (-(-n // STRIDE) for n in image.shape)
    padded = np.pad(image, ((0, rows * STRIDE - image.shape[0]), (0, columns * STRIDE - image.shape[1])), mode="edge")
    return padded.reshape(rows, STRIDE, columns, STRIDE).mean((1, 3))


def _enlarged(tokens: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.kron(tokens, np.ones((STRIDE, STRIDE)))[: shape[0], : shape[1]]


def _threshold(values: np.ndarray, classes: int) -> np.ndarray:
    return np.digitize(values, (0.45, 0.6, 0.8)[4 - classes :]).astype(np.uint8)
