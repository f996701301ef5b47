"""The reach in requests: its bounds, where it counts, and that nothing kept under one reach is shown under another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from app_server import Arrived, fake_served, save_scan
from fake_segmenter import CODES, FakeSegmenter

from app.page.visits import Visits
from app.scan.curves import Curves
from app.scan.description import describe
from app.scan.frame_request import FrameRequest, RequestError, checked_reach
from app.scan.frames import make_frame
from app.scan.models import Models, Served
from app.scan.open_scan import OpenScan
from app.scan.opening_reach import opening_reach
from app.scan.radii import TwoRadii
from app.scan.replay import Replays
from app.tabs.codebook.answers import card
from app.tabs.learn.kept import KeptSteps
from app.tabs.learn.place import Place
from app.tabs.perturb.answers import neighbours
from app.visit.examples import Examples
from app.visit.openings import Openings
from app.visit.session import SessionStore
from vqseg.data.scan import read_scan

VALUES = {"plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 3}
OWN, NEAR = 20.0, 3.0


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")


@pytest.fixture
def opened(scan_file: Path) -> OpenScan:
    served = replace(fake_served(statistics=True), segmenter=FakeSegmenter(reach=OWN))
    return OpenScan(served.segmenter.open(read_scan(scan_file)), served)


@pytest.mark.parametrize("reach", [0, 0.99, CODES, float("nan"), float("inf"), True, "8", [8]])
def test_a_reach_outside_the_codebook_is_refused(opened: OpenScan, reach: object) -> None:
    with pytest.raises(RequestError, match="reach must be a number from 1 to 63"):
        FrameRequest.checked({**VALUES, "reach": reach}, opened)


def test_four_digits_of_a_reach_count_and_any_codeword_stays_any(opened: OpenScan) -> None:
    for reach, rounded in ((1, 1.0), (1.00004, 1.0), (12.3456, 12.35), (62.999, 63.0), (CODES - 1, 63.0)):
        assert checked_reach(reach, opened) == rounded
    large = SimpleNamespace(segmented=SimpleNamespace(codebook_size=16384))
    for reach, rounded in ((16383, 16383.0), (16382, 16380.0), (12345.6, 12350.0)):
        assert checked_reach(reach, large) == rounded  # type: ignore[arg-type]
    larger = SimpleNamespace(segmented=SimpleNamespace(codebook_size=65536))
    assert checked_reach(65534.9, larger) == 65530.0  # type: ignore[arg-type]
    nearly = SimpleNamespace(segmented=SimpleNamespace(codebook_size=19998))
    assert checked_reach(19996, nearly) == 19997.0  # type: ignore[arg-type]


def test_a_reach_counts_where_the_mode_has_one(opened: OpenScan) -> None:
    assert FrameRequest.checked({**VALUES, "reach": 7}, opened).reach == 7.0
    assert FrameRequest.checked(VALUES, opened).reach is None
    assert FrameRequest.checked({**VALUES, "mode": "shuffle", "reach": 7}, opened).reach is None


def test_no_reach_is_the_checkpoints_own(opened: OpenScan) -> None:
    request = FrameRequest.checked(VALUES, opened)
    own, far, near = (make_frame(opened, replace(request, reach=reach)).codes for reach in (None, OWN, NEAR))
    np.testing.assert_array_equal(own, far)
    assert (own != near).any()


def test_what_is_kept_under_one_reach_is_not_shown_under_another(opened: OpenScan) -> None:
    own, near = (FrameRequest.checked({**VALUES, "reach": reach}, opened) for reach in (None, NEAR))
    replays, curves, steps = Replays(), Curves(), KeptSteps()
    volumes = [replays.decoded(opened, request).reconstruction for request in (own, near)]
    assert (volumes[0] != volumes[1]).any()
    swapped = [curves.advance(opened, request, seconds=60).curves()[0]["psnr"] for request in (own, near)]
    assert swapped[0] != swapped[1]
    # The lesson has reaches of its own: a class sees the same numbers wherever the slider stands.
    places = [Place.checked({**VALUES, "reach": reach}, opened) for reach in (None, NEAR)]
    assert all(steps.step(name, places[0]) is steps.step(name, places[1]) for name in ("swap", "decoders", "consistency", "radii"))


def test_neighbours_and_radii_are_those_of_the_reach(opened: OpenScan) -> None:
    expected = opened.segmented.neighbours(5, 6, (9,), NEAR).probabilities.tolist()
    assert neighbours(opened, {"code": 5, "to": 9, "reach": NEAR})["probabilities"] == expected
    own, near = (card(opened, {"code": 5, "reach": reach})["neighbours"] for reach in (None, NEAR))
    assert own != near
    radii = TwoRadii()
    found = [radii.radii(opened, {"reach": reach}) for reach in (None, NEAR)]
    assert found[1]["temperature"] == opened.model.segmenter.temperature_at(NEAR) != found[0]["temperature"]
    for call in (neighbours, card, radii.radii):
        with pytest.raises(RequestError, match="from 1 to 63"):
            call(opened, {"code": 5, "to": 9, "reach": 64})


def visits(served: Served, example: Path) -> Visits:
    return Visits(Models({served.name: served.title}, lambda _: served), SessionStore(), Arrived(), Examples([example]), Openings())


@pytest.mark.parametrize(
    ("query", "reach"),
    [
        ({"reach": "40.5", "eps": "0.4"}, 40.5),
        ({"reach": "own"}, None),
        ({"reach": "48", "eps": "0"}, 48.0),
        # More than this codebook has, as where a link names another checkpoint.
        ({"reach": "1000"}, 63.0),
        ({}, 48.0),
        ({"reach": "0.5"}, 48.0),
        ({"reach": "x"}, 48.0),
        # Links were written without a reach before there was one, always with an epsilon.
        ({"eps": "0.4"}, None),
        ({"eps": "0"}, None),
        ({"eps": "0.4", "reach": "x"}, None),
        ({"eps": "x"}, 48.0),
    ],
)
def test_a_link_shows_the_reach_that_it_was_written_for_and_one_without_settings_that_of_the_opening(
    scan_file: Path, query: dict[str, str], reach: float | None
) -> None:
    served = replace(fake_served(), segmenter=FakeSegmenter(reach=2.0))
    found = visits(served, scan_file).linked(query, (), None, "someone")
    assert found is not None and found.reach == reach


def test_a_scan_opens_at_a_share_of_the_codebook_unless_the_checkpoint_reaches_further(scan_file: Path) -> None:
    far = replace(fake_served(), segmenter=FakeSegmenter(reach=50.0))
    assert opening_reach(OpenScan(far.segmenter.open(read_scan(scan_file)), far)) is None
    near = replace(fake_served(), segmenter=FakeSegmenter(reach=2.0))
    told = describe("token", OpenScan(near.segmenter.open(read_scan(scan_file)), near), "One")["reach"]
    assert told == {"own": 2.0, "last": 63, "opening": 48.0, "modes": ["resample"]}
