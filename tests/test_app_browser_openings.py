"""Opening what takes its time, in a real browser: progress, cancelling, a newer choice, a busy server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_browser import pick, slide, state, visit, wait_painted, wait_state, wait_until
from app_server import Server, save_scan, serving
from fake_segmenter import PausedSegmenter
from gradio_client import Client, handle_file
from gradio_client.client import Job
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError, Status

from app.page.endpoints import OPENS
from app.scan.models import Served
from app.visit.openings import Openings

STRIP = "#opening .opening"


@pytest.fixture(scope="module")
def paused() -> PausedSegmenter:
    return PausedSegmenter()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path, paused: PausedSegmenter) -> Iterator[Server]:
    others = [save_scan(example.with_name(f"phantom_{name}.nii.gz"), seed) for seed, name in enumerate(("other", "third"), 1)]
    checkpoints = Served("first", "First", None, paused), Served("second", "Second", None, paused)
    with serving(tmp_path_factory.mktemp("cache"), [example, *others], *checkpoints, openings=Openings(2, 1, reserved=0)) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server, paused: PausedSegmenter) -> Iterator[Any]:
    """The first example is shown; everything else waits at 40 %."""
    with visit(browser, server) as opened, paused.pause():
        yield opened


def picked(page: Any) -> tuple[str, str]:
    return page.locator("#case [data-text=name]").inner_text(), page.locator("#checkpoint input").input_value()


def test_an_example_that_takes_its_time_tells_how_far_it_is_and_can_be_cancelled(page: Any, paused: PausedSegmenter) -> None:
    token = state(page, "scan.token")
    pick(page, "case", "Phantom other")
    strip = page.locator(STRIP)
    strip.get_by_text("encoding the slices 40 %").wait_for()
    assert strip.locator("strong").inner_text() == "Phantom other"
    assert page.locator(f"{STRIP} progress").evaluate("bar => bar.value") == pytest.approx(0.4)
    # The former scan is there to be worked with meanwhile.
    page.locator("#strength input[type=range]").fill("0.5")
    wait_painted(page, "axial 3 0.5 resample 0")
    strip.get_by_role("button", name="Cancel").click()
    strip.wait_for(state="hidden")
    wait_until(page, lambda: paused.at_work == 0)
    wait_until(page, lambda: picked(page) == ("Phantom small heart", "First"))
    assert state(page, "scan.token") == token
    assert page.locator('[data-testid="toast-body"]').count() == 0
    paused.go.set()
    pick(page, "case", "Phantom other")
    page.get_by_role("heading", name="Phantom other").wait_for()
    assert not strip.is_visible()


def test_another_checkpoint_can_be_cancelled_by_a_key_and_so_can_an_own_file(page: Any, paused: PausedSegmenter, tmp_path: Path) -> None:
    token = state(page, "scan.token")
    strip = page.locator(STRIP)
    pick(page, "checkpoint", "Second")
    strip.get_by_text("encoding the slices 40 %").wait_for()
    page.keyboard.press("Escape")
    strip.wait_for(state="hidden")
    wait_until(page, lambda: paused.at_work == 0 and picked(page) == ("Phantom small heart", "First"))
    page.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz"))
    strip.get_by_text("encoding the slices 40 %").wait_for()
    assert strip.locator("strong").inner_text() == "mine.nii.gz"
    strip.get_by_role("button", name="Cancel").click()
    wait_until(page, lambda: paused.at_work == 0)
    page.locator("#upload input[type=file]").wait_for(state="attached")
    assert state(page, "scan.token") == token


def test_a_newer_choice_takes_the_place_of_one_that_is_on_its_way(page: Any, paused: PausedSegmenter) -> None:
    pick(page, "case", "Phantom third")
    page.locator(STRIP).get_by_text("encoding the slices 40 %").wait_for()
    pick(page, "checkpoint", "Second")
    page.locator(STRIP).get_by_text("Phantom small heart").wait_for()
    wait_until(page, lambda: paused.at_work == 1)
    paused.go.set()
    wait_state(page, "scan.checkpoint", "second")
    assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
    wait_until(page, lambda: picked(page) == ("Phantom small heart", "Second"))
    page.locator(STRIP).wait_for(state="hidden")
    assert page.locator('[data-testid="toast-body"]').count() == 0


def test_leaving_stops_what_was_on_its_way(browser: Any, server: Server, paused: PausedSegmenter, tmp_path: Path) -> None:
    with paused.pause():
        with visit(browser, server) as page:
            held = len(server.store)
            page.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz"))
            page.locator(STRIP).get_by_text("encoding the slices 40 %").wait_for()
        with visit(browser, server) as other:
            # Gradio notices that a page is gone by its heartbeat.
            wait_until(other, lambda: paused.at_work == 0, seconds=150)
            wait_until(other, lambda: len(server.store) == held)


def test_a_visitor_of_a_busy_server_waits_or_is_told_so(page: Any, server: Server, paused: PausedSegmenter, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "heart.nii.gz")

    def segment() -> Job:
        return Client(server.url, verbose=False, download_files=str(tmp_path)).submit(handle_file(path), api_name="/segment")

    calls = [segment() for _ in range(2)]
    wait_until(page, lambda: paused.at_work == 2)
    pick(page, "case", "Phantom third")
    page.locator(STRIP).get_by_text("waiting for 1 other scan").wait_for()
    with pytest.raises(AppError, match="The server is busy: 1 scan is waiting already"):
        segment().result(60)
    page.locator(STRIP).get_by_role("button", name="Cancel").click()
    paused.go.set()
    assert all(len(call.result(60)) == 2 for call in calls)


def test_a_full_queue_is_said_in_our_words_to_visitors_and_known_to_programs(browser: Any, tmp_path: Path, example: Path) -> None:
    paused, path = PausedSegmenter(), save_scan(tmp_path / "heart.nii.gz")
    other = save_scan(tmp_path / "phantom_other.nii.gz", seed=2)
    served = Served("first", "First", None, paused)
    with (
        serving(tmp_path / "cache", [example, other], served, openings=Openings(1, 100), most_queued=1) as running,
        visit(browser, running) as page,
        paused.pause(),
    ):
        client = Client(running.url, verbose=False, download_files=str(tmp_path))
        jobs: list[Job] = []
        # One after the other, as only one may wait: until no more are taken up, and one stays in the queue.
        # Whoever waits for a turn is told the place.
        for expected in [*[(Status.PROCESSING, Status.PROGRESS)] * OPENS["concurrency_limit"], (Status.IN_QUEUE,)]:
            jobs.append(client.submit(handle_file(path), api_name="/segment"))
            wait_until(page, lambda expected=expected: jobs[-1].status().code in expected)
        with pytest.raises(QueueError):
            client.submit(handle_file(path), api_name="/segment").result(60)
        pick(page, "case", "Phantom other")
        page.locator('[data-testid="toast-body"]', has_text="too many visitors are waiting already").wait_for()
        page.locator(STRIP).wait_for(state="hidden")
        assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
        paused.go.set()
        assert all(len(job.result(60)) == 2 for job in jobs)


@pytest.fixture
def fresh(browser: Any, tmp_path: Path, example: Path) -> Iterator[tuple[Any, PausedSegmenter]]:
    """A page like `page`, of a server that has encoded nothing else yet."""
    others = [save_scan(tmp_path / f"phantom_{name}.nii.gz", seed) for seed, name in enumerate(("other", "third"), 1)]
    paused = PausedSegmenter()
    checkpoints = Served("first", "First", None, paused), Served("second", "Second", None, paused)
    with serving(tmp_path / "cache", [example, *others], *checkpoints) as server, visit(browser, server) as opened, paused.pause():
        yield opened, paused


def test_the_last_choice_beside_the_scan_wins_and_follows_what_was_moved_meanwhile(fresh: tuple[Any, PausedSegmenter]) -> None:
    page, paused = fresh
    page.get_by_role("tab", name="Compare").click()
    hint, chosen = page.locator(".compare [data-text=hint]"), page.get_by_label("What to compare with")
    hint.get_by_text("Opening B").wait_for()
    slide(page, "slice", 1)
    slide(page, "strength", 0.5)
    for option in ("Phantom other", "Second", "Phantom third"):
        chosen.select_option(label=option)
    # What was called off has ended, and takes neither the choice nor the word of its opening away.
    page.locator(STRIP).get_by_text("Phantom third").wait_for()
    wait_until(page, lambda: paused.at_work == 1)
    page.locator(STRIP).get_by_text("encoding the slices 40 %").wait_for()
    assert (chosen.locator("option:checked").inner_text(), hint.inner_text()) == ("Phantom third", "Opening B")
    slide(page, "slice", 4)
    slide(page, "strength", 0.8)
    paused.go.set()
    page.locator(".compare [data-text=of-b]", has_text="Phantom third · slice 4").wait_for()
    assert chosen.locator("option:checked").inner_text() == "Phantom third"
    assert (state(page, "strength"), page.locator(".compare [data-text=of-a]").inner_text()) == (0.8, "Phantom small heart · slice 4")
    assert page.locator(".compare .notice").is_hidden()
    assert page.locator('[data-testid="toast-body"]').count() == 0
