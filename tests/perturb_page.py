"""What the tests of the tab Perturb in a real browser share: what it waits for, and what it reads off the page."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from app_browser import module, wait_for_module

_PAINTED = """(view, painted) => {
  const { index, strength, seed, edits } = view.state().painted ?? {};
  return [index, strength, seed, edits?.length].join(" ") === painted;
}"""
_CURVES = """([swapped, dropped]) => {
  const [first, , , , fifth] = document.querySelector("#curves .js-plotly-plot")?.data ?? [];
  return first?.x?.length >= swapped && fifth?.x?.length >= dropped;
}"""
_PIXELS = """selector => {
  const c = document.querySelector(selector);
  return [c.height, c.width, ...c.getContext("2d").getImageData(0, 0, c.width, c.height).data];
}"""


def wait_perturbed(page: Any, painted: str) -> None:
    """Until the tab has painted a picture, told as "slice epsilon seed edits"."""
    wait_for_module(page, "tabs/perturb/view.js", _PAINTED, painted)


def wait_for_curves(page: Any, swapped: int, dropped: int = 0) -> None:
    """Until there are so many points over epsilon and over the rate of dropout."""
    page.wait_for_function(_CURVES, arg=[swapped, dropped])


def force(page: Any, edits: list[list[int]]) -> None:
    module(page, "web/store.js", "({ store }, edits) => store.edit(edits)", edits)


def canvas(page: Any, selector: str) -> np.ndarray:
    rows, columns, *values = page.evaluate(_PIXELS, selector)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def wait_for_card(page: Any, former: list[int] | None = None) -> list[int]:
    """The cell that the card tells of, another one than `former`: row, column, code before, code after."""
    title = page.locator(".card [data-text=cell]", has_text=re.compile(r"Token \d+, \d+"))
    if former is not None:
        title = title.filter(has_not_text=re.compile(rf"Token {former[0]}, {former[1]}$"))
    title.wait_for()
    place, move = page.locator(".card :is([data-text=cell], [data-text=move])").all_inner_texts()
    before, after = re.match(r"code (\d+)(?: → (\d+))?", move).groups()
    return [*map(int, re.findall(r"\d+", place)), int(before), int(after or before)]
