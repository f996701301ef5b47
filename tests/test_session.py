"""What visitors hold: byte budget, tokens, and that nobody reaches another's scan."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from app_server import fake_served
from fake_segmenter import FakeSegmentedScan

from app.scan.open_scan import OpenScan, label_file_name
from app.visit.session import SessionError, SessionStore, cache_bytes_from_environment
from vqseg.types import Scan


def opened(value: float = 0.0, side: int = 16) -> OpenScan:
    voxels = np.full((side, side, 4), value, np.float32)
    return OpenScan(FakeSegmentedScan(Scan(voxels, np.eye(4), (1.0, 1.0, 1.0), "heart.nii.gz")), fake_served())


def test_two_visitors_reach_their_own_scan_only() -> None:
    store = SessionStore(byte_cap=2**24)
    mine, yours = opened(1), opened(2)
    my_token, your_token = store.put(mine, "me"), store.put(yours, "you")
    assert my_token != your_token
    assert store.get(my_token) is mine
    assert store.get(your_token) is yours
    store.release("me")
    with pytest.raises(SessionError, match="no longer held"):
        store.get(my_token)
    assert store.get(your_token) is yours


def test_tokens_cannot_be_guessed() -> None:
    store = SessionStore(byte_cap=2**24)
    shared = opened()
    tokens = {store.put(shared, f"visit {i}", shared=True) for i in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32
    for guess in ("", "0", None, 7, {"token": 1}, next(iter(tokens))[:-1]):
        with pytest.raises(SessionError):
            store.get(guess)


def test_the_next_scan_of_a_visit_replaces_the_former() -> None:
    store = SessionStore(byte_cap=2**24)
    former = store.put(opened(), "me")
    present = store.put(opened(), "me")
    assert len(store) == 1
    assert store.get(present)
    with pytest.raises(SessionError):
        store.get(former)


def test_the_least_recently_used_scan_goes_first() -> None:
    size = opened().byte_size + 5000
    store = SessionStore(byte_cap=2 * size)
    first, second = store.put(opened(), "a"), store.put(opened(), "b")
    store.get(first)
    store.put(opened(), "c")
    assert store.get(first)
    assert store.byte_size <= store.byte_cap
    with pytest.raises(SessionError):
        store.get(second)


def test_a_scan_beyond_the_whole_budget_is_refused_and_the_former_stays() -> None:
    small = opened(side=16)
    store = SessionStore(byte_cap=2 * small.byte_size)
    token = store.put(small, "me")
    with pytest.raises(SessionError, match="MiB"):
        store.put(opened(side=128), "me")
    assert store.get(token) is small


def test_a_shared_scan_is_not_counted_and_survives_its_visitors() -> None:
    example = opened()
    store = SessionStore(byte_cap=example.byte_size // 2)
    file = example.label_file()
    token = store.put(example, "me", shared=True)
    assert store.get(token) is example
    store.release("me")
    assert file.exists()
    example.close()


def test_the_label_file_has_the_scans_grid_and_goes_with_it() -> None:
    affine = np.array([[0, -1.5, 0.2, 3], [1.5, 0, 0, -7], [0, 0.1, 8, 1], [0, 0, 0, 1]])
    rng = np.random.default_rng(0)
    scan = OpenScan(FakeSegmentedScan(Scan(rng.random((8, 9, 4), np.float32), affine, (1.5, 1.5, 8.0), "heart.nii.gz")), fake_served())
    store = SessionStore(byte_cap=2**24)
    store.put(scan, "me")
    path = scan.label_file()
    assert path.name == "heart_labels.nii.gz"
    assert path == scan.label_file()
    written = nib.load(path)
    np.testing.assert_array_equal(np.asarray(written.dataobj), scan.segmented.labels)
    np.testing.assert_allclose(written.affine, affine, atol=1e-5)
    store.release("me")
    assert not path.exists()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b.NII.GZ", "a.b_labels.nii.gz"),
        ("x.png", "x_labels.nii.gz"),
        (".nii", "scan_labels.nii.gz"),
        ("x" * 240 + ".nii.gz", "x" * 150 + "_labels.nii.gz"),
    ],
)
def test_names_of_label_files(name: str, expected: str) -> None:
    assert label_file_name(name) == expected


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "much"])
def test_a_senseless_budget_is_an_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQSEG_CACHE_BYTES", text)
    with pytest.raises(ValueError, match="positive whole number"):
        cache_bytes_from_environment()


def test_folder_of_the_label_file_is_private() -> None:
    scan = opened()
    assert Path(scan.label_file()).parent.stat().st_mode & 0o077 == 0
    scan.close()


def test_a_visit_that_chooses_its_example_twice_keeps_one_token() -> None:
    store, example = SessionStore(byte_cap=2**20), opened()
    first = store.put(example, "a", shared=True)
    assert store.put(example, "a", shared=True) == first
    assert store.get(first) is example
    assert store.put(example, "b", shared=True) != first
    other = store.put(opened(), "a", shared=True)
    assert other != first
    with pytest.raises(SessionError):
        store.get(first)
