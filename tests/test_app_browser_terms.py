"""Terms explained where they stand, in a real browser: by pointer, tap and keyboard, and without many stops of the Tab key."""

from __future__ import annotations

from typing import Any

import pytest

from app.web.glossary import terms

# By part of the page, the terms that the Tab key stops at.
STOPS = """() => {
  const parts = [...document.querySelectorAll("#sidebar, #title, #cine, [data-view], [role=tabpanel]")];
  return [...document.querySelectorAll("[data-term][tabindex]")].map((one) => {
    const at = parts.findLastIndex((part) => part.contains(one));
    return [parts[at].id || at, one.dataset.term];
  });
}"""


def tip(page: Any) -> Any:
    return page.locator("#term")


@pytest.fixture
def psnr(page: Any) -> Any:
    page.keyboard.press("Escape")
    page.mouse.move(2, 2)
    tip(page).wait_for(state="hidden")
    return page.locator(".viewer [data-term=psnr]")


def test_the_pointer_over_a_term_explains_it_and_may_go_to_the_explanation(page: Any, psnr: Any) -> None:
    psnr.hover()
    tip(page).wait_for()
    assert terms()["psnr"]["text"] in tip(page).inner_text()
    tip(page).hover()
    assert tip(page).is_visible()
    page.mouse.move(2, 2)
    tip(page).wait_for(state="hidden")


def test_the_keyboard_explains_a_term_and_escape_closes_that_alone(page: Any, psnr: Any) -> None:
    page.keyboard.press("f")
    page.locator("figure[data-chosen]").wait_for()
    # The last stop before it is another term of the same line.
    page.locator(".viewer [data-term=dice]").focus()
    while not psnr.evaluate("one => one === document.activeElement"):
        page.keyboard.press("Tab")
    tip(page).wait_for()
    described = psnr.evaluate("one => document.getElementById(one.getAttribute('aria-describedby')).textContent")
    assert terms()["psnr"]["text"] in described
    assert psnr.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    tip(page).wait_for(state="hidden")
    assert page.locator("figure[data-chosen]").count() == 1
    assert psnr.evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    tip(page).wait_for()
    page.keyboard.press("Tab")
    tip(page).wait_for(state="hidden")
    page.keyboard.press("Escape")
    assert page.locator("figure[data-chosen]").count() == 0


def test_a_tap_on_a_label_explains_it_and_leaves_its_control_alone(page: Any, psnr: Any) -> None:
    label = page.locator("#strength [data-term=epsilon]")
    label.click()
    tip(page).wait_for()
    assert "probability that a token is replaced" in tip(page).inner_text()
    assert not page.locator("#strength input").first.evaluate("one => one === document.activeElement")
    box = tip(page).bounding_box()
    assert box["x"] >= 0
    page.locator(".viewer h2").click()
    tip(page).wait_for(state="hidden")


def test_each_part_of_the_page_has_one_stop_a_term(page: Any) -> None:
    for tab in ("Perturb", "Codebook", "See"):
        page.get_by_role("tab", name=tab).click()
    stops = [tuple(stop) for stop in page.evaluate(STOPS)]
    assert len(stops) == len(set(stops))
    assert ("sidebar", "epsilon") in stops
    # Every term on show has a place where the keyboard finds it.
    every = page.evaluate("() => [...new Set([...document.querySelectorAll('[data-term]')].map((one) => one.dataset.term))]")
    assert {term for _, term in stops} == set(every)


def test_what_is_explained_on_a_phone_lies_within_its_window(page: Any, psnr: Any) -> None:
    former = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        psnr.scroll_into_view_if_needed()
        psnr.click()
        tip(page).wait_for()
        box = tip(page).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] >= 0
    finally:
        page.keyboard.press("Escape")
        page.set_viewport_size(former)
