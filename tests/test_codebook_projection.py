"""Layouts of codewords: the same picture for the same seed, PCA against scikit-learn's, and the cache on disk."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from tqdm import tqdm

from vqseg.codebook import cache_folder, compute_layout, kept_layout, layout, pca, projection


@pytest.fixture(scope="module")
def codewords() -> np.ndarray:
    """Three separate heaps of 40."""
    rng = np.random.default_rng(0)
    return (np.repeat(8 * np.eye(3, 10), 40, axis=0) + rng.normal(size=(120, 10))).astype(np.float32)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_pca_is_that_of_scikit_learn_up_to_the_axes_directions(codewords: np.ndarray, dimensions: int) -> None:
    expected = PCA(dimensions).fit_transform(codewords)
    found = pca(codewords, dimensions)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(compute_layout(codewords, "pca", dimensions=dimensions), found)


def test_pca_of_fewer_dimensions_than_asked_for_is_filled_up() -> None:
    np.testing.assert_array_equal(pca(np.arange(6, dtype=np.float32)[:, None])[:, 1], np.zeros(6))


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_the_same_seed_gives_the_same_picture_and_heaps_stay_apart(codewords: np.ndarray, method: str) -> None:
    seen: list[float] = []
    first = compute_layout(codewords, method, seed=4, progress=seen.append)
    assert first.shape == (120, 2) and first.dtype == np.float32
    np.testing.assert_array_equal(compute_layout(codewords, method, seed=4), first)
    heaps = first.reshape(3, 40, 2)
    centres = heaps.mean(1)
    nearest = np.linalg.norm(first[:, None] - centres[None], axis=-1).argmin(1)
    np.testing.assert_array_equal(nearest, np.repeat([0, 1, 2], 40))
    if method == "umap":
        # t-SNE starts from the principal components, whatever the seed.
        assert (compute_layout(codewords, method, seed=5) != first).any()
        assert seen[0] < 0.2 and seen[-1] == 1 and seen == sorted(seen)


@pytest.mark.parametrize("enough", [0.0, 0.01, 1.0])
def test_a_progress_that_raises_cancels(codewords: np.ndarray, enough: float) -> None:
    class CancelledError(Exception):
        pass

    def stop(share: float) -> None:
        if share >= enough:
            raise CancelledError

    with pytest.raises(CancelledError):
        compute_layout(codewords, progress=stop)
    # The lock is free again, and so is that of all bars, which this thread could take twice.
    assert compute_layout(codewords, "tsne").shape == (120, 2)
    done = Event()
    Thread(target=lambda: (tqdm([], file=StringIO()).close(), done.set()), daemon=True).start()
    assert done.wait(60), "tqdm's lock was left taken"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "mds"}, "method must be one of umap, tsne, pca, got 'mds'"),
        ({"metric": "jaccard"}, "metric must be one of euclidean"),
        ({"n_neighbors": 1}, "n_neighbors must lie in 2 to 200, got 1"),
        ({"min_dist": 1.5}, r"min_dist must lie in \[0, 1\], got 1.5"),
        ({"dimensions": 4}, "dimensions must be 2 or 3, got 4"),
        ({"seed": -1}, "seed must lie in 0 to"),
    ],
)
def test_settings_out_of_range_are_refused(codewords: np.ndarray, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layout(codewords, **change)


# The cache


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of every layout that was not read from the disk."""
    calls: list[dict[str, Any]] = []

    def counted(codewords: np.ndarray, *, progress: Any = None, **settings: Any) -> np.ndarray:
        calls.append(settings)
        return pca(codewords, settings["dimensions"]) + np.float32(settings["seed"])

    monkeypatch.setattr(projection, "compute_layout", counted)
    return calls


def test_what_has_been_computed_is_read_from_the_disk(codewords: np.ndarray, tmp_path: Path, computed: list[Any]) -> None:
    first = layout(codewords, cache=tmp_path)
    np.testing.assert_array_equal(layout(codewords, cache=tmp_path), first)
    assert len(computed) == 1
    for change in ({"n_neighbors": 30}, {"min_dist": 0.3}, {"metric": "cosine"}, {"seed": 1}, {"dimensions": 3}, {"method": "tsne"}):
        layout(codewords, cache=tmp_path, **change)
    layout(codewords + 1, cache=tmp_path)
    assert len(computed) == 8
    assert len(list(tmp_path.iterdir())) == 8
    # PCA has neither neighbours nor a metric: asked for with other ones it is the same.
    layout(codewords, "pca", cache=tmp_path)
    layout(codewords, "pca", n_neighbors=50, metric="cosine", cache=tmp_path)
    assert len(computed) == 9


def test_a_kept_layout_is_read_and_never_computed(codewords: np.ndarray, tmp_path: Path, computed: list[Any]) -> None:
    assert kept_layout(codewords, "pca", seed=3, cache=tmp_path) is None
    places = layout(codewords, "pca", seed=3, cache=tmp_path)
    np.testing.assert_array_equal(kept_layout(codewords, "pca", seed=3, cache=tmp_path), places)
    assert kept_layout(codewords, "pca", seed=4, cache=tmp_path) is None
    assert len(computed) == 1


@pytest.mark.parametrize("damage", [b"", b"no array", b"cut"])
def test_a_broken_file_is_computed_anew(codewords: np.ndarray, tmp_path: Path, computed: list[Any], damage: bytes) -> None:
    first = layout(codewords, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:200] if damage == b"cut" else damage)
    np.testing.assert_array_equal(layout(codewords, cache=tmp_path), first)
    np.save(file, np.zeros((5, 2), np.float32))
    np.testing.assert_array_equal(layout(codewords, cache=tmp_path), first)
    assert len(computed) == 3
    np.testing.assert_array_equal(np.load(file), first)


def test_a_folder_that_cannot_be_written_costs_a_warning_only(
    codewords: np.ndarray, tmp_path: Path, computed: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    assert layout(codewords, cache=tmp_path / "file" / "folder").shape == (120, 2)
    assert "could not be saved" in caplog.text


def test_the_oldest_layouts_go_first(codewords: np.ndarray, tmp_path: Path, computed: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "_KEPT", 3)
    for seed in range(6):
        layout(codewords, seed=seed, cache=tmp_path)
        layout(codewords, seed=0, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    # Seed 0 was asked for all the time.
    assert [settings["seed"] for settings in computed].count(0) == 1


def test_the_cache_lies_where_the_platform_keeps_such_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VQSEG_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "vqseg"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "vqseg"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "vqseg"
    monkeypatch.setenv("VQSEG_CACHE_DIR", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
