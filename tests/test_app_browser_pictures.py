"""The size of See's pictures, in a real browser: they take the free room, and one of them the whole of it."""

from __future__ import annotations

from typing import Any

import pytest
from app_browser import module, slide, wait_painted, wait_until

BOXES = """() => Object.fromEntries([...document.querySelectorAll(".viewer .stage, .viewer .keys, #disclaimer")].map((part) => {
  const { top, bottom, width, height } = part.getBoundingClientRect();
  return [part.closest("[data-panel]")?.dataset.panel ?? part.id, { top, bottom, width, height }];
}).map(([name, box]) => [name || "keys", box]))"""
ROOM = "({ layoutIn }, [width, height, ratio]) => layoutIn(width, height, ratio)"


def chosen(page: Any) -> str | None:
    figure = page.locator("figure[data-chosen]")
    return figure.get_attribute("data-panel") if figure.count() else None


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ((1540, 730, 1), "pair"),
        ((1540, 610, 0.8), "pair"),
        ((898, 401, 1), "row"),
        ((1100, 1400, 1), "square"),
        ((1540, 300, 1), "row"),
        ((898, 120, 1), None),
    ],
)
def test_the_layout_is_the_one_with_the_largest_pictures_in_the_room(page: Any, room: tuple[int, int, float], name: str | None) -> None:
    layout = module(page, "tabs/see/room.js", ROOM, list(room))
    assert (layout and layout["name"]) == name
    if layout:
        across = {"row": 4, "square": 2, "pair": 2}[name or ""]
        assert across * layout["height"] * layout["frame"] <= room[0]
        assert (2 if name == "square" else 1) * layout["height"] < room[1]


def test_a_large_window_gives_its_room_to_the_pictures_and_a_slider_moves_nothing(page: Any) -> None:
    small = page.evaluate(BOXES)["labels"]["width"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    wait_until(page, lambda: page.evaluate(BOXES)["labels"]["width"] > 2 * small)
    boxes = page.evaluate(BOXES)
    assert boxes["keys"]["bottom"] <= boxes["disclaimer"]["top"]
    assert boxes["reconstruction"] == boxes["labels"]
    slide(page, "strength", 0.8)
    wait_painted(page, "axial 3 0.8 resample 0")
    assert page.evaluate(BOXES) == boxes


def test_a_picture_is_enlarged_by_its_key_its_button_and_a_double_click(page: Any) -> None:
    stage = page.locator("[data-panel=reconstruction] .stage")
    stage.hover()
    page.keyboard.press("f")
    assert chosen(page) == "reconstruction"
    assert not page.locator("[data-panel=image]").is_visible()
    page.keyboard.press("Escape")
    assert chosen(page) is None
    assert page.locator("[data-panel=image]").is_visible()
    stage.dblclick()
    assert chosen(page) == "reconstruction"
    stage.dblclick()
    assert chosen(page) is None
    button = page.get_by_role("button", name="Enlarge the input")
    button.focus()
    page.keyboard.press("Enter")
    assert (chosen(page), button.get_attribute("aria-pressed")) == ("image", "true")
    page.keyboard.press("f")
    assert chosen(page) is None
    assert button.evaluate("button => button === document.activeElement")


def test_a_double_click_takes_a_zoom_back_before_it_enlarges(page: Any) -> None:
    stage = page.locator("[data-panel=labels] .stage")
    page.keyboard.press("+")
    assert module(page, "web/zoom.js", "({ zoom }) => zoom.level()") > 1
    stage.dblclick()
    assert (module(page, "web/zoom.js", "({ zoom }) => zoom.level()"), chosen(page)) == (1, None)
