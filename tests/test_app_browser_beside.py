"""The tab Compare in a real browser: two checkpoints on one scan, and two scans under one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import slide, state, visit, wait_until
from app_server import Server, fake_served, save_scan, save_truth, serving
from fake_segmenter import CLASSES, FakeSegmentedScan, FakeSegmenter
from perturb_page import canvas

from app.page.sidebar import OPACITY
from app.scan.planes import plane_views
from app.scan.render import greyscale, label_colours, overlay
from vqseg.data.scan import read_scan
from vqseg.inference import dice_by_class

MAGENTA, SKY = (216, 27, 154), (86, 180, 233)


class DarkerScan(FakeSegmentedScan):
    """The other checkpoint: it sees half of what lies darkest as background."""

    def perturb(self, *given: Any, **named: Any) -> Any:
        result = super().perturb(*given, **named)
        result.labels[: result.labels.shape[0] // 2] = 0
        return result


class DarkerSegmenter(FakeSegmenter):
    def open(self, scan: Any, progress: Any = None) -> FakeSegmentedScan:
        return DarkerScan(scan, self.classes, self.reach)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("examples")
    first = save_scan(folder / "phantom_small-heart.nii.gz")
    save_truth(first.with_name("phantom_small-heart_truth.nii.gz"), first)
    return [first, save_scan(folder / "phantom_other.nii.gz", seed=1, shape=(32, 40, 4))]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, paths: list[Path]) -> Iterator[Server]:
    first = fake_served("first", statistics=True)
    served = (first, type(first)("darker", "Darker", None, DarkerSegmenter()), fake_served("lungs", ("background", "nodule")))
    with serving(tmp_path_factory.mktemp("cache"), paths, *served) as running:
        yield running


def choose(page: Any, option: str) -> None:
    # The tab opens with something beside the scan.
    page.locator("[data-text=of-b]", has_text=re.compile(r"\w")).wait_for()
    page.get_by_label("What to compare with").select_option(label=option)


def test_two_checkpoints_lie_side_by_side_and_the_link_brings_both_back(browser: Any, compared: Server, paths: list[Path]) -> None:
    with visit(browser, compared) as page:
        slide(page, "strength", 0.5)
        page.get_by_role("tab", name="Compare").click()
        choose(page, "Lungs")
        page.get_by_text("only checkpoints of the same can be compared").wait_for()
        choose(page, "Darker")
        page.locator(".compare .dice td").first.wait_for()
        scan, reach = read_scan(paths[0]), state(page, "reach")
        one, other = (kind(scan).perturb(3, 0.5, reach=reach).labels for kind in (FakeSegmentedScan, DarkerScan))
        view = plane_views(scan)["axial"]
        a, b = view.orient(one), view.orient(other)
        dice = [row.locator("td").first.inner_text() for row in page.locator(".compare .dice tbody tr").all()]
        assert dice == [f"{score:.3f}" for score in dice_by_class(one, other, len(CLASSES)) if score is not None]
        drawn = canvas(page, ".compare [data-panel=difference] canvas")
        np.testing.assert_array_equal((drawn == MAGENTA).all(-1), (a != 0) & (b == 0))
        assert not ((drawn == SKY).all(-1) & (a != 0)).any()
        page.get_by_text("For 100 % of its tokens").wait_for()
        page.locator(".compare [data-panel=b] .stage").hover()
        page.get_by_text("where code").wait_for()
        wait_until(page, lambda: "beside=checkpoint%3Adarker" in page.url)
        address = page.url
    with visit(browser, compared, address, "axial 3 0.5 resample 0") as again:
        again.locator(".compare .dice td").first.wait_for()
        assert again.locator("[data-text=of-b]").inner_text() == "darker"


def test_two_scans_lie_side_by_side_without_what_needs_one_grid(browser: Any, compared: Server) -> None:
    with visit(browser, compared) as page:
        page.get_by_role("tab", name="Compare").click()
        choose(page, "Phantom other")
        page.locator("[data-text=of-b]", has_text="Phantom other · slice 2").wait_for()
        assert page.locator(".compare [data-panel=wipe]").is_hidden()
        assert page.locator(".compare .codes").is_hidden()
        slide(page, "slice", 5)
        page.locator("[data-text=of-b]", has_text="slice 3").wait_for()


def test_the_tab_opens_with_another_checkpoint_beside_each_scan(browser: Any, compared: Server) -> None:
    with visit(browser, compared) as page:
        page.get_by_role("tab", name="Compare").click()
        page.locator("[data-text=of-b]", has_text="darker").wait_for()
        assert page.get_by_label("What to compare with").input_value() == "checkpoint:darker"
        assert page.locator("[data-text=hint]").is_hidden()
        wait_until(page, lambda: "beside=checkpoint%3Adarker" in page.url)
        choose(page, "Phantom other")
        page.locator("[data-text=of-b]", has_text="Phantom other").wait_for()
        # Beside a new A comes what is usual for that one.
        page.locator("#case .shown").click()
        page.locator("#case").get_by_role("option", name="Phantom other").click()
        page.locator("[data-text=of-b]", has_text="darker").wait_for()
        assert page.locator(".compare [data-panel=difference]").is_visible()


def test_a_second_scan_of_ones_own_lies_beside_the_one_on_show(browser: Any, compared: Server, tmp_path: Path) -> None:
    mine = save_scan(tmp_path / "mine.nii.gz", seed=7, shape=(32, 40, 4))
    (tmp_path / "notes.nii.gz").write_bytes(b"no scan")
    with visit(browser, compared) as page:
        page.get_by_role("tab", name="Compare").click()
        page.locator("[data-text=of-b]", has_text="darker").wait_for()
        with page.expect_file_chooser() as choosing:
            page.locator(".compare").get_by_role("button", name="Your own scan").press("Enter")
        choosing.value.set_files(mine)
        page.locator("[data-text=of-b]", has_text="mine.nii.gz · slice 2").wait_for()
        chosen = page.get_by_label("What to compare with").locator("option:checked")
        assert chosen.inner_text() == "mine.nii.gz"
        # A link leads to no scan of a visitor's.
        wait_until(page, lambda: "beside" not in page.url)
        scan = FakeSegmentedScan(read_scan(mine))
        view = plane_views(scan.scan)["axial"]
        grey, labels = greyscale(view.cut(scan.normalised, 2)), view.orient(scan.perturb(2, 0.0).labels)
        expected = overlay(grey, labels, label_colours(len(CLASSES)), opacity=OPACITY)
        np.testing.assert_array_equal(canvas(page, ".compare [data-panel=b] canvas"), expected)
        # What is no scan changes nothing.
        page.locator(".compare input[type=file]").set_input_files(tmp_path / "notes.nii.gz")
        page.locator("[data-testid=toast-body]", has_text="notes.nii.gz").wait_for()
        assert chosen.inner_text() == "mine.nii.gz"
        assert page.locator("[data-text=of-b]").inner_text() == "mine.nii.gz · slice 2"


def test_both_scans_and_what_differs_fit_into_a_low_window(browser: Any, compared: Server) -> None:
    with visit(browser, compared) as page:
        page.get_by_role("tab", name="Compare").click()
        page.locator(".compare .dice td").first.wait_for()
        for part in (".choose", ".grid", ".legend", ".dice"):
            box = page.locator(f".compare {part}").bounding_box()
            assert box["y"] + box["height"] < page.locator("#disclaimer").bounding_box()["y"], part
        boxes = [one.bounding_box() for one in page.locator(".compare .choose > :visible").all()]
        middles = [box["y"] + box["height"] / 2 for box in boxes]
        assert max(middles) - min(middles) <= 2, "all that is chosen stands in one line"
