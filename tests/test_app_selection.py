"""What the selection of codes asks the server for, against scans that are decoded with these tokens replaced."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_server import fake_served, rich_statistics, save_scan
from fake_segmenter import CODES, FakeSegmenter

from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from app.scan.removal import Removals
from app.tabs.codebook.selection import Ablations, forced, nearest, spacing
from vqseg.data.scan import read_scan
from vqseg.inference import dice_by_class, label_agreement


@pytest.fixture
def scan(tmp_path: Path) -> OpenScan:
    served = replace(fake_served(), statistics=rich_statistics())
    return OpenScan(FakeSegmenter().open(read_scan(save_scan(tmp_path / "scan.nii.gz"))), served)


def numbers(text: str, dtype: type, *shape: int) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype).reshape(shape or (-1,))


def some_codes(scan: OpenScan) -> list[int]:
    """Every second code of the scan's brighter half: several in most slices, each with neighbours outside."""
    present = np.unique(scan.segmented.indices)
    return present[len(present) // 2 :: 2].tolist()


def replaced_by_hand(scan: OpenScan, codes: list[int], target: int | None) -> np.ndarray:
    """The scan's codes after the replacement, token by token; codewords of the stand-in lie on a line."""
    outside = np.setdiff1d(np.arange(CODES), codes)

    def new(code: int) -> int:
        if code not in codes:
            return code
        return target if target is not None else int(outside[np.abs(outside - code).argmin()])

    return np.vectorize(new)(scan.segmented.indices)


@pytest.mark.parametrize("target", [None, 5])
def test_forced_tokens_are_all_that_change_when_the_codes_give_way(scan: OpenScan, target: int | None) -> None:
    codes = some_codes(scan)
    tokens = numbers(forced(scan, {"codes": codes, "target": target})["tokens"], np.int32, -1, 4)
    expected, before = replaced_by_hand(scan, codes, target), scan.segmented.indices
    assert len(tokens) == (expected != before).sum() > 0
    after = before.copy()
    after[tuple(tokens[:, :3].T)] = tokens[:, 3]
    # Either of two equally near codewords may take the place.
    distance = np.abs(after - before)
    np.testing.assert_array_equal(distance, np.abs(expected - before))
    assert not np.isin(after, [code for code in codes if code != target]).any()


def test_forced_tokens_are_accepted_as_a_slices_edits(scan: OpenScan) -> None:
    codes = some_codes(scan)
    tokens = numbers(forced(scan, {"codes": codes, "target": 5})["tokens"], np.int32, -1, 4)
    index = int(tokens[0, 0])
    edits = tokens[tokens[:, 0] == index, 1:].tolist()
    values = {"plane": "axial", "index": index, "strength": 0.0, "mode": "resample", "seed": 0, "edits": edits}
    frame = make_frame(scan, FrameRequest.checked(values, scan))
    np.testing.assert_array_equal(frame.codes, np.where(np.isin(scan.segmented.indices[index], codes), 5, scan.segmented.indices[index]))


def measured(scan: OpenScan, codes: list[int]) -> dict:
    ablations = Ablations()
    while True:
        answer = ablations.without(scan, {"codes": codes})
        if answer["done"] == answer["of"]:
            return answer


def decoded_without(scan: OpenScan, codes: list[int]) -> np.ndarray:
    """All slices, decoded with every selected token replaced."""
    tokens, segmented = numbers(forced(scan, {"codes": codes})["tokens"], np.int32, -1, 4), scan.segmented
    slices = []
    for index in range(segmented.slice_count):
        replacement = {(row, column): code for _, row, column, code in tokens[tokens[:, 0] == index].tolist()}
        slices.append(segmented.perturb(index, 0.0, forced=replacement).labels)
    return np.stack(slices, segmented.axis)


def test_dice_without_codes_is_that_of_the_scan_decoded_with_their_tokens_replaced(scan: OpenScan) -> None:
    codes = some_codes(scan)
    labels, clean = decoded_without(scan, codes), scan.segmented.labels
    scan.truth = np.roll(clean, 1, 0)
    answer = measured(scan, codes)
    assert answer["dice"] == pytest.approx(label_agreement(labels, clean))
    assert answer["dice"] < 1
    assert answer["truth_before"] == pytest.approx(dice_by_class(clean, scan.truth, len(scan.segmented.classes)))
    assert answer["truth_after"] == pytest.approx(dice_by_class(labels, scan.truth, len(scan.segmented.classes)))
    assert answer["of"] == np.isin(scan.segmented.indices, codes).any((1, 2)).sum()
    assert answer["tokens"] == np.isin(scan.segmented.indices, codes).sum()


def test_codes_that_the_scan_lacks_change_nothing(scan: OpenScan) -> None:
    absent = np.setdiff1d(np.arange(CODES), scan.segmented.indices)[:2].tolist()
    assert absent
    assert measured(scan, absent) == {"done": 0, "of": 0, "tokens": 0, "dice": 1.0, "truth_before": None, "truth_after": None}


def test_a_removal_goes_on_where_the_last_call_stopped(scan: OpenScan) -> None:
    removals, codes = Removals(), np.array(some_codes(scan))
    done = [removals.advance(scan, codes, seconds=0).done for _ in range(3)]
    assert done == [1, 2, 3]


def test_one_codeword_must_stay(scan: OpenScan) -> None:
    for ask in (forced, Ablations().without):
        with pytest.raises(RequestError, match="leave at least one"):
            ask(scan, {"codes": list(range(CODES))})
    assert numbers(forced(scan, {"codes": list(range(CODES)), "target": 3})["tokens"], np.int32).size


def test_spacing_and_nearest_agree_with_the_neighbours_of_each_code(scan: OpenScan) -> None:
    answer = spacing(scan, {})
    codes, distances = numbers(answer["nearest"], np.int32), numbers(answer["distances"], np.float32)
    for code in range(CODES):
        found = scan.segmented.neighbours(code, 2)
        assert codes[code] in found.codes
        assert distances[code] == pytest.approx(found.distances[0], rel=1e-5)
    assert nearest(scan, {"code": 7})["codes"] == scan.segmented.neighbours(7, CODES - 1).codes.tolist()


@pytest.mark.parametrize("codes", [None, "1", [1.5], [CODES], [True]])
def test_wrong_codes_are_refused(scan: OpenScan, codes: object) -> None:
    for ask in (forced, Ablations().without):
        with pytest.raises(RequestError):
            ask(scan, {"codes": codes})
