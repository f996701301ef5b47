"""The slider "Reach" in a real browser: what it shows, what it moves, and where the reach goes from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import module, pixels, reset, slide, visit, wait_for_module, wait_painted, wait_state
from app_server import Server, fake_served, save_scan, serving
from fake_segmenter import CLASSES, FakeSegmentedScan, FakeSegmenter

from app.scan.planes import plane_views
from app.scan.render import greyscale
from app.visit.links import OWN_REACH
from vqseg.data.scan import read_scan
from vqseg.shares import ratio

# The checkpoint reaches four codewords of 64, and the page opens at three quarters of them.
OWN, OPENING, LAST = 4.0, 48, 63
# Positions of the slider: 25 from 1 to 10.
AT_OWN, AT_OPENING, AT_LAST = 15, 42, 45

_SHOWN = "({ frames }, reach) => frames.shown?.request.reach === reach"
_CODES = "({ frames }) => [...frames.shown.frame.codes]"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("examples") / "phantom_small-heart.nii.gz")


@pytest.fixture(scope="module")
def segmented(example: Path) -> FakeSegmentedScan:
    return FakeSegmentedScan(read_scan(example), CLASSES, OWN)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[Server]:
    served = replace(fake_served("near", statistics=True), segmenter=FakeSegmenter(reach=OWN))
    with serving(tmp_path_factory.mktemp("cache"), [example], served, fake_served("far")) as running:
        yield running


def wait_reach(page: Any, reach: float | None) -> None:
    """Until See shows a frame of this reach."""
    wait_for_module(page, "web/frames.js", _SHOWN, reach)


def slider(page: Any) -> Any:
    return page.locator("#reach input[type=range]")


def test_the_slider_opens_where_the_answer_is_graded_and_tells_it_in_words(page: Any) -> None:
    wait_reach(page, OPENING)
    range_ = slider(page)
    assert [range_.get_attribute(name) for name in ("min", "max")] == ["0", str(AT_LAST)]
    assert range_.input_value() == str(AT_OPENING)
    assert range_.get_attribute("aria-valuetext") == "about 48 codewords" == page.locator("#reach output").inner_text()
    assert range_.get_attribute("aria-label").startswith("Reach")
    page.wait_for_url(f"**reach={OPENING}**")


def test_reach_changes_the_pictures_and_the_last_value_of_a_drag_wins(page: Any, segmented: FakeSegmentedScan) -> None:
    slide(page, "strength", 0.6)
    wait_painted(page, "axial 3 0.6 resample 0")
    former = pixels(page, "reconstruction")
    for position in (40, 12, 3, 26, 30):
        slide(page, "reach", position)
    wait_reach(page, 16)
    wait_painted(page, "axial 3 0.6 resample 0")
    expected = segmented.perturb(3, 0.6, reach=16)
    view = plane_views(segmented.scan)["axial"]
    np.testing.assert_array_equal(pixels(page, "reconstruction")[..., 0], greyscale(view.orient(expected.reconstruction)))
    assert (pixels(page, "reconstruction") != former).any()
    assert page.locator("[data-text=psnr]").inner_text() == f"{expected.psnr:.1f} dB"


def test_a_drag_moves_the_same_tokens_outwards_and_few_of_them_at_a_time(page: Any, segmented: FakeSegmentedScan) -> None:
    slide(page, "strength", 0.5)
    clean = segmented.perturb(3, 0.0).indices.ravel()
    former, moved = None, []
    for position, reach in ((20, 6.3), (21, 6.9), (22, 7.6), (23, 8.3), (24, 9.1), (25, 10)):
        slide(page, "reach", position)
        wait_reach(page, reach)
        wait_painted(page, "axial 3 0.5 resample 0")
        codes = np.array(module(page, "web/frames.js", _CODES))
        steps = (codes - clean) % (LAST + 1)
        if former is not None:
            assert (steps >= former).all() and ((steps > 0) == (former > 0)).all()
            moved.append((steps != former).mean())
        former = steps
    assert 0 < max(moved) < 0.4


def test_the_mark_and_the_ends_can_be_clicked(page: Any) -> None:
    page.locator("#reach .own").click()
    wait_reach(page, None)
    assert slider(page).input_value() == str(AT_OWN)
    assert slider(page).get_attribute("aria-valuetext") == "about 4 codewords, as trained"
    assert page.locator("#reach .own").get_attribute("aria-pressed") == "true"
    for name, reach, position in (("nearest only", 1, 0), ("any codeword", LAST, AT_LAST)):
        page.locator("#reach").get_by_role("button", name=name).click()
        wait_reach(page, reach)
        assert (slider(page).input_value(), page.locator("#reach output").inner_text()) == (str(position), name)
        assert page.locator("#reach .own").get_attribute("aria-pressed") == "false"
    # On the track the checkpoint's own reach has its place too.
    slide(page, "reach", AT_OWN)
    wait_reach(page, None)


def test_keys_move_the_reach(page: Any) -> None:
    page.locator(".viewer h2").click()
    page.keyboard.press(",")
    wait_reach(page, 33)
    page.keyboard.press(".")
    page.keyboard.press(".")
    wait_reach(page, LAST)
    slider(page).focus()
    page.keyboard.press("ArrowLeft")
    wait_reach(page, 58)
    page.keyboard.press("Home")
    wait_reach(page, 1)
    reset(page)
    wait_reach(page, OPENING)


def test_a_link_holds_the_reach(browser: Any, server: Server, page: Any) -> None:
    slide(page, "strength", 0.4)
    slide(page, "reach", 30)
    # Both: an earlier test's address may hold the same reach.
    page.wait_for_url(lambda url: "eps=0.4&" in f"{url}&" and "reach=16&" in f"{url}&")
    codes = module(page, "web/frames.js", _CODES)
    with visit(browser, server, page.url, "axial 3 0.4 resample 0") as other:
        wait_reach(other, 16)
        assert module(other, "web/frames.js", _CODES) == codes
        other.locator("#reach .own").click()
        other.wait_for_url("**reach=own**")
        reset(other)
        other.wait_for_url(f"**reach={OPENING}**")


@pytest.mark.parametrize(("text", "reach"), [("17.5", 17.5), ("own", None), ("1000", LAST), ("", None), ("far", None)])
def test_a_reach_in_a_link_is_exact_and_without_one_an_epsilon_is_that_of_the_checkpoints_own(
    browser: Any, server: Server, text: str, reach: float | None
) -> None:
    with visit(browser, server, f"{server.url}/?eps=0.4&reach={text}", "axial 3 0.4 resample 0") as other:
        wait_reach(other, reach)
        other.wait_for_url(f"**reach={reach or OWN_REACH}**")


def test_where_the_replacement_has_no_reach_the_slider_rests_and_says_why(page: Any) -> None:
    slide(page, "strength", 0.4)
    slide(page, "reach", 30)
    page.get_by_label("Shuffle").check()
    wait_painted(page, "axial 3 0.4 shuffle 0")
    assert slider(page).is_disabled() and page.locator("#reach .own").is_disabled()
    assert page.locator("#reach .why").inner_text() == "The shuffle replacement has no reach."
    wait_reach(page, None)
    page.locator(".viewer h2").click()
    page.keyboard.press(".")
    page.get_by_label("Resample").check()
    wait_reach(page, 16)
    assert slider(page).is_enabled() and page.locator("#reach .why").is_hidden()


def test_what_is_exported_has_the_reach(page: Any, tmp_path: Path) -> None:
    slide(page, "strength", 0.5)
    slide(page, "reach", 30)
    wait_reach(page, 16)
    page.get_by_role("tab", name="Export").click()
    page.wait_for_function("document.querySelector('.export').innerText.includes('resample, reach 16, seed 0')")
    page.wait_for_function("document.querySelector('.export [data-text=python]').innerText.includes('reach=16.0')")
    with page.expect_download() as downloading:
        page.locator(".export [data-kind=configuration]").click()
    downloading.value.save_as(tmp_path / "configuration")
    assert json.loads((tmp_path / "configuration").read_text())["reach"] == 16


def test_the_card_of_a_code_follows_the_reach(browser: Any, server: Server, segmented: FakeSegmentedScan) -> None:
    with visit(browser, server, f"{server.url}/?eps=1&tab=codebook&code=5", "axial 3 1 resample 0") as page:
        for position, reach in ((30, 16), (10, 2.5)):
            slide(page, "reach", position)
            expected = [ratio(float(share), 4) for share in segmented.neighbours(5, 10, reach=reach).probabilities]
            shares = "[...document.querySelectorAll('.card tbody .pi')].map((cell) => cell.textContent)"
            page.wait_for_function(f"JSON.stringify({shares}) === {json.dumps(json.dumps(expected, separators=(',', ':')))}")


def test_the_reach_stands_below_the_pictures_of_a_phone(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?eps=0.5", "axial 3 0.5 resample 0") as page:
        page.set_viewport_size({"width": 390, "height": 844})
        scrub = page.locator(".scrub[data-moves=reach]")
        scrub.locator("input").fill("30")
        wait_reach(page, 16)
        assert scrub.locator("output").inner_text() == "about 16 codewords"
        assert slider(page).input_value() == "30"


def test_another_checkpoint_keeps_a_chosen_reach_and_opens_at_its_own_else(page: Any) -> None:
    wait_state(page, "chosenReach", OPENING)
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name="Far").click()
    wait_reach(page, None)
    assert page.locator("#reach output").inner_text() == "any codeword"
    slide(page, "reach", 30)
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name="Near").click()
    wait_state(page, "scan.checkpoint", "near")
    wait_reach(page, 16)
