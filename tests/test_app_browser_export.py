"""The tab Export in a real browser. Every wait is for a condition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from app_browser import slide, wait_painted
from fake_segmenter import FakeSegmentedScan

from vqseg.data.scan import read_scan


def test_what_is_on_the_screen_is_saved_with_one_click_each(page: Any, example: Path, tmp_path: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Export").click()
    page.wait_for_selector(".export[data-shown='axial 3 0.5 resample 0 0']")
    assert "strength=0.5, mode='resample', seed=0" in page.locator(".export [data-text=python]").inner_text()
    names = {"tokens": "_axial3_tokens.csv", "configuration": "_axial3.json", "png": "_axial3.png", "svg": "_axial3.svg"}
    for kind, ending in names.items():
        with page.expect_download() as downloading:
            page.locator(f".export [data-kind={kind}]").click()
        assert downloading.value.suggested_filename == f"Phantom_small_heart{ending}"
        downloading.value.save_as(tmp_path / kind)
    result = FakeSegmentedScan(read_scan(example)).perturb(3, 0.5)
    table = np.loadtxt(tmp_path / "tokens", int, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table[:, 3], result.indices.ravel())
    assert json.loads((tmp_path / "configuration").read_text())["epsilon"] == 0.5
