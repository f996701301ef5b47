"""What the tests in a real browser share: the page as a fixture, and how it is looked at and moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from app_server import Server

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
# WebGL 2 drawn by the processor, for machines without a graphics card.
FLAGS += " --disable-sync --enable-unsafe-swiftshader"
# Milliseconds; generous, for machines that do other things too.
WAIT = 90_000
PIXELS = """name => {
  const c = document.querySelector(`[data-panel=${name}] canvas`);
  return [c.height, c.width, ...c.getContext("2d").getImageData(0, 0, c.width, c.height).data];
}"""


@contextmanager
def visit(browser: Any, server: Server, address: str = "", painted: str = "axial 3 0 resample 0") -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address or server.url)
    page.wait_for_selector(f".viewer[data-painted='{painted}']", state="attached")
    yield page
    context.close()


def pixels(page: Any, panel: str) -> np.ndarray:
    rows, columns, *values = page.evaluate(PIXELS, panel)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def slide(page: Any, control: str, value: float) -> None:
    page.locator(f"#{control} input[type=range]").fill(str(value))


def wait_painted(page: Any, painted: str) -> None:
    page.wait_for_selector(f".viewer[data-painted='{painted}']")


def wait_until(page: Any, condition: Callable[[], bool], seconds: float = WAIT / 1000) -> None:
    """For conditions of the server; the page's clock lets the browser's events through meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        page.wait_for_timeout(20)


def pick(page: Any, control: str, choice: str) -> None:
    """Choose from a drop-down list."""
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=choice).click()
