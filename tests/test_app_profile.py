"""The profile of a scan over its slices: its scores are those of single frames, and it never takes a turn from anybody."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest
from app_server import fake_served, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.scan.computing import COMPUTING
from app.scan.curves import mean_score
from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame, truth_scores
from app.scan.open_scan import OpenScan
from app.scan.profile import next_scores
from app.scan.truth import truth_labels
from app.tabs.see.answers import profile
from vqseg.data.scan import read_numbers, read_scan


@pytest.fixture
def scan(tmp_path: Path) -> OpenScan:
    path = save_scan(tmp_path / "heart.nii.gz")
    own = read_scan(path)
    truth = truth_labels(read_numbers(save_truth(tmp_path / "truth.nii.gz", path)), own, CLASSES)
    return OpenScan(FakeSegmentedScan(own), fake_served(), truth)


def settings(plane: str = "axial", strength: float = 0.6) -> dict[str, object]:
    return {"plane": plane, "index": 2, "strength": strength, "mode": "resample", "seed": 4}


def whole(scan: OpenScan, **given: object) -> list[dict[str, float | None]]:
    scores: list[dict[str, float | None]] = []
    while len(scores) < scan.views[str(given["plane"])].count:
        answer = profile(scan, {**given, "known": len(scores)})
        assert answer["of"] == scan.views[str(given["plane"])].count
        scores += answer["scores"]
    return scores


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_every_slice_has_the_scores_of_its_own_frame(scan: OpenScan, plane: str) -> None:
    scores = whole(scan, **settings(plane))
    for index, score in enumerate(scores):
        request = FrameRequest.checked({**settings(plane), "index": index}, scan)
        frame = make_frame(scan, request)
        truth = mean_score(truth_scores(scan, request, frame))
        expected = None if frame.changed_share is None else frame.dice_vs_clean
        assert score == {"clean": expected, "changed": frame.changed_share, "truth": truth}
    assert any(score["clean"] not in (None, 1) for score in scores)


def test_at_strength_zero_nothing_is_decoded_and_the_truth_is_still_compared(scan: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSegmentedScan, "perturb", None)
    scores = whole(scan, **settings(strength=0.0))
    assert {score["clean"] for score in scores} == {1.0}
    assert all(score["truth"] is not None and score["truth"] < 1 for score in scores)


def test_it_gives_way_while_others_are_computed_for(scan: OpenScan) -> None:
    request, working, done = FrameRequest.checked(settings(), scan), [Event(), Event()], Event()

    def work(started: Event) -> None:
        with COMPUTING.turn():
            started.set()
            done.wait(30)

    threads = [Thread(target=work, args=(started,)) for started in working]
    for thread, started in zip(threads, working, strict=True):
        thread.start()
        assert started.wait(30)
    part = next_scores(scan, request, 0)
    done.set()
    for thread in threads:
        thread.join()
    assert part.busy
    assert not part.scores
    assert next_scores(scan, request, 0).scores
