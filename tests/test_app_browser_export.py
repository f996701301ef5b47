"""The tab Export in a real browser. Every wait is for a condition."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from threading import Event
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_browser import module, slide, visit, wait_painted
from app_server import Server
from fake_segmenter import FakeSegmentedScan
from perturb_page import wait_perturbed

from app.scan.edits import edits_as_text
from vqseg.data.scan import read_labels, read_scan

EDITS = "({ store }) => store.state.edits"


def wait_exported(page: Any, described: str) -> None:
    """Until the lines are those of a view, told as the tab tells it."""
    ending = "text => document.querySelector('.export [data-text=what]').textContent.endsWith(text)"
    page.wait_for_function(ending, arg=", " + described)


def wait_for_labels(page: Any) -> None:
    """Until the labels at the settings on show are ready to be saved."""
    page.locator(".export [data-text=labels]", has_text="are ready").wait_for()


def test_what_is_on_the_screen_is_saved_with_one_click_each(page: Any, example: Path, tmp_path: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Export").click()
    wait_exported(page, "axial slice 3, ε = 0.50, resample, seed 0")
    assert "strength=0.5, mode='resample', seed=0" in page.locator(".export [data-text=python]").inner_text()
    names = {"tokens": "_axial3_tokens.csv", "configuration": "_axial3.json", "png": "_axial3.png", "svg": "_axial3.svg"}
    names["curves-png"] = "_axial3_curves.png"
    for kind, ending in names.items():
        with page.expect_download() as downloading:
            page.locator(f".export [data-kind={kind}]").click()
        assert downloading.value.suggested_filename == f"Phantom_small_heart{ending}"
        downloading.value.save_as(tmp_path / kind)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Everything as one zip").click()
    assert downloading.value.suggested_filename == "Phantom_small_heart_axial3_everything.zip"
    with zipfile.ZipFile(downloading.value.path()) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("view.json"))["epsilon"] == 0.5
    wait_for_labels(page)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Labels as NIfTI", exact=True).click()
    assert downloading.value.suggested_filename == "Phantom_small_heart_labels_eps0.5_seed0.nii.gz"
    downloading.value.save_as(tmp_path / "labels.nii.gz")
    segmented = FakeSegmentedScan(read_scan(example))
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.nii.gz"), segmented.perturb_volume(0.5, "resample", 0).labels)
    np.testing.assert_allclose(nib.load(tmp_path / "labels.nii.gz").affine, nib.load(example).affine, atol=1e-5)
    result = segmented.perturb(3, 0.5)
    table = np.loadtxt(tmp_path / "tokens", int, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table[:, 3], result.indices.ravel())
    assert json.loads((tmp_path / "configuration").read_text())["epsilon"] == 0.5
    assert page.locator(".export [data-text=client]").is_hidden()
    page.get_by_role("tab", name="gradio_client").click()
    assert "client.predict" in page.locator(".export [data-text=client]").inner_text()
    assert page.locator(".export [data-text=python]").is_hidden()


def test_forced_tokens_travel_in_the_link_and_into_every_line(browser: Any, server: Server, example: Path, tmp_path: Path) -> None:
    edits = [(2, 3, 60), (1, 1, 3)]
    address = f"{server.url}/?case=Phantom+small+heart&slice=2&eps=0.3&seed=4&edits={edits_as_text(edits)}&tab=export"
    with visit(browser, server, address, "axial 2 0.3 resample 4") as other:
        wait_exported(other, "axial slice 2, ε = 0.30, resample, seed 4, 2 forced")
        wait_for_labels(other)
        assert "forced = {2: {(1, 1): 3, (2, 3): 60}}" in other.locator(".export [data-text=python]").inner_text()
        assert "edits='1.1.3_2.3.60'" in other.locator(".export [data-text=client]").inner_text()
        with other.expect_download() as downloading:
            other.get_by_role("button", name="Labels as NIfTI", exact=True).click()
        assert downloading.value.suggested_filename == "Phantom_small_heart_labels_eps0.3_seed4_forced.nii.gz"
        downloading.value.save_as(tmp_path / "labels.nii.gz")
        segmented = FakeSegmentedScan(read_scan(example))
        expected = segmented.perturb_volume(0.3, "resample", 4).labels
        expected[..., 2] = segmented.perturb(2, 0.3, seed=4, forced={(1, 1): 3, (2, 3): 60}).labels
        np.testing.assert_array_equal(read_labels(tmp_path / "labels.nii.gz"), expected)
        assert f"edits={edits_as_text(edits)}" in other.url
        # Undone as any other edit, and gone from the address.
        other.get_by_role("tab", name="Perturb").click()
        wait_perturbed(other, "2 0.3 4 2")
        other.locator("[data-do=clear]").click()
        other.wait_for_url(lambda url: "edits=" not in url)
        other.locator("#reset").click()
        wait_painted(other, "axial 3 0 resample 0")
        assert module(other, "web/store.js", EDITS) == []


def test_forced_tokens_that_a_link_has_wrong_are_left_out(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?slice=2&edits=0.0.64", "axial 2 0 resample 0") as other:
        assert module(other, "web/store.js", EDITS) == []
        assert other.locator(".viewer .notice").is_hidden()


def test_decoding_the_labels_moves_nothing_on_the_page(page: Any, gate: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = FakeSegmentedScan.perturb

    def held_up(scan: FakeSegmentedScan, index: int, *arguments: Any) -> Any:
        # Each call's time is up after two slices; the fourth waits until the page was looked at.
        time.sleep(0.3)
        assert index < 3 or gate.wait(60)
        return decode(scan, index, *arguments)

    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Export").click()
    wait_for_labels(page)
    place = page.locator(".export .code").bounding_box()
    monkeypatch.setattr(FakeSegmentedScan, "perturb", held_up)
    slide(page, "strength", 0.7)
    page.locator(".export").get_by_role("button", name="Cancel").wait_for()
    assert page.locator(".export .code").bounding_box() == place
    gate.set()
    wait_for_labels(page)
