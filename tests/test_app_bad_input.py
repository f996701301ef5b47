"""Bad and odd files through the page, in a real browser: each is explained or shown rightly, and the page goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_browser import pick, pixels, slide, state, visit, wait_for_module, wait_painted, wait_until
from app_server import Server, save_scan, save_truth, serving
from bad_files import ACCEPTED, REFUSED, nifti, voxels
from fake_segmenter import CLASSES, FakeSegmentedScan, PausedSegmenter

from app.page.sidebar import OPACITY
from app.scan.models import Served
from app.scan.planes import plane_views
from app.scan.render import greyscale, label_colours, overlay
from app.visit.session import DEFAULT_CACHE_BYTES
from vqseg.data.scan import read_scan
from vqseg.types import Array

TOAST = '[data-testid="toast-body"]'
LARGE = (512, 512, 400)


@pytest.fixture(scope="module")
def shown(browser: Any, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One page for all bad files, with an own scan: the one that is to stay."""
    with visit(browser, server) as page:
        send(page, save_scan(tmp_path_factory.mktemp("own") / "mine.nii.gz", seed=8))
        page.get_by_role("heading", name="mine.nii.gz").wait_for()
        wait_painted(page, "axial 3 0 resample 0")
        yield page


def send(page: Any, path: Path) -> None:
    page.locator("#upload input[type=file]").wait_for(state="attached")
    page.locator("#upload input[type=file]").set_input_files(path)


def close_toasts(page: Any) -> None:
    # Not by the pointer: a toast may close itself between the look and the click.
    page.evaluate("toast => document.querySelectorAll(`${toast} button`).forEach((button) => button.click())", TOAST)
    page.wait_for_selector(TOAST, state="detached")


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_explained_and_the_former_scan_stays(shown: Any, server: Server, tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    # The app does not repeat the name of a DICOM file.
    message = message.replace("slice.dcm", "your upload.dcm")
    token = state(shown, "scan.token")
    send(shown, make(tmp_path / name))
    toast = shown.locator(TOAST, has_text=message)
    toast.wait_for()
    assert toast.inner_text().startswith("Error")
    assert str(server.cache) not in toast.inner_text()
    wait_until(shown, lambda: not list(server.cache.rglob(name)))
    close_toasts(shown)
    assert state(shown, "scan.token") == token
    for index in (1, 3):
        slide(shown, "slice", index)
        wait_painted(shown, f"axial {index} 0 resample 0")


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_scan_is_shown_as_it_lies_and_saved_on_its_own_grid(shown: Any, tmp_path: Path, name: str) -> None:
    path = ACCEPTED[name](tmp_path / name)
    scan = read_scan(path)
    segmented = FakeSegmentedScan(scan)
    views = plane_views(scan)
    plane = next(one for one, view in views.items() if view.axis == segmented.axis)
    view, middle = views[plane], views[plane].count // 2
    slide(shown, "strength", 0)
    send(shown, path)
    shown.get_by_role("heading", name=name).wait_for()
    # The scan before may have been painted at the same place.
    wait_for_module(shown, "web/frames.js", "({ frames }, token) => frames.shown.request.token === token", state(shown, "scan.token"))
    wait_painted(shown, f"{plane} {middle} 0 resample 0")
    grey, labels = greyscale(view.cut(segmented.normalised, middle)), view.cut(segmented.labels, middle)
    np.testing.assert_array_equal(pixels(shown, "labels"), overlay(grey, labels, label_colours(len(CLASSES)), opacity=OPACITY))
    assert shown.locator("[data-panel=image] .stage i").all_inner_texts() == list(view.letters)
    slide(shown, "strength", 0.5)
    wait_painted(shown, f"{plane} {middle} 0.5 resample 0")
    shown.locator("#saved-as label", has_text="NIfTI").click()
    shown.get_by_text("Save labels as NIfTI").wait_for()
    with shown.expect_download() as downloading:
        shown.get_by_text("Save labels as NIfTI").click()
    saved = nib.load(downloading.value.path().rename(tmp_path / "labels.nii.gz"))
    np.testing.assert_array_equal(np.asarray(saved.dataobj).reshape(scan.shape), segmented.labels)
    expected = nib.load(path).affine if name.endswith(".nii.gz") else scan.affine
    np.testing.assert_allclose(saved.affine, expected, atol=1e-4)
    assert shown.locator(TOAST).count() == 0


@pytest.mark.parametrize(
    ("shape", "affine", "top", "message"),
    [
        ((16, 16, 3), None, 3, "truth.nii.gz has 16 × 16 × 3 voxels; the scan mine.nii.gz has 40 × 48 × 6"),
        ((40, 48, 6), np.eye(4), 3, "truth.nii.gz lies elsewhere than mine.nii.gz"),
        ((40, 48, 6), None, 9, "truth.nii.gz does not fit this model; expected whole numbers from 0 to 3 (background, RV, MYO, LV)"),
    ],
)
def test_labels_that_do_not_fit_are_explained_and_the_next_ones_may(
    shown: Any, tmp_path: Path, shape: tuple[int, int, int], affine: Array | None, top: int, message: str
) -> None:
    scan = save_scan(tmp_path / "again.nii.gz", seed=8)
    # Opened to the end: with the scan the place for its truth comes anew.
    former = state(shown, "scan.token")
    send(shown, save_scan(tmp_path / "mine.nii.gz", seed=8))
    wait_until(shown, lambda: state(shown, "scan.token") != former)
    labels = np.random.default_rng(0).integers(0, top + 1, shape).astype(np.uint8)
    zone = shown.locator("#truth input[type=file]")
    zone.wait_for(state="attached")
    zone.set_input_files(nifti(tmp_path / "truth.nii.gz", labels, nib.load(scan).affine if affine is None else affine))
    shown.locator(TOAST, has_text=message).wait_for()
    close_toasts(shown)
    assert not shown.locator(".figures .truth").is_visible()
    zone.wait_for(state="attached")
    zone.set_input_files(save_truth(tmp_path / "fits.nii.gz", scan))
    shown.locator(".figures .truth").wait_for()
    send(shown, save_scan(tmp_path / "mine.nii.gz", seed=8))
    shown.locator(".figures .truth").wait_for(state="hidden")


def largest_process_size() -> float:
    """MiB that this process, in which the server runs, has had at most since the last call of forget_largest."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def forget_largest() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def test_a_large_ct_is_read_within_bounds_tells_its_progress_and_can_be_cancelled(browser: Any, example: Path, tmp_path: Path) -> None:
    paused = PausedSegmenter()
    # The same slice over and over: what counts is the size, and that gzip is quick.
    ct = tmp_path / "ct.nii.gz"
    nifti(ct, np.broadcast_to((4 * voxels((512, 512, 1)).astype(np.int32) - 1000).astype(np.int16), LARGE), np.diag([-0.7, -0.7, 1.0, 1.0]))
    served = Served("first", "First", None, paused)
    with (
        serving(tmp_path / "cache", [example], served, byte_cap=DEFAULT_CACHE_BYTES) as running,
        visit(browser, running) as page,
        paused.pause(),
    ):
        token = state(page, "scan.token")
        forget_largest()
        before = largest_process_size()
        send(page, ct)
        strip = page.locator("#opening .opening")
        strip.get_by_text("reading the file").wait_for()
        strip.get_by_text("encoding the slices 40 %").wait_for(timeout=150_000)
        # float32 voxels are 400 MiB; nothing else of that size may be there while it is read.
        assert largest_process_size() - before < 620
        strip.get_by_role("button", name="Cancel").click()
        wait_until(page, lambda: paused.at_work == 0)
        assert state(page, "scan.token") == token
        assert running.store.byte_size < 2**20
        wait_until(page, lambda: not list(running.cache.rglob("ct.nii.gz")))
        slide(page, "slice", 1)
        wait_painted(page, "axial 1 0 resample 0")


def test_a_scan_beyond_the_servers_memory_is_refused_before_it_is_read(browser: Any, example: Path, tmp_path: Path) -> None:
    large = nifti(tmp_path / "ct.nii.gz", np.zeros((256, 256, 100), np.int16))
    with serving(tmp_path / "cache", [example], byte_cap=75 * 10**6) as running, visit(browser, running) as page:
        send(page, large)
        page.locator(TOAST, has_text="ct.nii.gz is too large: 256 x 256 x 100 voxels; at most 3 million are read here").wait_for()
        pick(page, "case", "Phantom small heart")
        wait_painted(page, "axial 3 0 resample 0")


def test_a_file_beyond_the_largest_upload_is_explained(browser: Any, example: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.nii"
    large.write_bytes(np.random.default_rng(0).bytes(3 << 20))
    with serving(tmp_path / "cache", [example], max_file_size="1mb") as running, visit(browser, running) as page:
        send(page, large)
        page.locator(TOAST, has_text='File(s) exceed the maximum allowed size of 1.0 Mb: "large.nii"').wait_for()
        slide(page, "slice", 1)
        wait_painted(page, "axial 1 0 resample 0")
