"""Compare: what is answered about two scans of one visit, and what is held for them."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import fake_models, fake_served, save_scan, save_truth
from fake_segmenter import CLASSES, CODES, FakeSegmentedScan, FakeSegmenter

from app.page.visits import Visits
from app.scan import counterparts as module
from app.scan.counterparts import counterparts
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame
from app.scan.handed_out import OwnFolder, sent_folder
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from app.tabs.compare.answers import agreement, aligned, beside, same_scan, with_beside
from app.visit.answering import answering
from app.visit.examples import Examples
from app.visit.openings import Openings
from app.visit.session import SessionError, SessionStore
from app.visit.uploads import Uploads
from vqseg.checkpoint import CheckpointError
from vqseg.data.scan import ScanError, read_scan
from vqseg.inference import dice_by_class

VIEW = {"plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 3, "reach": 20}


class Shifted(FakeSegmentedScan):
    """Another codebook: every code is one of a permutation, and darker labels."""

    order = np.random.default_rng(3).permutation(CODES)

    def __init__(self, scan: Any, *given: Any) -> None:
        super().__init__(scan, *given)
        self.indices = self.order[self.indices].astype(np.int32)
        self.labels = np.maximum(self.labels.astype(int) - 1, 0).astype(np.uint8)


class OtherSegmenter(FakeSegmenter):
    def open(self, scan: Any, progress: Any = None) -> FakeSegmentedScan:
        return Shifted(scan, self.classes, self.reach)


def second(name: str = "second", classes: tuple[str, ...] = CLASSES) -> Served:
    return Served(name, name.capitalize(), None, OtherSegmenter(classes))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("examples")
    first = save_scan(folder / "phantom_one.nii.gz")
    save_truth(first.with_name("phantom_one_truth.nii.gz"), first)
    return [first, save_scan(folder / "phantom_two.nii.gz", seed=1, shape=(32, 40, 4))]


@pytest.fixture
def visits(paths: list[Path]) -> Visits:
    models = fake_models(fake_served("first"), second(), fake_served("nodules", ("background", "nodule")))
    return Visits(models, SessionStore(2**26), Uploads(), Examples(paths), Openings())


def opened(visits: Visits, title: str = "Phantom one", owner: str = "me") -> dict[str, Any]:
    found = visits.example(title, "first", None, owner)
    assert found is not None
    return found.value


def pair(path: Path) -> tuple[OpenScan, OpenScan]:
    scan = read_scan(path)
    return OpenScan(FakeSegmentedScan(scan), fake_served()), OpenScan(Shifted(scan), second())


def test_a_renamed_codebook_is_aligned_exactly(paths: list[Path]) -> None:
    one, other = pair(paths[0])
    found = counterparts(one, other)
    codes, counts = np.unique(one.segmented.indices, return_counts=True)
    assert dict(zip(found.codes.tolist(), found.counts.tolist(), strict=True)) == dict(zip(codes.tolist(), counts.tolist(), strict=True))
    assert (np.diff(found.counts) <= 0).all()
    np.testing.assert_array_equal(found.partners[:, 0], Shifted.order[found.codes])
    np.testing.assert_array_equal(found.matched, Shifted.order[found.codes])
    assert found.told == 1
    assert set(found.partners[:, 1:].ravel().tolist()) == {-1}


def test_partners_are_counted_and_matched_as_by_an_oracle(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = pair(paths[0])
    rng = np.random.default_rng(0)
    one.segmented.indices = rng.integers(0, 6, one.segmented.indices.shape)
    other.segmented.indices = rng.integers(0, 5, other.segmented.indices.shape)
    found = counterparts(one, other)
    table = np.zeros((6, 5), int)
    np.add.at(table, (one.segmented.indices.ravel(), other.segmented.indices.ravel()), 1)
    for code, count, partners, shares in zip(found.codes, found.counts, found.partners, found.shares, strict=True):
        assert count == table[code].sum()
        np.testing.assert_allclose(shares * count, np.sort(table[code])[::-1][:3])
        np.testing.assert_array_equal(table[code, partners], np.sort(table[code])[::-1][:3])
    assert found.told == pytest.approx(table.max(1).sum() / table.sum())
    # No exchange of two partners would share more places.
    matched = dict(zip(found.codes.tolist(), found.matched.tolist(), strict=True))
    given = {code: partner for code, partner in matched.items() if partner >= 0}
    assert len(set(given.values())) == len(given) == 5
    for a, b in given.items():
        for c, d in given.items():
            assert table[a, b] + table[c, d] >= table[a, d] + table[c, b]
    monkeypatch.setattr(module, "MOST_MATCHED", 2)
    assert (counterparts(one, other).matched >= 0).sum() == 2


def test_a_finer_grid_is_compared_at_its_own_cells(paths: list[Path]) -> None:
    one, other = pair(paths[0])
    coarse = other.segmented.indices[:, ::2, ::2]
    other.segmented.indices, other.segmented.cell_size = coarse, (16.0, 16.0)
    found = counterparts(one, other)
    slices, rows, columns = one.segmented.indices.shape
    assert found.counts.sum() == slices * rows * columns
    expected = {
        (int(a), int(b))
        for a, b in zip(one.segmented.indices.ravel(), coarse.repeat(2, 1).repeat(2, 2)[:, :rows, :columns].ravel(), strict=True)
    }
    assert {
        (int(code), int(partner))
        for code, partners in zip(found.codes, found.partners, strict=True)
        for partner in partners
        if partner >= 0
    } <= expected


def test_agreement_is_dice_between_both_and_of_each_against_the_truth(visits: Visits) -> None:
    store, value = visits._store, opened(visits)
    other = visits.beside({"checkpoint": "second"}, value, None, "me")
    one = store.get(value["token"])
    asked = {**VIEW, "token": value["token"], "beside": {"token": other.token, "reach": 7}}
    answer = answering(store, with_beside(store, agreement))(asked)
    frames = [make_frame(scan, FrameRequest.checked({**VIEW, "reach": reach}, scan)) for scan, reach in ((one, 20), (other.scan, 7))]
    assert answer["between"] == dice_by_class(frames[0].labels, frames[1].labels, len(CLASSES))
    assert answer["whole"] == dice_by_class(one.segmented.labels, other.scan.segmented.labels, len(CLASSES))
    truth = one.views["axial"].cut(one.truth, 2)
    for name, frame in zip("ab", frames, strict=True):
        assert answer[name] == dice_by_class(frame.labels, truth, len(CLASSES))
    pictures = answering(store, beside)({**VIEW, "token": other.token, "with_image": True})
    assert pictures["truth"] == dice_by_class(make_frame(other.scan, FrameRequest.checked(VIEW, other.scan)).labels, truth, len(CLASSES))
    assert answering(store, with_beside(store, aligned))(asked)["told"] == 1


def test_two_scans_have_no_dice_between_them_and_no_shared_places(visits: Visits) -> None:
    store, value = visits._store, opened(visits)
    other = visits.beside({"example": "Phantom two"}, value, None, "me")
    assert not same_scan(store.get(value["token"]), other.scan)
    asked = {**VIEW, "token": value["token"], "beside": {"token": other.token, "index": 1}}
    answer = answering(store, with_beside(store, agreement))(asked)
    assert (answer["between"], answer["whole"], answer["b"]) == (None, None, None)
    assert "must be the same scan" in answering(store, with_beside(store, aligned))(asked)["error"]


def test_other_structures_are_refused_in_words_and_nothing_changes(visits: Visits) -> None:
    value = opened(visits)
    with pytest.raises(CheckpointError, match="Nodules finds nodule, and the checkpoint on show RV, MYO, LV"):
        visits.beside({"checkpoint": "nodules"}, value, None, "me")
    assert len(visits._store) == 1
    with pytest.raises(CheckpointError, match="no checkpoint"):
        visits.beside({"checkpoint": "/etc"}, value, None, "me")


def test_the_second_scan_goes_with_the_first_with_the_next_one_and_with_the_visit(visits: Visits) -> None:
    store, value = visits._store, opened(visits)
    first = visits.beside({"checkpoint": "second"}, value, None, "me")
    next_one = visits.beside({"example": "Phantom two"}, value, None, "me")
    assert store.get(value["token"])
    with pytest.raises(SessionError):
        store.get(first.token)
    other = opened(visits, "Phantom two")
    for gone in (value["token"], next_one.token):
        with pytest.raises(SessionError):
            store.get(gone)
    last = visits.beside({"example": "Phantom one"}, other, None, "me")
    visits.end("me")
    assert len(store) == 0
    with pytest.raises(SessionError):
        store.get(last.token)


def test_both_are_on_the_visits_budget_and_what_would_burst_it_is_refused(paths: list[Path]) -> None:
    scan, other = pair(paths[0])
    store = SessionStore(byte_cap=2 * scan.byte_size + 2 * 4096)
    with pytest.raises(SessionError, match="no longer held"):
        store.put_beside(other, "me")
    token = store.put(scan, "me")
    assert store.get(store.put_beside(other, "me")) is other
    assert store.byte_size == scan.byte_size + other.byte_size + 2 * 4096
    small = SessionStore(byte_cap=scan.byte_size + other.byte_size)
    token = small.put(scan, "me")
    with pytest.raises(SessionError, match="both scans together need"):
        small.put_beside(other, "me")
    assert small.get(token) is scan


def test_without_a_choice_another_checkpoint_of_the_same_structures_reads_the_scan(visits: Visits) -> None:
    value = opened(visits)
    usual = visits.beside({}, value, None, "me")
    assert usual is not None
    assert (usual.scan.model.name, usual.scan.example) == ("second", "Phantom one")
    assert same_scan(visits._store.get(value["token"]), usual.scan)


def test_where_no_other_checkpoint_fits_the_next_example_of_its_kind_is_usual(paths: list[Path]) -> None:
    models = fake_models(fake_served("first"), fake_served("nodules", ("background", "nodule")))
    visits = Visits(models, SessionStore(2**26), Uploads(), Examples(paths), Openings())
    usual = visits.beside({}, opened(visits), None, "me")
    assert usual is not None
    assert (usual.scan.model.name, usual.scan.example) == ("first", "Phantom two")
    alone = Visits(models, SessionStore(2**26), Uploads(), Examples(paths[:1]), Openings())
    assert alone.beside({}, opened(alone), None, "me") is None
    assert len(alone._store) == 1


def sent(visits: Visits, name: str = "mine.nii.gz") -> list[str]:
    """A scan that has been uploaded for a visit."""
    folder = OwnFolder(sent_folder())
    path = save_scan(folder.path / name, seed=5)
    visits._uploads.arrived([path], folder)
    return [str(path)]


def test_a_scan_of_ones_own_comes_beside_the_one_on_show_and_goes_with_the_visit(visits: Visits) -> None:
    store, value = visits._store, opened(visits)
    files = sent(visits)
    mine = visits.beside({"files": files}, value, None, "me")
    assert mine is not None
    assert (mine.title, mine.scan.example, mine.scan.model.name) == ("mine.nii.gz", None, "first")
    # Its file was deleted when it was read, and its bytes count.
    assert not Path(files[0]).exists()
    assert len(visits._uploads) == 0
    assert store.byte_size > mine.scan.byte_size
    with pytest.raises(ScanError, match="were read already"):
        visits.beside({"files": files}, value, None, "me")
    assert store.get(mine.token) is mine.scan
    visits.end("me")
    for gone in (value["token"], mine.token):
        with pytest.raises(SessionError):
            store.get(gone)


def test_two_own_scans_of_one_name_and_one_grid_are_two_scans(visits: Visits) -> None:
    first = visits.upload(sent(visits), "first", None, "me")
    other = visits.beside({"files": sent(visits)}, first.value, None, "me")
    again = visits.beside({"checkpoint": "second"}, first.value, None, "me")
    assert other is not None
    assert again is not None
    assert not same_scan(first.scan, other.scan)
    assert first.value["identity"] != other.value["identity"]
    assert same_scan(first.scan, again.scan)


def test_the_files_of_a_second_cine_are_kept_until_it_goes(visits: Visits) -> None:
    value = opened(visits)
    folder = OwnFolder(sent_folder())
    path = folder.path / "cine.nii.gz"
    nib.Nifti1Image(np.random.default_rng(0).integers(0, 900, (40, 48, 2, 3)).astype(np.int16), np.eye(4)).to_filename(path)
    visits._uploads.arrived([path], folder)
    held = set(Path(tempfile.gettempdir()).glob("vqseg-sent-*"))
    cine = visits.beside({"files": [str(path)]}, value, None, "me")
    assert cine is not None
    assert cine.scan.cine is not None
    assert cine.scan.cine.frames == 3
    kept = set(Path(tempfile.gettempdir()).glob("vqseg-sent-*")) - held
    assert len(kept) == 1
    visits.end("me")
    del cine
    gc.collect()
    assert not any(one.exists() for one in kept)


@pytest.mark.parametrize("files", ["/etc/passwd", ["/etc/passwd"], [3], {"path": "/etc/passwd"}])
def test_what_is_no_upload_is_refused_and_left_alone(visits: Visits, files: Any) -> None:
    value = opened(visits)
    with pytest.raises(ScanError):
        visits.beside({"files": files}, value, None, "me")
    assert len(visits._store) == 1
    assert Path("/etc/passwd").exists()
