"""Answers about bundled examples are computed once for all visitors; those about a visitor's own scan belong to that visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from app_server import fake_served, save_scan
from fake_segmenter import FakeSegmentedScan

from app.scan import computing
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from app.scan.shared import SharedAnswers
from app.tabs.perturb.answers import dropout
from app.tabs.see import answers
from app.visit.answering import answering
from app.visit.session import SessionStore
from vqseg.data.scan import read_scan

MOVED = {"plane": "axial", "index": 2, "strength": 0.4, "mode": "resample", "seed": 1, "with_image": True}


class Counted(FakeSegmentedScan):
    """Counts what is decoded, and can be held up meanwhile."""

    decoded = 0
    begin: Callable[[], object] = staticmethod(lambda: None)

    def perturb(self, *args: Any, **options: Any) -> Any:
        self.decoded += 1
        self.begin()
        return super().perturb(*args, **options)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> SharedAnswers:
    shared = SharedAnswers()
    monkeypatch.setattr("app.scan.slice_answers.SHARED", shared)
    monkeypatch.setattr("app.tabs.perturb.answers.SHARED", shared)
    return shared


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., OpenScan]:
    heart, model = read_scan(save_scan(tmp_path / "heart.nii.gz")), fake_served()

    def open_scan(example: str | None = "Heart", served: Served = model) -> OpenScan:
        scan = OpenScan(Counted(heart), served, None, example)
        scan.segmented.decoded = 0
        return scan

    return open_scan


def lasting(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "milliseconds"}


def test_visitors_who_ask_for_the_same_frame_of_an_example_at_once_wait_for_one_computation(
    kept: SharedAnswers, opened: Callable[..., OpenScan]
) -> None:
    store, scan, is_decoding, go = SessionStore(byte_cap=2**24), opened(), Event(), Event()

    def begin() -> None:
        is_decoding.set()
        assert go.wait(30)

    scan.segmented.begin = begin
    tokens = [store.put(scan, owner, shared=True) for owner in ("me", "you")]
    see = answering(store, answers.frame)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(see, {**MOVED, "token": tokens[0]})
        assert is_decoding.wait(30)
        second = pool.submit(see, {**MOVED, "token": tokens[1]})
        pause = Event()
        for _ in range(30_000):
            if computing.COMPUTING.waiting:
                break
            pause.wait(0.001)
        go.set()
        assert first.result(30) == second.result(30)
    assert scan.segmented.decoded == 1
    assert see({**MOVED, "token": tokens[1], "for": "ahead"}) == first.result()
    assert scan.segmented.decoded == 1


def test_a_wish_for_a_scan_that_was_left_is_not_computed(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    store, scan, own = SessionStore(byte_cap=2**24), opened(None), opened(None)
    see, token = answering(store, answers.frame), store.put(scan, "me")
    pause = Event()
    with ThreadPoolExecutor(1) as pool, ExitStack() as others:
        for _ in range(computing.AT_ONCE):
            others.enter_context(busy())
        wish = pool.submit(see, {**MOVED, "token": token, "for": "shown"})
        for _ in range(30_000):
            if computing.COMPUTING.waiting:
                break
            pause.wait(0.001)
        store.put(own, "me")
        assert wish.result(30) == {"skipped": "newer"}
    assert scan.segmented.decoded == 0


@contextmanager
def busy() -> Iterator[None]:
    """A computation of somebody else, until the block ends."""
    begun, end = Event(), Event()

    def compute() -> None:
        with computing.COMPUTING.turn():
            begun.set()
            end.wait(30)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(compute)
        assert begun.wait(30)
        try:
            yield
        finally:
            end.set()


def test_the_shared_answer_is_that_of_a_scan_of_ones_own(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    example, own = opened(), opened(None)
    for change in ({}, {"strength": 0.0}, {"index": 1}, {"seed": 2}, {"mode": "shuffle"}, {"edits": [[0, 0, 7]]}, {"reach": 5}):
        asked = {**MOVED, **change}
        expected = lasting(answers.frame(own, asked))
        assert [lasting(answers.frame(example, asked)) for _ in range(2)] == [expected] * 2
    point = {**MOVED, "rate": 0.3}
    assert dropout(example, point) == dropout(example, {**point, "strength": 0.9}) == dropout(own, point)


def test_nothing_of_a_visitors_own_scan_is_kept(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    answers.frame(opened(None), MOVED)
    dropout(opened(None), {**MOVED, "rate": 0.3})
    assert len(kept) == 0


def test_another_checkpoint_example_or_frame_of_a_cine_has_answers_of_its_own(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    further = opened()
    further.frame = 3
    scans = [opened(), opened("Other heart"), opened(served=fake_served()), further]
    for scan in scans:
        answers.frame(scan, MOVED)
    assert [scan.segmented.decoded for scan in scans] == [1] * 4
    again = opened()
    answers.frame(again, MOVED)
    assert again.segmented.decoded == 0


def test_an_epsilon_that_the_slider_cannot_have_is_not_kept(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    scan = opened()
    for _ in range(2):
        answers.frame(scan, {**MOVED, "strength": 0.12345, "with_image": False})
    assert len(kept) == 0
    for hundredth in range(101):
        answers.frame(scan, {**MOVED, "strength": float(f"{hundredth / 100:.2f}"), "with_image": False})
    assert len(kept) == 101


def test_what_was_not_used_for_longest_makes_room(opened: Callable[..., OpenScan]) -> None:
    shared, scan = SharedAnswers(most_bytes=10_000), opened()
    for number in range(9):
        shared.kept(scan, number, lambda: {"labels": "x" * 1000})
        assert shared.byte_size <= 10_000
    made: list[int] = []
    for number in (8, 0):
        shared.kept(scan, number, lambda number=number: made.append(number) or {})  # type: ignore[misc]
    assert made == [0]


def test_other_frames_of_one_example_are_computed_at_the_same_time(kept: SharedAnswers, opened: Callable[..., OpenScan]) -> None:
    scan, together = opened(), Barrier(2)
    scan.segmented.begin = lambda: together.wait(30)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(answers.frame, scan, {**MOVED, "seed": seed}) for seed in (1, 2)]
        assert all("labels" in one.result(30) for one in both)
