"""The profile of the slices under the pictures of See, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app_browser import slide, state, wait_painted, wait_state, wait_until
from fake_segmenter import FakeSegmentedScan

from vqseg.data.scan import read_scan
from vqseg.inference import label_agreement


def test_the_worst_slice_is_one_key_away_and_every_slice_by_its_bar(page: Any, example: Path) -> None:
    slide(page, "strength", 0.7)
    wait_painted(page, "axial 3 0.7 resample 0")
    profile = page.locator(".profile")
    profile.locator("select").select_option("clean")
    segmented = FakeSegmentedScan(read_scan(example))
    labels = segmented.perturb_volume(0.7, "resample", 0, reach=state(page, "reach")).labels
    dice = [label_agreement(labels[..., index], segmented.labels[..., index]) for index in range(labels.shape[2])]
    worst = dice.index(min(dice))
    profile.get_by_text(f"Worst: slice {worst}, Dice {dice[worst]:.3f}").wait_for()
    page.locator(".viewer h2").click()
    page.keyboard.press("w")
    wait_state(page, "index", worst)
    bars = profile.get_by_label("Slice, with its score")
    assert bars.get_attribute("aria-valuetext") == f"Slice {worst}: Dice {dice[worst]:.3f}"
    box = bars.bounding_box()
    bars.click(position={"x": box["width"] * 1.5 / len(dice), "y": box["height"] / 2})
    wait_state(page, "index", 1)
    page.keyboard.press("ArrowRight")
    wait_state(page, "index", 2)
    wait_until(page, lambda: "profile=clean" in page.url)
    # Another epsilon, another profile; at epsilon 0 nothing changes.
    slide(page, "strength", 0)
    profile.get_by_text("No slice changes").wait_for()
    assert profile.get_by_role("button", name="Worst slice").is_disabled()
