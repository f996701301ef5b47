"""codebook.npz: what is written is read again, and whatever is no such file is refused with a reason."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.codebook import CodebookError, CodebookStatistics, codebook_key, file, read_statistics, write_statistics
from vqseg.inference import Segmenter
from vqseg.models.vqseg import VQSeg

SIZE, CLASSES = 64, ("background", "RV", "MYO", "LV")


@pytest.fixture(scope="module")
def model() -> VQSeg:
    return tiny_model()


@pytest.fixture
def statistics(model: VQSeg) -> CodebookStatistics:
    """With every array there is, of lengths that all differ."""
    rng = np.random.default_rng(0)
    lengths = {"K": SIZE, "C": len(CLASSES), "a": 12, "A": 5, "S": 7, "T": 3, "E": 48}
    arrays = {
        name: rng.integers(0, len(CLASSES), [lengths.get(length, length) for length in shape]).astype(dtype)
        for name, (dtype, shape) in file._ARRAYS.items()
    }
    arrays["position"][3] = np.nan
    return CodebookStatistics(
        **arrays, classes=CLASSES, source="scans (train)", scans=7, key=codebook_key(model), parameters={"projection": {"seed": 3}}
    )


def test_every_array_of_the_record_has_a_type_and_shape_in_the_file(statistics: CodebookStatistics) -> None:
    assert set(statistics.arrays()) == set(file._ARRAYS)
    assert {one.name for one in fields(CodebookStatistics)} - set(file._ARRAYS) == {"classes", "source", "scans", "key", "parameters"}


def test_a_round_trip_is_exact(model: VQSeg, statistics: CodebookStatistics, tmp_path: Path) -> None:
    write_statistics(statistics, tmp_path / "new" / "folder")
    loaded = read_statistics(tmp_path / "new" / "folder", model)
    for name, value in vars(statistics).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(loaded, name), value)
            assert getattr(loaded, name).dtype == value.dtype
        else:
            assert getattr(loaded, name) == value, name
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["codebook.npz"]


def test_a_segmenter_stands_for_its_network(model: VQSeg, statistics: CodebookStatistics, tmp_path: Path) -> None:
    write_statistics(statistics, tmp_path)
    assert read_statistics(tmp_path, Segmenter(model)).key == codebook_key(model)
    with pytest.raises(CodebookError, match="another codebook"):
        read_statistics(tmp_path, Segmenter(tiny_model(5)))


def test_what_was_not_asked_for_comes_back_as_none(statistics: CodebookStatistics, tmp_path: Path) -> None:
    write_statistics(replace(statistics, tsne=None, atoms=None, evolution=None), tmp_path)
    loaded = read_statistics(tmp_path)
    assert loaded.tsne is None and loaded.atoms is None and loaded.evolution is None
    assert set(loaded.arrays()) == set(file._ARRAYS) - {"tsne", "atoms", "evolution"}


def test_statistics_of_another_codebook_are_refused(statistics: CodebookStatistics, tmp_path: Path) -> None:
    write_statistics(statistics, tmp_path)
    with pytest.raises(CodebookError, match="belongs to another codebook"):
        read_statistics(tmp_path, tiny_model(5))
    # Without a network to compare with they are as good as any.
    assert read_statistics(tmp_path).key == statistics.key
    write_statistics(replace(statistics, key="0123456789abcdef"), tmp_path)
    with pytest.raises(CodebookError, match="belongs to another codebook"):
        read_statistics(tmp_path, tiny_model())


@pytest.mark.parametrize("version", [1, 99])
def test_another_version_is_refused_and_says_what_to_do(tmp_path: Path, version: int) -> None:
    # Version 1 had the first three arrays only.
    notes = {"version": version, "classes": ["a", "b"], "source": "", "scans": 0, "key": "", "parameters": {}}
    arrays = {"counts": np.zeros(4, int), "class_counts": np.zeros((4, 2), int), "projection": np.zeros((4, 2), np.float32)}
    np.savez(tmp_path / "codebook.npz", notes=np.array(json.dumps(notes)), **arrays)
    with pytest.raises(CodebookError, match=rf"has version {version}, this program reads 2; make it anew with: python -m vqseg codebook"):
        read_statistics(tmp_path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m vqseg codebook"):
        read_statistics(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut off", "other arrays", "notes that are none"])
def test_a_broken_file_is_named(statistics: CodebookStatistics, tmp_path: Path, damage: str) -> None:
    path = write_statistics(statistics, tmp_path)
    if damage == "other arrays":
        np.savez(path, counts=np.zeros(3))
    elif damage == "notes that are none":
        np.savez(path, notes=np.array("[1]"), **statistics.arrays())
    else:
        path.write_bytes({"empty": b"", "garbage": b"x" * 500, "cut off": path.read_bytes()[:-300]}[damage])
    with pytest.raises(CodebookError, match="is broken"):
        read_statistics(tmp_path)


@pytest.mark.parametrize("name", ["projection", "partners", "atoms", "evolution_counts", "class_counts"])
def test_arrays_that_do_not_fit_each_other_are_refused(statistics: CodebookStatistics, tmp_path: Path, name: str) -> None:
    short = replace(statistics, **{name: getattr(statistics, name)[..., :-1]})
    with pytest.raises(ValueError, match=f"{name} is"):
        write_statistics(short, tmp_path)
    assert not list(tmp_path.iterdir())
    path = write_statistics(statistics, tmp_path)
    with np.load(path) as content:
        arrays = dict(content)
    np.savez(path, **arrays | {name: arrays[name][..., :-1]})
    with pytest.raises(CodebookError, match=f"is broken .{name} is"):
        read_statistics(tmp_path)


def test_counts_are_ranked_from_the_most_to_the_least_chosen(statistics: CodebookStatistics) -> None:
    ranks = replace(statistics, counts=np.array([3, 0, 9, 3, 1])).rank
    assert ranks.tolist() == [2, 5, 1, 3, 4]
    assert replace(statistics, counts=np.array([3, 0, 9, 0])).dead.tolist() == [1, 3]
