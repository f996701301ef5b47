"""What See says of a scan that the checkpoint does not know, and of slices on which nothing was found, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_browser import module, slide, state, visit, wait_painted, wait_state
from app_server import OBLIQUE, Server, save_scan, serving
from fake_segmenter import CLASSES, FakeSegmentedScan, FakeSegmenter

from app.scan.fitting import fitting_checkpoint
from app.scan.models import Served
from app.scan.open_scan import OpenScan
from vqseg.codebook import Reference
from vqseg.codebook.familiarity import TrainingScan, fit, measure
from vqseg.config import ReadsConfig
from vqseg.data.scan import read_scan
from vqseg.types import Scan


def save_noise(path: Path, seed: int = 0, empty: int = 0) -> Path:
    """A scan without any anatomy, whose first slices are dark."""
    values = np.random.default_rng(seed).integers(0, 900, (40, 48, 6)).astype(np.int16)
    values[..., :empty] = 0
    nib.Nifti1Image(values, OBLIQUE).to_filename(path)
    return path


def training_scan(scan: Scan, patient: str) -> TrainingScan:
    inverted = Scan(scan.voxels.max() - scan.voxels, scan.affine, scan.spacing, scan.name)
    return TrainingScan(patient, measure(FakeSegmentedScan(scan)), {}, measure(FakeSegmentedScan(inverted)).texture)


def reference_of(own: list[Scan], others: list[Scan]) -> Reference:
    strange = np.concatenate([measure(FakeSegmentedScan(scan)).texture for scan in others])
    return fit([training_scan(scan, str(index)) for index, scan in enumerate(own)], {"other scans": strange}, source="", key="")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served, Served]:
    """One checkpoint knows ellipses and another one noise; the third has no reference."""
    folder = tmp_path_factory.mktemp("training")
    ellipses = [read_scan(save_scan(folder / f"ellipses{seed}.nii.gz", seed + 50)) for seed in range(8)]
    noise = [read_scan(save_noise(folder / f"noise{seed}.nii.gz", seed + 50, empty=seed % 3)) for seed in range(8)]
    second = FakeSegmenter(("background", "nodule"))
    second.reads = ReadsConfig(modality="noise")
    knows_noise = Served("second", "Second", None, second, reference=reference_of(noise, ellipses))
    silent = Served("third", "Third", None, FakeSegmenter())
    first = FakeSegmenter(CLASSES)
    knows_ellipses = Served(
        "first", "First", None, first, reference=reference_of(ellipses, noise), others=lambda: (silent, knows_noise)
    )  # fmt: skip
    return knows_ellipses, knows_noise, silent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, served: tuple[Served, ...], example: Path) -> Iterator[Server]:
    strange = save_noise(example.with_name("strange.nii.gz"), empty=2)
    with serving(tmp_path_factory.mktemp("cache"), [example, strange], *served) as running:
        yield running


STRANGE = "?case=Strange"


def test_the_checkpoint_that_knows_a_scan_is_found_once(served: tuple[Served, ...], tmp_path: Path) -> None:
    strange = read_scan(save_noise(tmp_path / "noise.nii.gz"))
    scan = OpenScan(FakeSegmentedScan(strange), served[0])
    assert scan.familiarity.verdict == "foreign"
    assert fitting_checkpoint(scan) is served[1]
    known = OpenScan(FakeSegmentedScan(read_scan(save_scan(tmp_path / "ellipses.nii.gz", 3))), served[0])
    assert known.familiarity.verdict == "known" and known.familiarity.reasons == ()


def test_a_known_scan_shows_no_banner(browser: Any, server: Server) -> None:
    with visit(browser, server) as page:
        assert state(page, "scan.familiarity.verdict") == "known"
        assert not page.locator(".known").is_visible() and not page.locator("[data-text=unchecked]").is_visible()


def test_a_foreign_scan_has_a_banner_that_stays_and_its_button_opens_the_checkpoint_that_fits(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/{STRANGE}") as page:
        banner = page.get_by_role("alert").filter(has_text="does not know such scans")
        banner.wait_for()
        told = state(page, "scan.familiarity")
        assert told["verdict"] == "foreign" and told["reasons"]
        assert told["reasons"][0].split(":")[0][1:] in banner.inner_text()
        below = page.locator(".panels").bounding_box()
        assert banner.bounding_box()["y"] < below["y"]
        slide(page, "slice", 4)
        wait_painted(page, "axial 4 0 resample 0")
        assert banner.is_visible()
        page.get_by_role("button", name="Open with Second").click()
        wait_state(page, "scan.checkpoint", "second")
        # It stays on the slice that was shown.
        wait_painted(page, "axial 4 0 resample 0")
        assert state(page, "scan.familiarity.verdict") == "known"
        banner.wait_for(state="hidden")
        assert page.locator("#checkpoint input").input_value() == "Second"


def test_the_details_show_every_slice_and_the_training_range(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/{STRANGE}") as page:
        page.locator(".known summary").click()
        told = state(page, "scan.familiarity")
        assert page.locator(".known .far-strip i").count() == 6 == len(told["slices"])
        assert page.locator(".known .far-strip i.far").count() == sum(far > 1 for far in told["slices"])
        rows = page.locator(".known tbody tr").all_inner_texts()
        assert [row.split("\t")[0] for row in rows] == [figure[0] for figure in told["figures"]]
        assert "Reconstruction" in rows[0] and rows[0].count("dB") == 2


def test_a_checkpoint_without_a_reference_says_so_quietly(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/{STRANGE}&checkpoint=third") as page:
        page.locator("[data-text=unchecked]").wait_for()
        assert not page.locator(".known").is_visible()


def test_a_slice_without_any_structure_says_so_and_leads_to_the_first_one_that_has(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/{STRANGE}&slice=0", "axial 0 0 resample 0") as page:
        line = page.locator(".nothing")
        line.wait_for()
        assert line.locator("span").inner_text() == "No structure on this slice."
        assert state(page, "scan.planes.axial.first") == 2
        line.get_by_role("button", name="Go to slice 2").click()
        wait_painted(page, "axial 2 0 resample 0")
        assert not line.is_visible()


def test_a_scan_without_any_structure_says_so(browser: Any, server: Server) -> None:
    with visit(browser, server) as page:
        words = "({ nothingFound }, [classes, count, first]) => nothingFound({ classes }, { count, first })"
        assert [
            module(page, "tabs/see/nothing.js", words, one)
            for one in (
                [["background", "nodule"], 1, None],
                [["background", "RV", "LV"], 9, None],
                [["background", "RV", "LV"], 9, 3],
            )
        ] == ["No lung nodule was found in this picture.", "No structure was found in this scan.", "No structure on this slice."]
