"""The legend on the segmentation and the table of results, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import reset, slide, state, wait_painted, wait_until
from fake_segmenter import CLASSES, FakeSegmentedScan
from PIL import Image

from app.scan.planes import plane_views
from vqseg.data.scan import read_scan

# In the window's pixels. None while it hides.
KEY = """() => {
  const key = document.querySelector(".viewer .key"), { x, y, width, height } = key.getBoundingClientRect();
  const stage = key.parentElement.getBoundingClientRect();
  const inside = x >= stage.x && y >= stage.y && x + width <= stage.right && y + height <= stage.bottom;
  return { seen: getComputedStyle(key).visibility === "visible", inside, x, y, width, height, said: key.innerText || key.textContent };
}"""
# Labelled pixels that lie below the legend, of the canvas itself.
BELOW = """() => {
  const key = document.querySelector(".viewer .key").getBoundingClientRect(), canvas = document.querySelector("[data-panel=labels] canvas");
  const box = canvas.getBoundingClientRect(), data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let row = 0; row < canvas.height; row++) for (let column = 0; column < canvas.width; column++) {
    const x = box.x + (column + .5) / canvas.width * box.width, y = box.y + (row + .5) / canvas.height * box.height;
    const at = 4 * (row * canvas.width + column), isGrey = data[at] === data[at + 1] && data[at] === data[at + 2];
    if (!isGrey && x > key.left && x < key.right && y > key.top && y < key.bottom) found++;
  }
  return found;
}"""


def legend(page: Any) -> Any:
    return page.evaluate(KEY)


def sizes(example: Path, strength: float = 0, reach: float | None = None) -> list[str]:
    scan = read_scan(example)
    labels = FakeSegmentedScan(scan).perturb_volume(strength, "resample", 0, reach=reach).labels
    # The axes of this scan are not at right angles.
    millilitres = abs(np.linalg.det(scan.affine[:3, :3])) / 1000
    found = [float((labels == label).sum() * millilitres) for label in range(1, len(CLASSES))]
    return [f"{size:.0f} ml" if size >= 10 or size == 0 else f"{size:.1f} ml" for size in found]


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (390, 844)], ids=lambda size: str(size[0]))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_legend_is_on_the_picture_and_covers_no_structure(page: Any, size: tuple[int, int], scheme: str) -> None:
    former = page.viewport_size
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        # On a small picture no corner may be free.
        least = size[0] == 1920
        wait_until(page, lambda: legend(page)["inside"] and page.evaluate(BELOW) == 0 if legend(page)["seen"] else not least)
        assert "Right ventricle" in legend(page)["said"]
    finally:
        page.set_viewport_size(former)
        page.emulate_media(color_scheme="light")


def test_the_legend_tells_the_sizes_of_the_whole_scan_and_hides_with_the_overlay(page: Any, example: Path) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    try:
        for size in sizes(example):
            page.wait_for_function("size => document.querySelector('.viewer .key').innerText.includes(size)", arg=size)
        assert "ε" not in legend(page)["said"]
        slide(page, "strength", 0.5)
        wait_painted(page, "axial 3 0.5 resample 0")
        assert legend(page)["said"].endswith("whole scan, ε = 0")
        page.get_by_label("RV").uncheck()
        page.wait_for_function("!document.querySelector('.viewer .key').innerText.includes('Right ventricle')")
        page.get_by_label("Show overlay").uncheck()
        wait_until(page, lambda: not legend(page)["seen"])
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})
        reset(page)


def test_a_legend_that_would_cover_a_structure_moves_or_hides_and_comes_back(page: Any) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    try:
        wait_until(page, lambda: legend(page)["seen"])
        for _ in range(8):
            page.keyboard.press("+")
            wait_until(page, lambda: not legend(page)["seen"] or page.evaluate(BELOW) == 0)
        page.keyboard.press("x")
        wait_until(page, lambda: legend(page)["seen"] and page.evaluate(BELOW) == 0)
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_the_results_open_by_one_press_and_are_copied_as_a_table(page: Any, example: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    button = page.get_by_role("button", name="Results", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Results of the whole scan")
    panel.locator("tbody tr").first.wait_for()
    heads = panel.locator("thead th").all_inner_texts()
    assert heads == ["Structure", "Volume, ε = 0", "Volume, ε = 0.50", "Dice vs ε = 0", "Dice vs truth"]
    cells = [row.locator("td").all_inner_texts() for row in panel.locator("tbody tr").all()]
    assert [row[0] for row in cells] == sizes(example)
    assert [row[1] for row in cells] == sizes(example, 0.5, state(page, "reach"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Copy").click()
    panel.get_by_role("button", name="Copied").wait_for()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert [line.split("\t")[1:] for line in lines[1:]] == cells
    assert lines[0].split("\t") == heads
    with page.expect_download() as downloading:
        panel.get_by_role("button", name="Label map").click()
    assert downloading.value.suggested_filename == "Phantom_small_heart_axial3_map.png"
    drawn = np.asarray(Image.open(downloading.value.path()))
    view, segmented = plane_views(read_scan(example))["axial"], FakeSegmentedScan(read_scan(example))
    np.testing.assert_array_equal(drawn, view.orient(segmented.perturb(3, 0.5, reach=state(page, "reach")).labels))
    # It lies within the window, whatever came late.
    box = panel.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert button.evaluate("one => one === document.activeElement")


def test_on_a_phone_all_columns_of_the_results_are_in_sight(page: Any) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        page.get_by_role("button", name="Results", exact=True).click()
        page.locator("#results thead th").nth(4).wait_for()
        width, room = page.evaluate(
            "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector('#results .scroll'))"
        )
        assert width == room
    finally:
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 1280, "height": 720})
        reset(page)
