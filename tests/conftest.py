"""Data and checkpoints that several modules' tests share; made once a run, from seeds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from app_browser import CHROMIUM, FLAGS, WAIT, reset, visit, wait_painted
from app_server import Server, fake_served, save_scan, save_truth, serving
from hypothesis import settings

from tests.tiny import tiny_model
from vqseg.checkpoint import save_model
from vqseg.data.phantom import write_phantoms

# No test asks for anything from outside, and so neither does Gradio, nor its client.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

# What commands remember between runs is no affair of the person who tests.
_STATE = tempfile.TemporaryDirectory(prefix="vqseg-state-")
os.environ["XDG_STATE_HOME"] = _STATE.name

# The same examples at every run, and no limit of time to one: neither luck nor a busy machine decides whether a test passes.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


# Files whose tests train networks, start processes or read shipped checkpoints.
SLOW = frozenset(
    f"test_{name}.py"
    for name in (
        *("adaptation", "bundled_examples", "cli", "codebook", "codebook_docs", "codebook_projection", "codebook_tokens", "comparisons"),
        *("docs", "experiments", "initial", "no_waiting", "pseudo_labels", "scale", "sensitivity", "space", "training", "vit", "web_units"),
        *("benchmarks", "elsewhere", "familiarity", "pipes", "plan", "predict_folders", "quickstart", "requirements", "site"),
        *("app_learn_claims", "channels", "fine_tuning", "partial", "space_folder", "tracking", "wheel"),
    )
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out, and begin with what takes longest, so that no process is left alone with it at the end."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            # A page, a browser and a server share two cores with other tests: what is late once is tried once more, and reported so.
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.path.name in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, item.get_closest_marker("browser") is None))


_THREADS = torch.get_num_threads()


@pytest.fixture(autouse=True)
def _threads() -> None:
    """UMAP changes the whole process's number of threads, and with another number the network rounds otherwise."""
    torch.set_num_threads(_THREADS)


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four phantom patients, three to train (one of them labelled at 10%) and one to validate. Read only."""
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder, 4, 0)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved tiny network with random weights. Read only."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_model(tiny_model(), folder)
    return folder


# A module's, not the session's: while playwright runs its own event loop, other modules' tests could not run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -r requirements-dev.txt")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split(), timeout=WAIT)
        yield chromium
        chromium.close()


@pytest.fixture
def gate() -> Iterator[Event]:
    """What other threads may be made to wait for. It opens in the end, even if the test fails: they would hold up the next one."""
    opened = Event()
    yield opened
    opened.set()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled case that the page opens with, its truth beside it."""
    path = save_scan(tmp_path_factory.mktemp("examples") / "phantom_small-heart.nii.gz")
    save_truth(path.with_name("phantom_small-heart_truth.nii.gz"), path)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[Server]:
    """The app with two cases and two checkpoints, the second one of another class and without statistics."""
    other = save_scan(example.with_name("phantom_zoomed.nii.gz"), seed=1)
    checkpoints = fake_served("first", statistics=True), fake_served("second", ("background", "nodule"))
    with serving(tmp_path_factory.mktemp("cache"), [example, other], *checkpoints) as running:
        yield running


@pytest.fixture(scope="module")
def shared_page(browser: Any, server: Server) -> Iterator[Any]:
    with visit(browser, server) as page:
        yield page


@pytest.fixture
def page(shared_page: Any) -> Any:
    """The page with the first example, as it opens. Loading it anew for every test would take most of the time."""
    # What a failed test has left open would lie over the next one's controls.
    shared_page.evaluate("for (const one of document.querySelectorAll(':popover-open')) one.hidePopover()")
    shared_page.get_by_role("tab", name="See").click()
    reset(shared_page)
    wait_painted(shared_page, "axial 3 0 resample 0")
    return shared_page
