"""A DICOM series, a folder and a picture sent in a real browser: the list of series, the notes, and labels saved by one click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from app_browser import pick, wait_painted, wait_state
from app_server import Server
from dicom_files import NAME, folder, pixels, stack
from PIL import Image

from vqseg.data.scan import read_labels

# A drop as a browser describes it: one folder, which gives its files in portions.
_DROP = """names => {
  const files = names.map((name) => ({ isFile: true, isDirectory: false, file: (done) => done(new File(["no scan"], name)) }));
  const portions = [files.slice(0, 1), files.slice(1), []];
  const folder = { isFile: false, isDirectory: true, createReader: () => ({ readEntries: (done) => done(portions.shift()) }) };
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true });
  Object.defineProperty(drop, "dataTransfer", { value: { items: [{ webkitGetAsEntry: () => folder }] } });
  document.querySelector("#upload button").dispatchEvent(drop);
}"""


def send(page: Any, files: list[Path]) -> None:
    page.locator("#upload input[type=file]").set_input_files(files)


def saved(page: Any, path: Path) -> Path:
    with page.expect_download() as downloading:
        page.locator("#download").click()
    downloading.value.save_as(path)
    return path.rename(path.with_name(downloading.value.suggested_filename))


def show_example(page: Any) -> None:
    pick(page, "case", "Phantom small heart")
    page.get_by_role("heading", name="Phantom small heart").wait_for()
    wait_painted(page, "axial 3 0 resample 0")


def test_many_files_open_as_a_series_another_can_be_chosen_and_labels_are_saved_as_dicom(page: Any, server: Server, tmp_path: Path) -> None:
    folder(tmp_path / "study" / "a", stack(pixels(6, shape=(32, 40))), "JANE{:03d}")
    folder(tmp_path / "study" / "b", stack(pixels(4, 1, (32, 40)), SeriesInstanceUID="1.2.3.9", SeriesNumber=9), "JANE{:03d}")
    assert not page.locator("#series").is_visible()
    send(page, sorted((tmp_path / "study").rglob("JANE*")))
    page.get_by_role("heading", name="DICOM series, 6 images").wait_for()
    page.locator("[data-text=note]", has_text="2 series; the one with the most images was read").wait_for()
    pick(page, "series", "2: 4 images, MR, 40 x 32")
    page.get_by_role("heading", name="DICOM series, 4 images").wait_for()
    page.locator("[data-text=note]").wait_for(state="hidden")
    page.locator("#saved-as label", has_text="DICOM SEG").click()
    page.get_by_text("Save labels as DICOM SEG").wait_for()
    assert len(pydicom.dcmread(saved(page, tmp_path / "labels")).ReferencedSeriesSequence[0].ReferencedInstanceSequence) <= 4
    assert not [word for word in (NAME, "JANE", "heart of") if word in page.content()]
    show_example(page)
    page.locator("#series").wait_for(state="hidden")
    assert not list(server.cache.rglob("JANE*"))


def test_a_folder_opens_as_its_files_do(page: Any, tmp_path: Path) -> None:
    files = folder(tmp_path / "series", stack(pixels(5, shape=(32, 40))))
    (files / ".hidden").write_text("nothing")
    with page.expect_file_chooser() as chooser:
        page.locator("#accepted button").click()
    chooser.value.set_files(files)
    page.get_by_role("heading", name="DICOM series, 5 images").wait_for()
    assert not page.locator("#series").is_visible()
    show_example(page)


def test_a_folder_that_is_dropped_is_sent_as_its_files(page: Any) -> None:
    page.evaluate(_DROP, ["a.nii", ".hidden", "b.nii"])
    page.locator('[data-testid="toast-body"]', has_text="your upload holds no scan").wait_for()


def test_a_coloured_picture_is_read_as_grey_with_a_word_and_gives_a_picture(page: Any, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (32, 40, 3), np.uint8)
    Image.fromarray(colours).save(tmp_path / "slice.png")
    send(page, [tmp_path / "slice.png"])
    page.locator("[data-text=note]", has_text="Colour was read as grey.").wait_for()
    wait_state(page, "scan.name", "slice.png")
    page.get_by_text("Save labels as PNG").wait_for()
    path = saved(page, tmp_path / "labels")
    assert path.name == "slice_labels.png" and read_labels(path).shape == (32, 40, 1)
    page.get_by_role("tab", name="Export").click()
    buttons = page.locator(".export .labels button")
    buttons.first.wait_for()
    assert buttons.all_inner_texts() == ["PNG", "NIfTI", "NRRD"]
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Labels as PNG", exact=True).click()
    assert downloading.value.suggested_filename == "slice_labels_eps0_seed0.png"
    page.get_by_role("tab", name="See").click()
    show_example(page)
