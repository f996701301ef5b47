"""What the tests in a real browser share: the page as a fixture, and how it is looked at and moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from app_server import Server

from app.web import module_path

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
    # One context for all visits of a browser: what a page has read once comes from its cache. Each page is a visit of its own all the same.
    context = (
        browser.contexts[0] if browser.contexts else browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    )
    page = context.new_page()
    unfold(page)
    page.set_default_timeout(WAIT)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    go(page, address or server.url)
    wait_painted(page, painted)
    yield page
    page.close()


def unfold(page: Any) -> None:
    """Have the page open with the sidebar's fold open, as a visit does that has opened it: tests use its controls too."""
    page.add_init_script("sessionStorage.setItem('vqseg-advanced', 'open')")


def go(page: Any, address: str) -> None:
    """Load the page. Until its facts are there, a module that a test imports would read none."""
    page.goto(address)
    page.wait_for_selector("#vqseg-facts", state="attached")


def pixels(page: Any, panel: str) -> np.ndarray:
    rows, columns, *values = page.evaluate(PIXELS, panel)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def slide(page: Any, control: str, value: float) -> None:
    page.locator(f"#{control} input[type=range]").fill(str(value))


# playwright waits for a promise as long as it takes: for ever, if the server stopped answering.
_WITHIN = """(argument) => {{
  const until = performance.now() + {wait};
  const late = new Error(`not within {wait} ms: ${{{expression}}}, ${{JSON.stringify(argument)}}`);
  const work = async () => {work};
  return Promise.race([work(), new Promise((_, fail) => setTimeout(fail, {wait}, late))]);
}}"""
_ONCE = "({expression})(await {imported}, argument)"
# In the page, since playwright takes a promise for true.
_UNTIL = """{{
    const module = await {imported};
    while (!(await ({expression})(module, argument))) {{
      if (performance.now() > until) throw late;
      await new Promise((again) => setTimeout(again, 10));
    }}
  }}"""


def module(page: Any, path: str, expression: str, argument: Any = None) -> Any:
    """The value of "(module, argument) => ..." for one of the page's own modules, named by its path below app/."""
    return _evaluated(page, _ONCE, path, expression, argument)


def wait_for_module(page: Any, path: str, expression: str, argument: Any = None) -> None:
    """Until the value of `module` is true."""
    _evaluated(page, _UNTIL, path, expression, argument)


def _evaluated(page: Any, work: str, path: str, expression: str, argument: Any) -> Any:
    imported = f"import(new URL({module_path(path)!r}, document.baseURI))"
    work = work.format(imported=imported, expression=expression, wait=WAIT)
    return page.evaluate(_WITHIN.format(work=work, expression=expression, wait=WAIT), argument)


# Two frames of animation: views draw in the first one.
_PAINTED = """async ({ frames }, painted) => {
  const { plane, index, strength, mode, seed } = frames.shown?.request ?? {};
  if ([plane, index, strength, mode, seed].join(" ") !== painted) return false;
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return document.querySelector(".viewer[data-painted]:not([data-leaving])") !== null;
}"""


def wait_painted(page: Any, painted: str) -> None:
    """Until See shows a frame, told as "plane index epsilon mode seed"."""
    wait_for_module(page, "web/frames.js", _PAINTED, painted)


def wait_ahead(page: Any) -> None:
    """Until all that is fetched ahead for the slice on show is there."""
    wait_for_module(page, "web/frames.js", "({ frames }) => frames.readyAhead === 21")


def state(page: Any, name: str) -> Any:
    """A value of what the page shows, as "scan.token"."""
    return module(page, "web/store.js", f"({{ store }}) => store.state.{name}")


def wait_state(page: Any, name: str, value: Any) -> None:
    wait_for_module(page, "web/store.js", f"({{ store }}, value) => store.state?.{name} === value", value)


# The store forgets at once; then the controls come back from the server, all of them together.
_RESET = """({ store }) => new Promise((done) => {
  const leave = store.onReset(() => {
    leave();
    let told = 0;
    const stop = store.subscribe(() => told++ && (stop(), done()));
  });
  document.querySelector("#reset").click();
})"""


def reset(page: Any) -> None:
    """Press "Reset view", until all controls are back."""
    module(page, "web/store.js", _RESET)


def wait_until(page: Any, condition: Callable[[], bool], seconds: float = WAIT / 1000) -> None:
    """For conditions of the server; the page's clock lets the browser's events through meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        page.wait_for_timeout(20)


def pick(page: Any, control: str, choice: str) -> None:
    """Choose from a drop-down list, or a case from the gallery of examples."""
    page.locator("#case .shown" if control == "case" else f"#{control} input").click()
    page.get_by_role("option", name=choice).click()
