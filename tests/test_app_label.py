"""The Label tab's answers: what is painted comes back as a file on the scan's own grid, and a code says what it stood for."""

from __future__ import annotations

import base64
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import fake_served, save_scan

from app.scan.corrections import Corrections
from app.scan.disagreement import SEEDS, STRENGTH, Disagreements
from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.scan.planes import PlaneView
from app.scan.render import packed, unpacked
from app.tabs.label.answers import corrected, disagreement, meanings
from app.visit.answering import answering
from app.visit.session import SessionStore
from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import VIEWS, vote_disagreement


def opened(path: Path, **options: Any) -> OpenScan:
    served = fake_served("tiny", **options)
    return OpenScan(served.segmenter.open(read_scan(path)), served)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> OpenScan:
    return opened(save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz"), statistics=True)


@pytest.mark.parametrize(("transpose", "rows", "columns"), list(product((False, True), repeat=3)))
def test_a_picture_turned_for_the_screen_is_turned_back(transpose: bool, rows: bool, columns: bool) -> None:
    view = PlaneView("axial", 2, 1, (3, 4), 1.0, ("", "", "", ""), transpose, rows, columns)
    picture = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(view.restore(view.orient(picture)), picture)


def test_what_is_packed_is_unpacked_and_nothing_else_is() -> None:
    picture = np.random.default_rng(0).integers(0, 4, (5, 7)).astype(np.uint8)
    np.testing.assert_array_equal(unpacked(packed(picture), (5, 7)), picture)
    for wrong in (packed(picture[:4]), packed(np.zeros((6, 7), np.uint8)), "no base64!", base64.b64encode(b"not deflated").decode(), None):
        with pytest.raises(ValueError, match="packed picture"):
            unpacked(wrong, (5, 7))


def test_a_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb, most = base64.b64encode(zlib.compress(bytes(2**24))).decode(), []
    real = zlib.decompressobj

    class Watched:
        def __init__(self) -> None:
            self.stream = real()

        def decompress(self, content: bytes, size: int) -> bytes:
            most.append(size)
            return self.stream.decompress(content, size)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(ValueError, match="35 bytes"):
        unpacked(bomb, (5, 7))
    assert most == [36]


def sent(scan: OpenScan, slices: dict[int, np.ndarray]) -> list[dict[str, Any]]:
    """Slices of the volume as the browser sends them: as they are displayed."""
    view = scan.views[scan.plane]
    return [{"index": index, "labels": packed(view.orient(labels))} for index, labels in slices.items()]


def made_up(scan: OpenScan, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, _size(scan)).astype(np.uint8)


def _size(scan: OpenScan) -> tuple[int, int]:
    shape = np.moveaxis(scan.segmented.labels, scan.segmented.axis, 0).shape
    return shape[1], shape[2]


# Through-plane axes in every place, and turned every way: the file must have the corrected slice where the scan has it.
@pytest.mark.parametrize("shape", [(40, 48, 6), (6, 40, 48), (40, 6, 48)])
@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_a_saved_file_has_the_scans_grid_and_the_corrected_slices_in_their_places(
    tmp_path: Path, shape: tuple[int, int, int], ending: str
) -> None:
    turn = nib.affines.from_matvec(np.roll(np.diag([-1.4, 1.5, 1.6]), 1, 0), [20.0, -31.0, 7.0])
    path = save_scan(tmp_path / "heart.nii.gz", shape=shape, affine=turn)
    scan = opened(path)
    axis, painted = scan.segmented.axis, made_up(scan)
    answer = corrected(scan, {"ending": ending, "slices": sent(scan, {2: painted})})
    file = tmp_path / answer["name"]
    file.write_bytes(base64.b64decode(answer["bytes"]))
    labels = read_labels(file)
    expected = scan.segmented.labels.copy()
    np.moveaxis(expected, axis, 0)[2] = painted
    np.testing.assert_array_equal(labels, expected)
    assert answer["name"] == "heart_corrected" + ending
    np.testing.assert_allclose(read_scan(file).affine, scan.segmented.scan.affine, atol=1e-5)


def test_without_corrections_the_file_is_the_networks_volume(heart: OpenScan) -> None:
    np.testing.assert_array_equal(Corrections.checked([], heart).merged(heart), heart.segmented.labels)


def test_merging_leaves_the_open_scan_alone(heart: OpenScan) -> None:
    before = heart.segmented.labels.copy()
    merged = Corrections.checked(sent(heart, {0: np.full(_size(heart), 3, np.uint8)}), heart).merged(heart)
    assert (np.moveaxis(merged, heart.segmented.axis, 0)[0] == 3).all()
    np.testing.assert_array_equal(heart.segmented.labels, before)


def record(heart: OpenScan, **changes: Any) -> list[dict[str, Any]]:
    return [{**sent(heart, {0: made_up(heart)})[0], **changes}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": 6}, "slice index must be a whole number from 0 to 5"),
        ({"index": True}, "slice index"),
        ({"labels": packed(np.zeros((2, 2), np.uint8))}, "slice 0: a packed picture"),
        ({"labels": None}, "slice 0: a packed picture"),
    ],
)
def test_wrong_slices_are_refused_in_words(heart: OpenScan, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Corrections.checked(record(heart, **changes), heart)


def test_labels_of_no_class_and_what_is_no_list_are_refused(heart: OpenScan) -> None:
    for wrong in ("text", None, [1], [{}] * 7):
        with pytest.raises(RequestError):
            Corrections.checked(wrong, heart)
    with pytest.raises(RequestError, match="label 4; this checkpoint has the labels 0 to 3"):
        Corrections.checked(sent(heart, {1: np.full(_size(heart), 4, np.uint8)}), heart)
    with pytest.raises(RequestError, match="ending"):
        corrected(heart, {"ending": ".exe", "slices": []})


def test_a_code_says_what_its_training_tokens_were(heart: OpenScan) -> None:
    store = SessionStore()
    answer = answering(store, meanings)({"token": store.put(heart, "visit")})
    counts = np.frombuffer(zlib.decompress(base64.b64decode(answer["counts"])), np.int32).reshape(64, 4)
    assert heart.model.statistics is not None
    np.testing.assert_array_equal(counts, heart.model.statistics.class_counts)


def test_without_statistics_no_code_says_anything(tmp_path: Path) -> None:
    assert meanings(opened(save_scan(tmp_path / "heart.nii.gz")), {}) == {"counts": None}


def disagreement_oracle(draws: np.ndarray) -> np.ndarray:
    """Pixel by pixel: the share of the answers that are not the most frequent one."""
    shares = np.zeros(draws.shape[1:])
    for place in np.ndindex(*draws.shape[1:]):
        answers = draws[(slice(None), *place)].tolist()
        shares[place] = 1 - max(answers.count(answer) for answer in answers) / len(answers)
    return shares


def test_the_votes_of_all_answers_are_counted() -> None:
    draws = np.random.default_rng(3).integers(0, 4, (9, 5, 6)).astype(np.uint8)
    np.testing.assert_allclose(vote_disagreement(draws, 4), disagreement_oracle(draws), atol=1e-6)
    assert not vote_disagreement(np.repeat(draws[:1], 4, 0), 4).any()


def test_the_profile_and_the_map_are_those_of_seeds_and_views(heart: OpenScan) -> None:
    found = Disagreements()
    measured = found.advance(heart, 4, seconds=0)
    assert list(measured.maps) == [4]
    while measured.done < 6:
        measured = found.advance(heart, 4, seconds=0)
    view, segmented = heart.views[heart.plane], heart.segmented
    for index in range(6):
        clean = segmented.labels.take(index, segmented.axis)
        seeds = [segmented.perturb(index, STRENGTH, seed=seed, reach=opening_reach(heart)).labels for seed in range(SEEDS)]
        expected = disagreement_oracle(np.stack([clean, *seeds, *segmented.labels_in_views(index, VIEWS)]))
        told_map = unpacked(measured.maps[index], view.shape)
        np.testing.assert_allclose(view.restore(told_map) / 255, expected, atol=0.5 / 255 + 1e-6)
        assert measured.scores[index] == pytest.approx(expected.sum(), rel=1e-5)
    assert measured.scores.max() > 0


def test_slices_are_measured_from_the_one_on_show_outwards(heart: OpenScan) -> None:
    found, order = Disagreements(), []
    for _ in range(6):
        order.append(list(found.advance(heart, 3, seconds=0).maps)[-1])
    assert [abs(index - 3) for index in order] == [0, 1, 1, 2, 2, 3]
    answer = disagreement(heart, {"index": 2})
    assert answer["of"] == 6
    assert answer["scores"][2] is not None


def test_a_slice_that_does_not_exist_is_refused(heart: OpenScan) -> None:
    with pytest.raises(RequestError, match="slice index must be a whole number from 0 to 5"):
        disagreement(heart, {"index": 6})
