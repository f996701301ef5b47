"""A picture in colour in the browser: in colour, by single channels, and by a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import PIXELS, go, visit, wait_painted
from app_server import serving
from coloured import coloured
from PIL import Image

from app.scan.models import load_served
from tests.tiny import tiny_model
from vqseg.checkpoint import save_model
from vqseg.config import PreprocessConfig, ReadsConfig
from vqseg.models.vqseg import VQSeg

_PAINTED = "axial 0 0 resample 0"


def _pixels(page: Any, panel: str) -> np.ndarray:
    """(rows, columns, 3) of a picture on the page."""
    rows, columns, *values = page.evaluate(PIXELS, panel)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def _wait_for(page: Any, expected: np.ndarray, panel: str = "image") -> None:
    """Until a panel is this picture. It fails with the pixels if it never is."""
    wanted = f"([name, sum]) => ({PIXELS})(name).slice(2).reduce((all, one) => all + one, 0) === sum"
    page.wait_for_function(wanted, arg=[panel, int(expected.sum()) + 255 * expected.shape[0] * expected.shape[1]])
    np.testing.assert_array_equal(_pixels(page, panel), expected)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "examples").mkdir()
    path = tmp_path / "examples" / "polyp.png"
    Image.fromarray(coloured(3)[0]).save(path)
    return path


def test_a_picture_is_in_colour_until_a_channel_is_picked_and_the_link_reproduces_it(browser: Any, tmp_path: Path, picture: Path) -> None:
    config = tiny_model(in_channels=3, classes=("background", "disc")).config
    preprocess = PreprocessConfig(intensity="window", window=(0, 255), image_side=None)
    save_model(VQSeg(config, preprocess, ReadsConfig(channels=("red", "green", "blue"))), tmp_path / "rgb")
    stored = np.asarray(Image.open(picture))
    green = np.repeat(stored[..., 1:2], 3, -1)
    served = load_served("rgb", "rgb", tmp_path / "rgb")
    with serving(tmp_path / "cache", [picture], served) as server, visit(browser, server, f"{server.url}?eps=0", _PAINTED) as page:
        _wait_for(page, stored)
        page.locator("#channel").get_by_text("Green", exact=True).click()
        _wait_for(page, green)
        page.wait_for_function("() => new URLSearchParams(location.search).get('channel') === '1'")
        reconstruction = _pixels(page, "reconstruction")
        np.testing.assert_array_equal(reconstruction[..., 0], reconstruction[..., 2])
        go(page, page.url)
        wait_painted(page, _PAINTED)
        _wait_for(page, green)
        assert page.locator("#channel input:checked").get_attribute("value") == "1"


def test_labels_are_painted_on_the_colours_or_on_the_channel_that_is_picked(browser: Any, tmp_path: Path, picture: Path) -> None:
    config = tiny_model(in_channels=3, classes=("background", "disc")).config
    preprocess = PreprocessConfig(intensity="window", window=(0, 255), image_side=None)
    save_model(VQSeg(config, preprocess, ReadsConfig(channels=("red", "green", "blue"))), tmp_path / "rgb")
    stored = np.asarray(Image.open(picture))
    served = load_served("rgb", "rgb", tmp_path / "rgb")
    with serving(tmp_path / "cache", [picture], served) as server, visit(browser, server, f"{server.url}?eps=0", _PAINTED) as page:
        page.get_by_role("tab", name="Label").click()
        page.locator("#label [data-do=empty]").click()
        _wait_for(page, stored, "corrected")
        page.locator("#channel").get_by_text("Green", exact=True).click()
        _wait_for(page, np.repeat(stored[..., 1:2], 3, -1), "corrected")
        page.locator("#label [data-do=next]").click()
        page.locator("#label [data-text=proposal]").filter(has_text="No slice is left").wait_for()
