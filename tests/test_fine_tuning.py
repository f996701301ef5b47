"""Fine-tuning on corrected slices: the network comes nearer to them, its codes stay, and it ends with its visit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from app_server import fake_served, save_scan

from app.scan import fine_tuning
from app.scan.corrections import Corrections
from app.scan.fine_tuning import FineTuning
from app.scan.frame_request import RequestError
from app.scan.models import Served, load_served
from app.scan.open_scan import OpenScan
from app.tabs.label.tuning import TuningAnswers
from app.visit import fine_tunings
from app.visit.fine_tunings import BUSY, OFF, FineTunings
from app.visit.listening import FINE_TUNING, fine_tunes, serves_one_person
from app.visit.session import SessionStore
from vqseg.checkpoint import load_model
from vqseg.config import load_config
from vqseg.data.datasets import find_cases
from vqseg.data.loaders import load_pools
from vqseg.data.phantom import phantom_volume
from vqseg.data.scan import read_scan
from vqseg.data.splits import labelled_and_unlabelled, read_splits


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def one_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FINE_TUNING, "SPACE_ID", "GRADIO_ROOT_PATH", "VQSEG_ALLOWED_HOSTS", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.timeout(900)
def test_on_a_phantom_the_network_comes_nearer_to_the_corrections_and_keeps_its_codes(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At the lowest priority it would wait for all other tests.
    monkeypatch.setattr(fine_tuning.shutil, "which", lambda _: None)
    monkeypatch.setattr(fine_tuning, "_LARGEST_CROP", 64)
    image, truth, affine = phantom_volume(3, "ED")
    nib.Nifti1Image(image[..., 2:6], affine).to_filename(path := tmp_path / "phantom.nii.gz")
    served = load_served("tiny", "Tiny", checkpoint)
    scan = OpenScan(served.segmenter.open(read_scan(path)), served)
    assert scan.segmented.axis == 2
    corrections = Corrections({index: np.ascontiguousarray(truth[..., 2 + index]) for index in (1, 2)})
    work = FineTuning(scan, corrections, tmp_path / "run", 60)
    before = work.dice(scan.segmented.labels)
    work.prepare()
    assert work.train(600) == ""
    assert work.step == 60
    after = work.dice(work.labels())
    assert np.mean([dice or 0 for dice in after]) > np.mean([dice or 0 for dice in before]) + 0.02, (before, after)
    trained = load_model(str(work.checkpoint)).state_dict()
    for name, value in load_model(str(checkpoint)).state_dict().items():
        if name.startswith(("encoder.", "quantizer.")):
            torch.testing.assert_close(trained[name], value, msg=name)


def test_an_erased_slice_is_taught_as_background_and_slices_that_nobody_corrected_as_unlabelled(checkpoint: Path, tmp_path: Path) -> None:
    served = load_served("tiny", "Tiny", checkpoint)
    scan = OpenScan(served.segmenter.open(read_scan(save_scan(tmp_path / "heart.nii.gz"))), served)
    shape = np.moveaxis(scan.segmented.labels, scan.segmented.axis, 0).shape[1:]
    work = FineTuning(scan, Corrections({1: np.zeros(shape, np.uint8), 2: np.ones(shape, np.uint8)}), tmp_path / "run", 40)
    work.prepare()
    config = load_config(work.folder / "config.yaml")
    labelled, unlabelled = labelled_and_unlabelled(find_cases(config.data.folder), read_splits(config.data.folder), config.data.labelled)
    pools = load_pools(labelled, unlabelled, config.data, config.preprocess, classes=config.model.classes)
    others = [index for index in range(scan.segmented.slice_count) if index not in (1, 2)]
    assert pools.labelled.drawn is not None and pools.labelled.drawn.tolist() == [1, 2]
    assert pools.unlabelled is not None and pools.unlabelled.drawn is not None and pools.unlabelled.drawn.tolist() == others
    (height, width), labels = pools.labelled.sizes[0].tolist(), pools.labelled.labels
    assert labels is not None
    assert [labels[index, :height, :width].unique().tolist() for index in (1, 2)] == [[0], [1]]


class Paused:
    """In the place of a run's training: it waits until it is let go, or stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
        self.go, self.stopped = Event(), Event()

        def train(work: FineTuning, seconds: float, wanted: Any = None) -> str:
            until(lambda: self.go.is_set() or self.stopped.is_set())
            return "" if self.go.is_set() else "killed"

        def stop(work: FineTuning) -> None:
            self.stopped.set()

        monkeypatch.setattr(FineTuning, "prepare", lambda work: None)
        monkeypatch.setattr(FineTuning, "train", train)
        monkeypatch.setattr(FineTuning, "stop", stop)
        monkeypatch.setattr(FineTuning, "labels", lambda work: work.corrections.merged(work.scan))
        monkeypatch.setattr(fine_tunings, "load_served", lambda name, title, folder, others: replace(served, name=name, title=title))
        monkeypatch.setattr(fine_tunings, "_LOOK_SECONDS", 0.01)


@pytest.fixture
def lent() -> list[Served | None]:
    return []


@pytest.fixture
def heart(tmp_path: Path, lent: list[Served | None]) -> OpenScan:
    served = replace(fake_served("first"), lend=lent.append)
    return OpenScan(served.segmenter.open(read_scan(save_scan(tmp_path / "heart.nii.gz"))), served)


def painted(scan: OpenScan, label: int = 1) -> Corrections:
    return Corrections({2: np.full(np.moveaxis(scan.segmented.labels, scan.segmented.axis, 0).shape[1:], label, np.uint8)})


def test_one_run_at_a_time_and_what_it_leaves_is_lent_to_its_visit(
    monkeypatch: pytest.MonkeyPatch, heart: OpenScan, lent: list[Served | None]
) -> None:
    paused, store = Paused(monkeypatch, heart.model), SessionStore()
    token, other = store.put(heart, "me"), store.put(OpenScan(heart.segmented, heart.model), "you")
    tunings = FineTunings(store)
    tuned = tunings.begin(heart, token, painted(heart), 40)
    with pytest.raises(RequestError, match=BUSY[:20]):
        tunings.begin(heart, token, painted(heart), 40)
    answers = TuningAnswers(tunings)
    assert answers.tuning(heart, {"token": token, "index": 2})["stage"] == "training"
    # Another visit learns nothing of it.
    assert answers.tuning(heart, {"token": other, "index": 2})["stage"] is None
    paused.go.set()
    until(lambda: tuned.stage == "done")
    told = answers.tuning(heart, {"token": token, "index": 2})
    assert told["after"] == [1.0, None, None]
    assert told["before"][0] < 1
    assert lent[-1] is not None
    assert told["checkpoint"] == lent[-1].name
    assert told["former"] == "first"
    folder = tuned.work.folder
    store.release("me")
    until(lambda: not folder.exists())
    assert lent[-1] is None


@pytest.mark.parametrize("by_leaving", [False, True])
def test_a_run_ends_when_it_is_cancelled_and_when_its_visit_ends(
    monkeypatch: pytest.MonkeyPatch, heart: OpenScan, lent: list[Served | None], by_leaving: bool
) -> None:
    paused, store = Paused(monkeypatch, heart.model), SessionStore()
    token = store.put(heart, "me")
    tunings = FineTunings(store)
    tuned = tunings.begin(heart, token, painted(heart), 40)
    if by_leaving:
        store.release("me")
    else:
        assert TuningAnswers(tunings).cancel_tuning(heart, {"token": token, "index": 0})["stage"] == "cancelled"
    until(paused.stopped.is_set)
    until(lambda: tuned.stage == "cancelled")
    assert not any(lent)


def test_what_cannot_be_learnt_from_is_refused(heart: OpenScan) -> None:
    store = SessionStore()
    token, tunings = store.put(heart, "me"), FineTunings(store)
    for steps in (39, "40", True, None):
        with pytest.raises(RequestError, match="steps must be one of"):
            tunings.begin(heart, token, painted(heart), steps)
    for nothing in (Corrections({}), painted(heart, 0)):
        with pytest.raises(RequestError, match="Correct at least one slice"):
            tunings.begin(heart, token, nothing, 40)


def test_it_is_off_where_many_share_the_server(monkeypatch: pytest.MonkeyPatch, heart: OpenScan) -> None:
    assert fine_tunes()
    for name, value in (
        ("SPACE_ID", "a/b"),
        ("GRADIO_ROOT_PATH", "/vqseg"),
        ("VQSEG_ALLOWED_HOSTS", "x"),
        ("GRADIO_SERVER_NAME", "0.0.0.0"),
    ):
        with monkeypatch.context() as shared:
            shared.setenv(name, value)
            assert not serves_one_person()
            assert not fine_tunes()
            shared.setenv(FINE_TUNING, "1")
            assert fine_tunes()
    monkeypatch.setenv(FINE_TUNING, "yes")
    with pytest.raises(ValueError, match="must be 0 or 1, got 'yes'"):
        fine_tunes()
    monkeypatch.setenv(FINE_TUNING, "0")
    store = SessionStore()
    token, tunings = store.put(heart, "me"), FineTunings(store)
    with pytest.raises(RequestError, match=OFF[:20]):
        tunings.begin(heart, token, painted(heart), 40)
    assert TuningAnswers(tunings).tuning(heart, {"token": token, "index": 0})["off"] == OFF


def test_a_run_that_takes_too_long_is_killed_with_all_its_processes(
    heart: OpenScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = FineTuning(heart, painted(heart), tmp_path / "run", 40)
    work.folder.mkdir()
    lasting = tmp_path / "lasting"
    lasting.write_text("#!/bin/sh\nsleep 60\n")
    lasting.chmod(0o700)
    monkeypatch.setattr(fine_tuning.sys, "executable", str(lasting))
    begun = time.monotonic()
    assert "Take fewer steps" in work._run([], 0.2)
    assert work.process is not None
    assert work.process.poll() is not None
    assert time.monotonic() - begun < 20
