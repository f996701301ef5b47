"""What a first visitor meets, in a real browser: the page's top, the tour, the upload's words, the sidebar's two parts, terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from app_browser import go, module, slide, state, visit, wait_for_module, wait_painted, wait_state
from app_server import Server

PAPER = "https://arxiv.org/abs/2601.10124"


@pytest.mark.parametrize(("size", "most"), [((1920, 1080), 48), ((1280, 720), 48), ((390, 844), 48)], ids=lambda value: str(value))
def test_the_top_says_what_this_is_and_leaves_the_pictures_in_their_place(page: Any, size: tuple[int, int], most: int) -> None:
    former = page.viewport_size
    page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        top = page.locator("#title")
        assert "tokens" in top.locator("p").first.inner_text()
        # The page's former top, a line of 22 pixels; on a phone, three lines.
        line = 33 if size[0] > 768 else 75
        # The sidebar takes its time to give way.
        page.wait_for_function("most => document.querySelector('#title').offsetHeight <= most", arg=line + most)
        assert top.get_by_role("link", name="Paper").get_attribute("href") == PAPER
        drawn = top.get_by_role("img")
        # On a phone the panel shows it.
        if size[0] == 390:
            assert drawn.count() == 0
        else:
            assert "reconstruction" in drawn.get_attribute("aria-label")
    finally:
        page.set_viewport_size(former)


def test_about_says_whose_checkpoints_these_are_and_what_becomes_of_a_scan(page: Any) -> None:
    button = page.get_by_role("button", name="About", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="About VQ-Seg")
    panel.wait_for()
    said = panel.inner_text()
    for needed in ("Trained by this project", "docs/results", "sends them nowhere", "not for clinical use", "Apache 2.0"):
        assert needed in said
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert button.evaluate("one => one === document.activeElement")


@contextmanager
def touring(page: Any, *, calm: bool) -> Iterator[Any]:
    """The tour, begun by keyboard, with or without motion."""
    page.emulate_media(reduced_motion="reduce" if calm else "no-preference")
    page.get_by_role("button", name="Try this").focus()
    page.keyboard.press("Enter")
    strip = page.get_by_role("region", name="Tour")
    strip.wait_for()
    yield strip
    page.emulate_media(reduced_motion="no-preference")


def test_the_tour_leads_through_its_steps_and_one_undo_gives_back_what_was_there(page: Any) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    page.get_by_label("Shuffle").check()
    slide(page, "slice", 20)
    slide(page, "strength", 0.35)
    wait_painted(page, "coronal 20 0.35 shuffle 0")
    wait_for_module(page, "web/store.js", "({ store }) => { store.moveReach(3); return true; }")
    with touring(page, calm=True) as strip:
        said = page.locator("#title [role=status]")
        for painted, words in (
            ("axial 3 1 resample 0", "nearest lookalike: "),
            ("axial 3 0.4 resample 0", "the picture goes first (PSNR "),
            ("axial 3 0.5 resample 0", "White lines mark where."),
        ):
            wait_painted(page, painted)
            page.wait_for_function("words => document.querySelector('#title [role=status]').textContent.includes(words)", arg=words)
            # What is read aloud is what is seen.
            assert said.inner_text() == strip.locator(".told").inner_text()
            last = page.locator("[data-do=changed]").get_attribute("aria-pressed")
            page.keyboard.press("Enter")
        strip.wait_for(state="hidden")
        assert last == "true"
    back = page.get_by_role("button", name="Undo the tour")
    back.click()
    wait_painted(page, "coronal 20 0.35 shuffle 0")
    wait_state(page, "chosenReach", 3)
    assert page.locator("[data-do=changed]").get_attribute("aria-pressed") == "false"
    assert not back.is_visible()


def test_the_tour_moves_the_sliders_step_by_step_and_gives_way_to_the_visitor(page: Any) -> None:
    slider = page.get_by_label("Epsilon, share replaced as a slider")
    with touring(page, calm=False) as strip:
        wait_for_module(page, "web/store.js", "({ store }) => store.state.strength > 0 && store.state.strength < 0.5")
        assert state(page, "chosenReach") == 1
        page.get_by_role("button", name="Pause").click()
        assert strip.is_visible()
        page.get_by_role("button", name="Pause").click()
        wait_for_module(page, "web/store.js", "({ store }) => store.state.strength >= 0.5")
        slider.focus()
        page.keyboard.press("Home")
        strip.wait_for(state="hidden")
        wait_painted(page, "axial 3 0 resample 0")
    with touring(page, calm=False) as strip:
        page.keyboard.press("Escape")
        strip.wait_for(state="hidden")
        assert page.get_by_role("button", name="Try this").evaluate("one => one === document.activeElement")


def test_the_tour_ends_with_the_scan_that_it_was_begun_on(browser: Any, server: Server) -> None:
    with visit(browser, server) as page, touring(page, calm=False) as strip:
        page.locator("#case .shown").click()
        page.get_by_role("option", name="Phantom zoomed").click()
        strip.wait_for(state="hidden")


def test_the_tours_steps_are_those_whose_shares_were_measured(page: Any) -> None:
    steps = module(page, "page/tour_steps.js", "({ STEPS }) => STEPS.map(({ strength, isFar }) => [strength, isFar])")
    # tests/test_bundled_examples.py measures them.
    assert [tuple(step) for step in steps] == [(1, False), (0.4, True), (0.5, True)]


def test_the_long_list_of_formats_is_folded_and_what_becomes_of_files_is_not(page: Any) -> None:
    told = page.locator("#accepted")
    assert told.get_by_text("Files are deleted once read").is_visible()
    assert told.get_by_role("button", name="a folder").is_visible()
    assert not told.get_by_text("NIfTI").is_visible()
    told.locator("summary").focus()
    page.keyboard.press("Enter")
    told.get_by_text("NIfTI").wait_for()


SIDEBAR = "[...document.querySelectorAll('#sidebar .group-title p')].map((title) => title.innerText.trim().toUpperCase())"


def test_the_sidebar_has_what_one_looks_at_and_folds_the_rest_away(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    try:
        go(page, f"{server.url}/?seed=7&mode=shuffle&eps=0.5")
        wait_painted(page, "axial 3 0.5 shuffle 7")
        assert page.evaluate(SIDEBAR) == ["CASE", "YOUR OWN SCAN", "PERTURBATION", "VIEW", "OVERLAY"]
        fold = page.get_by_role("button", name="Advanced")
        assert fold.get_attribute("aria-expanded") == "false"
        # What a link sets there is told while it is folded away.
        assert "shuffle, seed 7" in fold.inner_text()
        for control in ("checkpoint", "mode", "seed", "window", "convention"):
            assert page.locator(f"#{control}").count() == 1
            assert not page.locator(f"#{control}").is_visible()
        fold.focus()
        page.keyboard.press("Enter")
        page.locator("#seed input").fill("0")
        page.get_by_label("Resample").check()
        wait_painted(page, "axial 3 0.5 resample 0")
        page.wait_for_function("document.querySelector('.fold small').textContent === ''")
        page.wait_for_url(lambda url: "seed=0" in url and "mode=resample" in url)
        # The fold stays as it is during the visit.
        page.reload()
        wait_painted(page, "axial 3 0.5 resample 0")
        page.locator("#seed").wait_for()
        assert page.get_by_role("button", name="Advanced").get_attribute("aria-expanded") == "true"
    finally:
        context.close()


def test_the_keys_of_folded_controls_work(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    try:
        go(page, server.url)
        wait_painted(page, "axial 3 0 resample 0")
        page.keyboard.press("r")
        wait_for_module(page, "web/store.js", "({ store }) => store.state.seed > 0")
    finally:
        context.close()
