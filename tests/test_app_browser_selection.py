"""A hunt for codes in a real browser: search, histograms, lasso in space, forced tokens, and the link to all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import state, visit, wait_for_module, wait_until
from app_server import Server, fake_served, rich_statistics, serving
from fake_segmenter import CODES, FakeSegmentedScan

from vqseg.data.scan import read_scan

STATISTICS = rich_statistics()
IMPURE = np.flatnonzero(np.nan_to_num(STATISTICS.purity, nan=1) < 0.6)
COLOURS = "document.querySelector('#codewords .graph:not([hidden])').data[0].marker.color"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), [example], replace(fake_served(), statistics=STATISTICS)) as running:
        yield running


@pytest.fixture(scope="module")
def scan(example: Path) -> FakeSegmentedScan:
    return FakeSegmentedScan(read_scan(example))


@pytest.fixture
def tab(page: Any) -> Any:
    """The tab with nothing selected."""
    page.get_by_role("tab", name="Codebook").click()
    wait_for_map(page)
    page.locator("#codewords").press("Escape")
    return page


def wait_for_map(page: Any, **expected: Any) -> None:
    """Until plotly.js has drawn the map, with what is expected of it: dimensions, marked."""
    drawn = "(m, expected) => m.state()?.points > 0 && Object.entries(expected).every(([name, value]) => m.state()[name] === value)"
    wait_for_module(page, "tabs/codebook/view.js", drawn, expected)


def wait_for_selected(page: Any, count: int) -> None:
    page.locator("[data-text=selected]").get_by_text(re.compile(rf"^{count} codes?$")).wait_for()


def test_impure_codes_are_searched_told_forced_and_let_go_again(tab: Any, scan: FakeSegmentedScan) -> None:
    here = np.intersect1d(IMPURE, scan.indices)
    counts = np.isin(scan.indices, here).sum((1, 2))
    tab.get_by_label("Search for codes").fill("impure, here wombat")
    tab.get_by_text(f"{len(here)} codes found. Not understood: wombat.").wait_for()
    wait_for_selected(tab, len(here))
    shares = STATISTICS.class_counts[here].sum(0) / STATISTICS.counts[here].sum()
    told = [f"{name} {100 * share:.0f} %" for share, name in sorted(zip(shares, STATISTICS.classes, strict=True), reverse=True)]
    assert tab.locator("p[data-text=mixed]").inner_text() == ", ".join(told)
    wait_until(tab, lambda: tab.locator("[data-part=atoms] canvas").count() == min(16, len(here)))
    fires = f"In {(counts > 0).sum()} of {len(counts)} slices, most in slice {counts.argmax()}: {counts.max():,} tokens."
    tab.get_by_text(fires).wait_for()
    tab.get_by_role("button", name="Go there").click()
    wait_until(tab, lambda: state(tab, "index") == counts.argmax())
    tab.get_by_role("button", name="Force", exact=True).click()
    tab.get_by_text(re.compile(rf"^{counts.sum():,} tokens in {(counts > 0).sum()} slices are forced")).wait_for()
    places = {(row, column) for row, column in np.argwhere(np.isin(scan.indices[counts.argmax()], here)).tolist()}
    edits = state(tab, "edits")
    assert {(row, column) for row, column, _ in edits} == places
    assert not np.isin([code for *_, code in edits], here).any()
    tab.get_by_role("button", name="Dice without them").click()
    tab.get_by_text(re.compile(rf"^Dice [\d.]+ against the labels with all codes.* {counts.sum():,} tokens in")).wait_for()
    tab.get_by_role("button", name="Undo", exact=True).click()
    wait_until(tab, lambda: state(tab, "edits") == [])
    assert tab.locator("[data-part=forced]").is_hidden()


def test_the_keyboard_stays_in_the_tab_when_the_button_that_it_was_on_goes(tab: Any) -> None:
    def focused() -> str:
        return str(tab.evaluate("document.activeElement.textContent.trim()"))

    tab.get_by_role("button", name="Impure here").press("Enter")
    tab.get_by_role("button", name="Force", exact=True).press("Enter")
    undo = tab.locator("[data-do=unforce]")
    undo.wait_for()
    undo.press("Enter")
    wait_until(tab, lambda: undo.is_hidden())
    assert focused() == "Force"
    tab.get_by_role("button", name="Keep", exact=True).press("Enter")
    tab.get_by_role("button", name="Forget the selection Selection 1").press("Enter")
    wait_until(tab, lambda: tab.locator("[data-part=saved]").is_hidden())
    assert tab.evaluate("document.activeElement.closest('.keep') !== null")
    tab.get_by_role("button", name="Clear the selection").press("Enter")
    wait_until(tab, lambda: tab.locator(".chip").is_hidden())
    assert tab.evaluate("document.activeElement.id") == "codewords"


def test_a_histogram_is_brushed_from_the_keyboard_and_holds_codes_back_on_the_map(tab: Any) -> None:
    upper = tab.get_by_label("Purity: upper end of what the map shows")
    upper.focus()
    for _ in range(8):
        tab.keyboard.press("ArrowLeft")
    assert upper.get_attribute("aria-valuetext") == "60 %"
    wait_for_selected(tab, len(IMPURE))
    tab.get_by_text(f"The map shows {len(IMPURE)} of {CODES} codes.").wait_for()
    faint = f"{COLOURS}.filter(colour => colour.startsWith('rgba')).length"
    wait_until(tab, lambda: tab.evaluate(faint) == CODES - len(IMPURE))
    # A second one narrows down, and the slice follows.
    tab.get_by_label("Usage: lower end of what the map shows").focus()
    tab.keyboard.press("End")
    tab.get_by_text(re.compile(r"^The map shows \d of")).wait_for()
    tab.get_by_role("button", name="Show all").click()
    tab.locator("[data-part=held]").wait_for(state="hidden")
    wait_until(tab, lambda: tab.evaluate(faint) == 0)


def test_a_link_reproduces_selection_brush_and_saved_selections_and_says_what_it_cannot_read(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?tab=codebook") as first:
        wait_for_map(first)
        first.get_by_label("Search for codes").fill("3, 10-20, 41")
        wait_for_selected(first, 13)
        first.get_by_label("Name of this selection").fill("my codes")
        first.get_by_role("button", name="Keep").click()
        first.get_by_label("Purity: upper end of what the map shows").press("ArrowLeft")
        first.wait_for_url(lambda url: all(f"{name}=" in url for name in ("marked", "bars", "saved")))
        count = int(first.locator("[data-text=selected]").inner_text().split()[0])
        address = first.url
    with visit(browser, server, address) as second:
        wait_for_map(second)
        second.get_by_role("button", name="my codes · 13").wait_for()
        wait_until(second, lambda: int((second.locator("[data-text=selected]").inner_text() or "0").split()[0]) <= count)
        wait_until(second, lambda: second.get_by_label("Purity: upper end of what the map shows").input_value() == "19")
        second.get_by_role("button", name="Show all").click()
        second.get_by_role("button", name="my codes · 13").click()
        wait_for_selected(second, 13)
    with visit(browser, server, f"{server.url}/?tab=codebook&marked=zzz") as third:
        third.get_by_text("marked=zzz (codes as the page writes them)").first.wait_for()


def test_a_lasso_in_space_marks_what_lies_inside_it_on_the_screen(tab: Any) -> None:
    tab.locator("[name=codes-dimensions][value='3']").check()
    wait_for_map(tab, dimensions=3)
    tab.locator("[name=codes-tool][value=select]").check()
    box = tab.locator("canvas.lasso").bounding_box()

    def drag(share: float) -> None:
        # Not in the very corner, which is round.
        tab.mouse.move(box["x"] + 6, box["y"] + 6)
        tab.mouse.down()
        tab.mouse.move(box["x"] + share * box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
        tab.mouse.up()

    def marked() -> int:
        return int((tab.locator("[data-text=chip]").text_content() or "0").split()[0])

    drag(1.0)
    # The eye is near: a few codes may lie beyond the edge of the map.
    wait_until(tab, lambda: marked() > CODES // 2)
    all_of_them = marked()
    drag(0.5)
    wait_until(tab, lambda: 0 < marked() < all_of_them)
    tab.locator("[name=codes-tool][value=pan]").check()
    tab.locator("[name=codes-dimensions][value='2']").check()
    wait_for_map(tab, dimensions=2)


def test_only_the_nearest_codes_are_left_on_the_map(tab: Any, scan: FakeSegmentedScan) -> None:
    tab.locator("#codewords").focus()
    tab.keyboard.press("Home")
    code = int(np.argsort(STATISTICS.rank)[0])
    field = tab.get_by_label("On the map only the nearest")
    field.fill("5")
    field.press("Enter")
    near = {code, *scan.neighbours(code, 5).codes.tolist()}
    tab.locator(".chip").get_by_text(re.compile(rf"^{len(near)} codes marked")).wait_for()
    tab.locator("[name=codes-side][value=selection]").check()
    tab.get_by_text(f"Code {code} and its 5 nearest. The map shows 6 of {CODES} codes.").wait_for()
    titles = "all => all.map(one => Number(one.title.match(/\\d+/)[0]))"
    wait_until(tab, lambda: set(tab.locator("[data-part=atoms] button").evaluate_all(titles)) == near)
