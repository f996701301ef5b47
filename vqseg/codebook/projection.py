"""Codewords in two or three dimensions, to look at: UMAP, t-SNE and PCA, kept on disk once they are computed.

A map shows who is near whom, not how far: distances are to be read in the original space.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vqseg.codebook.keys import key_of
from vqseg.types import Array

METHODS = ("umap", "tsne", "pca")
METRICS = ("euclidean", "cosine", "manhattan", "chebyshev", "correlation")
NEIGHBORS, MIN_DIST = 15, 0.1
CACHE_VARIABLE = "VQSEG_CACHE_DIR"
_FEWEST = 8

# Layouts kept on disk; the least recently used are deleted first. 512 layouts of 4096 codewords take 16 MB.
_KEPT = 512
# Without TBB or OpenMP, numba ends the process if two of its programs run at a time.
_one_at_a_time = threading.Lock()

logger = logging.getLogger(__name__)

Progress = Callable[[float], None]


def layout(
    codewords: Array,
    method: str = "umap",
    *,
    n_neighbors: int = NEIGHBORS,
    min_dist: float = MIN_DIST,
    metric: str = "euclidean",
    seed: int = 0,
    dimensions: int = 2,
    progress: Progress | None = None,
    cache: str | Path | None = None,
) -> Array:
    """`compute_layout` with a cache on disk.

    Args:
        codewords: (K, D), K at least 4. Of fewer than 8, which have no neighbourhoods, the principal components are given.
        method: "umap", "tsne" or "pca".
        n_neighbors: As for `compute_layout`.
        min_dist: As for `compute_layout`.
        metric: As for `compute_layout`.
        seed: As for `compute_layout`.
        dimensions: As for `compute_layout`.
        progress: As for `compute_layout`; not called if the layout is in the cache.
        cache: The cache's folder; None takes `cache_folder()`. A broken file in it counts as absent. If the folder cannot be written, a
            warning is logged.

    Returns:
        (K, dimensions) float32.

    Raises:
        ValueError: A setting is out of its range.
    """
    settings = _checked(codewords, method, n_neighbors, min_dist, metric, seed, dimensions)
    path = _path(codewords, settings, cache)
    kept = _read(path, (len(codewords), dimensions))
    if kept is not None:
        return kept
    places = compute_layout(codewords, progress=progress, **settings)
    try:
        _write(path, places)
    except OSError as error:
        logger.warning("the layout could not be saved in %s: %s", path.parent, error.strerror or type(error).__name__)
    return places


def kept_layout(
    codewords: Array,
    method: str = "umap",
    *,
    n_neighbors: int = NEIGHBORS,
    min_dist: float = MIN_DIST,
    metric: str = "euclidean",
    seed: int = 0,
    dimensions: int = 2,
    cache: str | Path | None = None,
) -> Array | None:
    """The layout that the cache holds.

    Args:
        codewords: (K, D), K at least 4. Of fewer than 8, which have no neighbourhoods, the principal components are given.
        method: "umap", "tsne" or "pca".
        n_neighbors: As for `compute_layout`.
        min_dist: As for `compute_layout`.
        metric: As for `compute_layout`.
        seed: As for `compute_layout`.
        dimensions: As for `compute_layout`.
        cache: As for `layout`.

    Returns:
        (K, dimensions) float32; None if `layout` would have to compute it.

    Raises:
        ValueError: A setting is out of its range.
    """
    settings = _checked(codewords, method, n_neighbors, min_dist, metric, seed, dimensions)
    return _read(_path(codewords, settings, cache), (len(codewords), dimensions))


def compute_layout(
    codewords: Array,
    method: str = "umap",
    *,
    n_neighbors: int = NEIGHBORS,
    min_dist: float = MIN_DIST,
    metric: str = "euclidean",
    seed: int = 0,
    dimensions: int = 2,
    progress: Progress | None = None,
) -> Array:
    """Lay codewords out in two or three dimensions. The same seed and settings give the same picture.

    Args:
        codewords: (K, D), K at least 4. Of fewer than 8, which have no neighbourhoods, the principal components are given.
        method: "umap", "tsne" or "pca".
        n_neighbors: Neighbours of UMAP, perplexity of t-SNE, 2 to 200. More than K allows are cut; PCA has none.
        min_dist: Of UMAP only, in [0, 1].
        metric: One of METRICS; PCA has none.
        seed: 0 to 2^32 - 1.
        dimensions: 2 or 3.
        progress: Called with the share done, in [0, 1], by UMAP only. An exception that it raises cancels.

    Returns:
        (K, dimensions) float32.

    Raises:
        ValueError: A setting is out of its range.
    """
    settings = _checked(codewords, method, n_neighbors, min_dist, metric, seed, dimensions)
    codewords = np.ascontiguousarray(codewords, dtype=np.float32)
    if method == "pca" or len(codewords) < _FEWEST:
        return pca(codewords, dimensions)
    with _one_at_a_time:
        return np.asarray((_umap if method == "umap" else _tsne)(codewords, settings, progress), dtype=np.float32)


def pca(codewords: Array, dimensions: int = 2) -> Array:
    """Principal components of codewords. Each axis points to where its largest entry is positive.

    Args:
        codewords: (K, D).
        dimensions: How many components; those beyond D are zero.

    Returns:
        (K, dimensions) float32.
    """
    centred = codewords.astype(np.float64) - codewords.mean(0, dtype=np.float64)
    # The D x D matrix, not the K x D one: a codebook has far more codewords than dimensions.
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :dimensions]
    axes = axes * np.where(np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0) < 0, -1, 1)
    places = centred @ axes
    return np.pad(places, ((0, 0), (0, dimensions - places.shape[1]))).astype(np.float32)


def cache_folder() -> Path:
    """VQSEG_CACHE_DIR, or "vqseg" where the platform keeps what can be made again."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "vqseg"


def _checked(codewords: Array, method: str, n_neighbors: int, min_dist: float, metric: str, seed: int, dimensions: int) -> dict[str, Any]:
    if codewords.ndim != 2 or len(codewords) < 4:
        raise ValueError(f"a layout needs at least four codewords as a (K, D) matrix, got {codewords.shape}")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if not 2 <= n_neighbors <= 200:
        raise ValueError(f"n_neighbors must lie in 2 to 200, got {n_neighbors}")
    if not 0.0 <= min_dist <= 1.0:
        raise ValueError(f"min_dist must lie in [0, 1], got {min_dist}")
    if dimensions not in (2, 3):
        raise ValueError(f"dimensions must be 2 or 3, got {dimensions}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must lie in 0 to 2^32 - 1, got {seed}")
    settings: dict[str, Any] = {"method": method, "seed": seed, "dimensions": dimensions}
    if method != "pca":
        settings |= {"n_neighbors": n_neighbors, "metric": metric}
    return settings | ({"min_dist": min_dist} if method == "umap" else {})


def _umap(codewords: Array, settings: dict[str, Any], progress: Progress | None) -> Array:
    # Importing umap compiles for seconds; only this function needs it.
    import umap
    from tqdm import tqdm

    # With "miniters" no second thread writes to the bar, and so none but this one calls `progress`.
    bar = {
        "disable": progress is None,
        "file": _Share(progress or (lambda _: None)),
        "bar_format": "{percentage:.1f}",
        "desc": "",
        "miniters": 1,
    }
    reducer = umap.UMAP(
        n_components=settings["dimensions"],
        n_neighbors=min(settings["n_neighbors"], len(codewords) - 1),
        min_dist=settings["min_dist"],
        metric=settings["metric"],
        random_state=settings["seed"],
        n_jobs=1,
        tqdm_kwds=bar,
    )
    try:
        places: Array = reducer.fit_transform(codewords)
    except BaseException:
        # If `progress` raises, tqdm keeps the lock that all bars of a process share, and every other thread with a bar would wait for
        # ever. RuntimeError: it was not kept.
        with contextlib.suppress(RuntimeError):
            tqdm.get_lock().release()
        raise
    return places


def _tsne(codewords: Array, settings: dict[str, Any], progress: Progress | None) -> Array:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(float(settings["n_neighbors"]), (len(codewords) - 1) / 3)
    # Codewords of fewer dimensions than the picture have not enough principal components to start from.
    start = "pca" if codewords.shape[1] >= settings["dimensions"] else "random"
    reducer = TSNE(
        settings["dimensions"], perplexity=perplexity, metric=settings["metric"], init=start, random_state=settings["seed"], n_jobs=1
    )
    # Several threads add up in another order each time.
    with threadpool_limits(1):
        places: Array = reducer.fit_transform(codewords)
    return places


class _Share(io.StringIO):
    """Where a progress bar writes its percentage; nothing is kept."""

    def __init__(self, tell: Progress) -> None:
        super().__init__()
        self._tell = tell

    def write(self, text: str) -> int:
        try:
            percentage = float(text.strip())
        except ValueError:
            return len(text)
        self._tell(min(1.0, percentage / 100))
        return len(text)


def _path(codewords: Array, settings: dict[str, Any], cache: str | Path | None) -> Path:
    return Path(cache or cache_folder()) / f"layout-{key_of(codewords)}-{_hash_of(settings)}.npy"


def _hash_of(settings: dict[str, Any]) -> str:
    library = {"umap": "umap-learn", "tsne": "scikit-learn", "pca": "numpy"}[settings["method"]]
    text = json.dumps(settings | {"library": importlib.metadata.version(library)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path, shape: tuple[int, int]) -> Array | None:
    try:
        places: Array = np.load(path, allow_pickle=False)
        if places.shape != shape or places.dtype != np.float32:
            raise ValueError(f"{places.dtype} {places.shape}")
        # The least recently used are deleted first.
        os.utime(path)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError) as error:
        logger.warning("%s is broken (%s) and is computed anew", path.name, error)
        return None
    return places


def _write(path: Path, places: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, places)
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
    kept = sorted(path.parent.glob("layout-*.npy"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-_KEPT]:
        old.unlink(missing_ok=True)
