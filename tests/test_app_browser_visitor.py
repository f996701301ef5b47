"""What a first visitor meets, in a real browser: the page's top, the tour, the upload's words, the sidebar's two parts, terms."""

from __future__ import annotations

from typing import Any

import pytest

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
