"""Bands over seeds: mean and standard deviation of the single curves, a few points at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_server import fake_served, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.scan.curves import curve
from app.scan.frame_request import LARGEST_SEED, FrameRequest, RequestError
from app.scan.open_scan import OpenScan
from app.scan.seeds import STRENGTHS, SeedCurves, band_of
from app.scan.truth import truth_labels
from app.tabs.perturb.answers import bands
from vqseg.data.scan import read_numbers, read_scan

VIEW = {"plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 5, "reach": 20}


@pytest.fixture
def scan(tmp_path: Path) -> OpenScan:
    path = save_scan(tmp_path / "heart.nii.gz")
    own = read_scan(path)
    truth = truth_labels(read_numbers(save_truth(tmp_path / "truth.nii.gz", path)), own, CLASSES)
    return OpenScan(FakeSegmentedScan(own), fake_served(), truth)


@pytest.mark.parametrize("seed", [5, LARGEST_SEED - 1])
def test_a_band_is_mean_and_standard_deviation_of_the_single_curves(scan: OpenScan, seed: int) -> None:
    request = FrameRequest("axial", 2, 0.5, "resample", seed, reach=20.0)
    kept = SeedCurves()
    found = kept.advance(scan, request, 4, seconds=60)
    assert (found.seeds, found.done, found.of) == (4, 4 * len(STRENGTHS), 4 * len(STRENGTHS))
    seeds = [(seed + number) % (LARGEST_SEED + 1) for number in range(4)]
    single = [curve(scan, replace(request, seed=each), STRENGTHS) for each in seeds]
    assert set(found.figures) == set(single[0]) - {"epsilon"}
    for name, band in found.figures.items():
        values = np.array([each[name] for each in single])
        np.testing.assert_allclose(band.mean, values.mean(0))
        np.testing.assert_allclose(band.spread, values.std(0, ddof=1), atol=1e-12)
    # Before anything is replaced all seeds are alike.
    assert {band.spread[0] for band in found.figures.values()} == {0}


def test_only_complete_seeds_count_and_nothing_is_decoded_twice(scan: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    request, kept, calls, perturb = FrameRequest("axial", 2, 0.5, "resample", 5), SeedCurves(), [], FakeSegmentedScan.perturb

    def counted(self: FakeSegmentedScan, *given: object) -> object:
        calls.append((*given[:4], given[5]))
        return perturb(self, *given)

    monkeypatch.setattr(FakeSegmentedScan, "perturb", counted)
    first = kept.advance(scan, request, 4, seconds=0)
    assert (first.seeds, dict(first.figures)) == (0, {})
    while (found := kept.advance(scan, request, 4, seconds=0)).done < found.of:
        assert found.seeds <= found.done // len(STRENGTHS)
    assert len(set(calls)) == len(calls) <= 4 * len(STRENGTHS)
    done = len(calls)
    # More seeds go on from those that are there.
    assert kept.advance(scan, request, 8, seconds=0).seeds == 4
    assert len(calls) == done + 1


def test_a_value_that_no_seed_has_is_none_and_one_seed_has_no_spread() -> None:
    band = band_of([[1.0, None, 0.5], [0.0, None, None]])
    assert band.mean == [0.5, None, 0.5]
    assert band.spread == [pytest.approx(0.5**0.5), None, None]


def test_the_answer_names_its_strengths_and_wrong_questions_are_refused(scan: OpenScan) -> None:
    answer = bands(scan, {**VIEW, "seeds": 4})
    assert answer["strengths"] == STRENGTHS.tolist()
    with pytest.raises(RequestError, match="seeds must be one of 4, 8, 16"):
        bands(scan, {**VIEW, "seeds": 500})
    with pytest.raises(RequestError, match="choose plane axial"):
        bands(scan, {**VIEW, "plane": "coronal", "seeds": 4})
