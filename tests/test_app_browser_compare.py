"""Comparing in the tab Perturb, in a real browser: a pinned view, feature dropout, the two branches, many seeds, single codes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import module, slide
from fake_segmenter import CLASSES, FakeSegmentedScan
from perturb_page import canvas, force, wait_for_card, wait_for_curves, wait_perturbed

from app.page.sidebar import OPACITY
from app.scan.branches import branch_changes
from app.scan.planes import PlaneView, plane_views
from app.scan.render import greyscale, label_colours, overlay
from vqseg.data.scan import read_scan
from vqseg.inference import label_agreement

CUTS = "[...document.querySelectorAll('.perturb .pinned')].map((piece) => getComputedStyle(piece).clipPath)"


@pytest.fixture
def segmented(example: Path) -> FakeSegmentedScan:
    return FakeSegmentedScan(read_scan(example))


@pytest.fixture
def perturb(page: Any) -> Any:
    """The page on the tab Perturb, at its start."""
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "3 0 0 0")
    return page


def wait_compared(page: Any) -> None:
    page.locator("[data-text=comparison]", has_text="Dice of A and B").wait_for()


def view_of(segmented: FakeSegmentedScan) -> PlaneView:
    return plane_views(segmented.scan)["axial"]


def drawn(segmented: FakeSegmentedScan, labels: np.ndarray, index: int = 3) -> np.ndarray:
    """Labels of a slice over it, as both tabs draw them."""
    view = view_of(segmented)
    grey = greyscale(view.cut(segmented.normalised, index))
    return overlay(grey, view.orient(labels), label_colours(len(CLASSES)), opacity=OPACITY)


def test_a_pinned_view_is_compared_with_the_one_on_show(perturb: Any, segmented: FakeSegmentedScan) -> None:
    slide(perturb, "strength", 0.2)
    wait_perturbed(perturb, "3 0.2 0 0")
    perturb.locator("[data-do=pin]").click()
    perturb.get_by_text("A is pinned and B still equals A").wait_for()
    assert "Dice" not in perturb.locator("[data-text=comparison]").inner_text()
    slide(perturb, "strength", 0.8)
    wait_perturbed(perturb, "3 0.8 0 0")
    wait_compared(perturb)
    one, other = (segmented.perturb(3, strength) for strength in (0.2, 0.8))
    for name, result in ((".pinned canvas", one), ("canvas", other)):
        np.testing.assert_array_equal(canvas(perturb, f"[data-panel=segmentation] {name}"), drawn(segmented, result.labels))
        picture = greyscale(view_of(segmented).orient(result.reconstruction))
        np.testing.assert_array_equal(canvas(perturb, f"[data-panel=picture] {name}")[..., 0], picture)
    compared = label_agreement(one.labels, other.labels)
    same = 100 * (one.labels == other.labels).mean()
    assert perturb.locator("[data-text=comparison]").inner_text() == (
        f"A: ε 0.20. B: ε 0.80. Dice of A and B: {compared:.3f}. {same:.1f} % of all pixels, background included, have the same label."
    )
    perturb.locator("[data-do=pin]").click()
    perturb.wait_for_selector("[data-panel=picture] .pinned", state="hidden")
    assert perturb.locator("[data-text=comparison]").is_hidden()


def test_the_wipe_is_one_line_over_both_pictures_for_mouse_and_keyboard(perturb: Any) -> None:
    perturb.locator("[data-do=pin]").click()
    slide(perturb, "strength", 0.5)
    wait_compared(perturb)
    wipe = perturb.locator("[data-panel=segmentation] .wipe")
    box = wipe.bounding_box()
    perturb.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    perturb.mouse.down()
    perturb.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=3)
    perturb.mouse.up()
    share, other = float(wipe.input_value()), perturb.locator("[data-panel=picture] .wipe")
    assert 10 < share < 35
    cuts = perturb.evaluate(CUTS)
    perturb.keyboard.press("ArrowRight")
    assert float(wipe.input_value()) == float(other.input_value()) == share + 1
    # The arrow was the wipe's alone: the slice stays.
    assert module(perturb, "web/store.js", "({ store }) => store.state.index") == 3
    moved = perturb.evaluate(CUTS)
    assert cuts[0] == cuts[1] != moved[0] == moved[1]
    perturb.keyboard.press("Home")
    assert float(other.input_value()) == 0


def test_a_pinned_view_follows_to_other_slices_without_its_forced_tokens(perturb: Any, segmented: FakeSegmentedScan) -> None:
    force(perturb, [[2, 3, 63]])
    wait_perturbed(perturb, "3 0 0 1")
    perturb.locator("[data-do=pin]").click()
    force(perturb, [])
    wait_compared(perturb)
    assert "A: 1 forced. B: 0 forced." in perturb.locator("[data-text=comparison]").inner_text()
    forced = segmented.perturb(3, 0.0, forced={(2, 3): 63})
    selector = "[data-panel=segmentation] .pinned canvas"
    np.testing.assert_array_equal(canvas(perturb, selector), drawn(segmented, forced.labels))
    slide(perturb, "slice", 4)
    slide(perturb, "strength", 0.3)
    wait_perturbed(perturb, "4 0.3 0 0")
    wait_compared(perturb)
    assert perturb.locator("[data-text=comparison]").inner_text().startswith("A: ε 0.00. B: ε 0.30.")
    np.testing.assert_array_equal(canvas(perturb, selector), drawn(segmented, segmented.perturb(4, 0.0).labels, 4))
    perturb.locator("#reset").click()
    perturb.wait_for_selector("[data-panel=segmentation] .pinned", state="hidden")


def test_the_curve_over_dropout_stands_beside_the_one_over_epsilon(perturb: Any, segmented: FakeSegmentedScan) -> None:
    wait_for_curves(perturb, 21, 21)
    data = perturb.evaluate("document.querySelector('#curves .js-plotly-plot').data.map(({ x, y, line }) => ({ x, y, dash: line.dash }))")
    results = [segmented.dropout(3, rate) for rate in data[4]["x"]]
    assert data[4]["x"] == pytest.approx([i / 20 for i in range(21)])
    assert data[4]["y"] == pytest.approx([result.dice_vs_clean for result in results])
    assert data[7]["y"] == pytest.approx([result.psnr for result in results])
    assert [line["dash"] for line in data[:8]] == ["solid"] * 4 + ["dash"] * 4
    # Its own truth lies beside the example: the third curve of each four is there.
    assert None not in data[2]["y"] + data[6]["y"]


def test_the_curves_are_saved_as_a_figure(perturb: Any, tmp_path: Path) -> None:
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<?xml")):
        with perturb.expect_download() as downloading:
            perturb.locator(".perturb").get_by_role("button", name=f"Curves as {kind}").click()
        assert downloading.value.suggested_filename == f"Phantom_small_heart_axial3_curves.{kind.lower()}"
        downloading.value.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(start)


def test_the_figure_of_the_curves_tells_how_far_it_is_and_can_be_cancelled(perturb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = FakeSegmentedScan.dropout
    with monkeypatch.context() as patch:
        patch.setattr(FakeSegmentedScan, "dropout", lambda *arguments: time.sleep(0.25) or decode(*arguments))
        slide(perturb, "slice", 1)
        wait_perturbed(perturb, "1 0 0 0")
        perturb.locator(".perturb").get_by_role("button", name="Curves as PNG", exact=True).click()
        perturb.get_by_text(re.compile(r"Drawing the figure of the curves: \d+ of 42")).wait_for()
        perturb.get_by_role("button", name="Cancel Curves as PNG").click()
        perturb.locator(".perturb").get_by_role("button", name="Curves as PNG", exact=True).wait_for()
        assert "Drawing" not in perturb.locator(".perturb [data-text=tool]").inner_text()
    with perturb.expect_download():
        perturb.locator(".perturb").get_by_role("button", name="Curves as PNG", exact=True).click()


def test_the_branches_are_told_apart_where_only_one_of_them_answers(perturb: Any, segmented: FakeSegmentedScan) -> None:
    # Random swaps move grey values far; forced to the next code, a cell may change its label alone.
    clean = segmented.perturb(3, 0.0)
    forced = {place: (int(code) + 2) % 64 for place, code in np.ndenumerate(clean.indices)}
    slide(perturb, "strength", 0.4)
    edits = [[*place, code] for place, code in forced.items() if place[0] < 3]
    force(perturb, edits)
    wait_perturbed(perturb, f"3 0.4 0 {len(edits)}")
    perturb.locator("[data-do=branches]").click()
    perturb.wait_for_selector(".perturb .legend")
    result = segmented.perturb(3, 0.4, forced={place: code for place, code in forced.items() if place[0] < 3})
    changes = branch_changes(result.labels, clean.labels, result.reconstruction, clean.reconstruction)
    counts = np.bincount(changes.ravel(), minlength=4)
    assert counts.all(), "the case is too plain to tell the branches apart"
    picture = canvas(perturb, "[data-panel=segmentation] canvas")
    shown = view_of(segmented).orient(changes)
    for kind, colour in ((1, (216, 27, 154)), (2, (86, 180, 233)), (3, (244, 244, 244))):
        np.testing.assert_array_equal((picture == colour).all(-1), shown == kind)
    legend = perturb.locator(".perturb .legend").inner_text()
    for words, count in zip(("label only", "reconstruction only", "both"), counts[1:], strict=True):
        assert f"{words}, {100 * count / changes.size:.1f} %" in legend
    perturb.locator("[data-do=branches]").click()
    perturb.wait_for_selector(".perturb .legend", state="hidden")
    np.testing.assert_array_equal(canvas(perturb, "[data-panel=segmentation] canvas"), drawn(segmented, result.labels))


def test_decoding_many_seeds_shows_its_progress_and_is_stopped(perturb: Any) -> None:
    slide(perturb, "strength", 0.3)
    wait_perturbed(perturb, "3 0.3 0 0")
    perturb.get_by_label("Number of seeds for the sensitivity map").select_option("32")
    # In one breath, so that no answer comes between.
    seen = perturb.evaluate(
        """() => {
          const click = (name) => document.querySelector(`.perturb [data-do=${name}]`).click();
          click("sensitivity");
          const work = document.querySelector(".perturb .work"), before = [work.hidden, work.querySelector("progress").max];
          click("cancel");
          return [...before, work.hidden];
        }"""
    )
    assert seen == [False, 32, True]
    perturb.wait_for_selector("[data-do=sensitivity][aria-pressed=false]")
    assert perturb.locator("[data-panel=segmentation] figcaption").inner_text() == "Segmentation"
    perturb.locator("[data-do=sensitivity]").click()
    perturb.get_by_text("change their label between 32 seeds").wait_for()
    perturb.get_by_label("Number of seeds for the sensitivity map").select_option("8")
    perturb.get_by_text("change their label between 8 seeds").wait_for()


def test_the_card_shows_what_the_codes_decode_to(perturb: Any, segmented: FakeSegmentedScan) -> None:
    slide(perturb, "strength", 1)
    wait_perturbed(perturb, "3 1 0 0")
    perturb.locator("[data-panel=after] canvas").click()
    _, _, before, after = wait_for_card(perturb)
    assert before != after
    atoms = segmented.atoms([before, after, *segmented.neighbours(before, 6).codes])
    np.testing.assert_array_equal(canvas(perturb, ".card .swap figure:nth-of-type(1) canvas")[..., 0], atoms[0])
    np.testing.assert_array_equal(canvas(perturb, ".card .swap figure:nth-of-type(2) canvas")[..., 0], atoms[1])
    for row in range(6):
        np.testing.assert_array_equal(canvas(perturb, f".card tbody tr:nth-child({row + 1}) canvas")[..., 0], atoms[2 + row])


def test_the_arrow_keys_go_from_cell_to_cell(perturb: Any) -> None:
    grid = perturb.locator("[data-panel=before] canvas")
    grid.click()
    places = [wait_for_card(perturb)[:2]]
    for key in ("ArrowRight", "ArrowDown"):
        grid.press(key)
        places.append(wait_for_card(perturb, places[-1])[:2])
    # Each key moves along one axis of the grid, by one.
    steps = np.abs(np.diff(places, axis=0))
    assert steps.sum(1).tolist() == [1, 1]
    assert (steps[0] != steps[1]).any()
    assert module(perturb, "web/store.js", "({ store }) => store.state.index") == 3
