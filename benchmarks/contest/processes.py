"""Whole processes: how long they take, and the app from its start to the first picture in a browser."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crowd.running import ROOT, app

from contest.race import FLOOR, OURS, Entry, Race

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
# Milliseconds of the longest pieces of work of the page's main thread.
_WATCH = """window.blocks = [];
new PerformanceObserver((list) => window.blocks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });"""
# What shows that a tab is there, in the order in which they are opened.
_TABS = {
    "Perturb": "#curves .js-plotly-plot .main-svg",
    "Codebook": "#codewords .js-plotly-plot .main-svg",
    "Learn": ".lesson h2",
    "Volume": ".volume canvas",
    "Export": ".export .files",
}
# Without the frames that were fetched ahead until then: how many these are is chance.
_SENT = """() => performance.getEntries().filter(({ name }) => !name.includes("component_server"))
  .reduce((sum, one) => sum + (one.encodedBodySize ?? 0), 0)"""


def timed(arguments: Sequence[str]) -> tuple[float, float]:
    """Run Python once. Returns seconds of the clock and of the processor; raises CalledProcessError if it fails."""
    before, begun = _children(), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment, cwd=ROOT)
    return time.perf_counter() - begun, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def starts(port: int) -> Iterator[Race]:
    """From `python app.py` to its first answer, against the import of its two largest packages.

    Args:
        port: Of the app.
    """
    entries = [
        Entry("python app.py until it answers", lambda: _start(port), OURS, measures=True),
        Entry("import torch and gradio", lambda: timed(["-c", "import torch, gradio"]), FLOOR, measures=True),
    ]
    yield Race("Start of the app", "until HTTP 200", entries, slow=True)


def _start(port: int) -> tuple[float, float]:
    before, begun = _children(), time.perf_counter()
    with app(port):
        clock = time.perf_counter() - begun
    # The processor's time counts to the end of the process: until then nobody knows it.
    return clock, _children() - before


def first_view(port: int, visits: int) -> dict[str, list[float]]:
    """What a new visitor waits for. Every visit has an empty cache.

    Args:
        port: Of the app.
        visits: How many.

    Returns:
        By name a value a visit: milliseconds to the first picture, to each other tab right after it, one after the other, and of the
        longest block of the main thread meanwhile and until six seconds later; kilobytes on the way to the first picture.
    """
    from playwright.sync_api import sync_playwright

    names = ["first picture, ms", *(f"then {tab}, ms" for tab in _TABS), "longest block of the main thread, ms", "sent but for frames, kB"]
    found: dict[str, list[float]] = {name: [] for name in names}
    with app(port) as (url, _), sync_playwright() as engine:
        for _ in range(visits):
            browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
            for name, value in zip(found, _visit(browser, url), strict=True):
                found[name].append(value)
            browser.close()
    return found


def _visit(browser: Any, url: str) -> list[float]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script(_WATCH)
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".viewer[data-painted]", timeout=120_000)
    took = [1000 * (time.perf_counter() - begun)]
    sent = page.evaluate(_SENT)
    for tab, shown in _TABS.items():
        begun = time.perf_counter()
        page.get_by_role("tab", name=tab, exact=True).click()
        page.locator(shown).first.wait_for(state="visible", timeout=120_000)
        took.append(1000 * (time.perf_counter() - begun))
    page.wait_for_timeout(6000)
    return [*took, max(page.evaluate("window.blocks"), default=0.0), sent / 1000]
