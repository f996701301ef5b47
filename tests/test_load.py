"""Many visitors at once, in small: benchmarks/load.py against a real server. Nobody is refused, and everybody gets their own answers."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from app_server import fake_served, save_scan, serving
from fake_segmenter import PausedSegmenter
from gradio_client import Client, handle_file

from app.scan.models import Served
from app.visit.openings import Openings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
VISITORS = 4


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    spec = importlib.util.spec_from_file_location("load", BENCHMARKS / "load.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_crowd_is_served_without_a_refusal_and_without_an_answer_of_somebody_else(load: Any, tmp_path: Path) -> None:
    examples = [save_scan(tmp_path / f"phantom_{name}.nii.gz", seed) for seed, name in enumerate(("one", "two"), 100)]
    scans = [save_scan(tmp_path / f"own_{seed}.nii.gz", seed) for seed in range(VISITORS)]
    with serving(tmp_path / "cache", examples, fake_served()) as running:
        tally = asyncio.run(load.crowd(running.url, scans, VISITORS, 2.0, 0.0))
    assert (tally.wrong, tally.failed) == ([], [])
    assert not any(tally.refused.values())
    assert all(len(tally.seconds[kind]) >= VISITORS for kind in load.KINDS)
    # Without answers that differ, nobody could tell whose they are.
    labels = [digest for asked, digest in tally.expected.items() if asked[0] == "labels"]
    assert len(labels) == len(set(labels)) == VISITORS
    assert "0 wrong answers" in load.report(tally)


def test_a_class_follows_its_teacher_and_every_reply_arrives(load: Any, tmp_path: Path) -> None:
    example = save_scan(tmp_path / "phantom_one.nii.gz")
    steps = ("pixels", "swap")
    with serving(tmp_path / "cache", [example], fake_served(statistics=True)) as running:
        taught = asyncio.run(load.lesson(running.url, VISITORS, 0.5, steps=steps))
    assert taught.failed == []
    assert taught.replies == dict.fromkeys(steps, VISITORS)
    assert all(len(taught.followed[name]) == VISITORS for name in steps)
    assert "4 students" in str(taught)


def test_an_answer_that_is_somebody_elses_is_found(load: Any) -> None:
    tally = load.Tally()
    for answer in ({"labels": 1}, {"labels": 1}, {"labels": 2}):
        tally.compare(("frame", "mine"), answer)
    assert tally.wrong == [("frame", "mine")]


def test_a_program_is_told_its_place_while_it_waits(tmp_path: Path) -> None:
    paused, path = PausedSegmenter(), save_scan(tmp_path / "heart.nii.gz")
    served = Served("first", "First", None, paused)
    with serving(tmp_path / "cache", [], served, openings=Openings(1, 4)) as running, paused.pause():
        clients = [Client(running.url, verbose=False, download_files=str(tmp_path)) for _ in range(2)]
        first = clients[0].submit(handle_file(path), api_name="/segment")
        second = clients[1].submit(handle_file(path), api_name="/segment")
        told = ""
        for _ in range(2000):
            shown = (second.status().progress_data or []) + (first.status().progress_data or [])
            told = next((one.desc for one in shown if one.desc and one.desc.startswith("waiting")), "")
            if told:
                break
            paused.go.wait(0.01)
        assert told == "waiting: 1 scan before this one"
        paused.go.set()
        assert all(len(job.result(60)) == 2 for job in (first, second))
