"""Files that a visitor sends and saves, in a real browser. Every wait is for a condition."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from app_browser import pick, pixels, slide, wait_painted
from app_server import OBLIQUE, Server, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan

from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import dice_by_class


def test_upload_shows_the_scan_and_download_gives_its_labels_on_its_grid(page: Any, server: Server, tmp_path: Path) -> None:
    """Ends as it began, by choosing the example again."""
    scan_file = save_scan(tmp_path / "mine.nii.gz", seed=9, shape=(32, 36, 8))
    page.locator("#upload input[type=file]").set_input_files(scan_file)
    page.get_by_role("heading", name="mine.nii.gz").wait_for()
    wait_painted(page, "axial 4 0 resample 0")
    assert not list(server.cache.rglob("mine.nii.gz"))
    with page.expect_download() as downloading:
        page.get_by_text("Save labels as NIfTI").click()
    saved = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(saved)
    assert saved.name == "mine_labels.nii.gz"
    labels = nib.load(saved)
    np.testing.assert_allclose(labels.affine, OBLIQUE, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(labels.dataobj), FakeSegmentedScan(read_scan(scan_file)).labels)
    pick(page, "case", "Phantom small heart")
    page.get_by_role("heading", name="Phantom small heart").wait_for()


def test_a_wrong_file_is_explained_and_the_former_scan_stays(page: Any, tmp_path: Path) -> None:
    before = pixels(page, "labels")
    wrong = tmp_path / "letter.pdf"
    wrong.write_bytes(b"%PDF-1.7 no scan")
    page.locator("#upload input[type=file]").set_input_files(wrong)
    toast = page.locator('[data-testid="toast-body"]')
    toast.wait_for()
    assert re.search(r"letter\.pdf is of an unknown type; accepted: NIfTI", toast.inner_text())
    assert str(tmp_path) not in toast.inner_text()
    assert toast.inner_text().startswith("Error")
    np.testing.assert_array_equal(pixels(page, "labels"), before)
    slide(page, "slice", 1)
    wait_painted(page, "axial 1 0 resample 0")
    page.locator("#upload input[type=file]").wait_for(state="attached")


def test_dice_against_the_truth_is_that_of_the_picture_on_show(page: Any, example: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    labels = FakeSegmentedScan(read_scan(example)).perturb(3, 0.5).labels
    truth = read_labels(example.with_name("phantom_small-heart_truth.nii.gz"))[:, :, 3]
    scores = dice_by_class(labels, truth, len(CLASSES))
    shown = [re.findall(r"[A-Z]+|[\d.]+", text) for text in page.locator("[data-text=truth] span").all_inner_texts()]
    assert shown == [[name, f"{dice:.2f}"] for name, dice in zip(CLASSES[1:], scores, strict=True)]


def test_a_truth_beside_an_own_scan_gives_dice_and_one_of_another_grid_is_refused(page: Any, tmp_path: Path) -> None:
    assert not page.locator("#truth").is_visible()
    scan = save_scan(tmp_path / "mine.nii.gz", seed=3)
    truth = save_truth(tmp_path / "truth.nii.gz", scan)
    other = save_truth(tmp_path / "small.nii.gz", save_scan(tmp_path / "other.nii.gz", shape=(16, 16, 3)))
    page.locator("#upload input[type=file]").set_input_files(scan)
    page.get_by_role("heading", name="mine.nii.gz").wait_for()
    page.locator(".figures .truth").wait_for(state="hidden")
    page.locator("#truth input[type=file]").set_input_files(other)
    toast = page.locator('[data-testid="toast-body"]', has_text="small.nii.gz has 16 × 16 × 3 voxels; the scan mine.nii.gz has 40 × 48 × 6")
    toast.wait_for()
    # The control is emptied after the refusal; a file that came before would join the refused one.
    page.wait_for_function("!document.querySelector('#truth').innerText.includes('small')")
    page.locator("#truth input[type=file]").set_input_files(truth)
    page.locator(".figures .truth").wait_for()
    assert page.locator("[data-text=truth] span").count() == 3
    pick(page, "case", "Phantom small heart")
    page.get_by_role("heading", name="Phantom small heart").wait_for()
