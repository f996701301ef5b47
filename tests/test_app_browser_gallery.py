"""The gallery of examples in a real browser: choosing, the checkpoint that comes with it, both phases, the keyboard, the credit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_browser import pick, reset, slide, state, visit, wait_painted, wait_state, wait_until
from app_server import Server, fake_served, save_scan, serving
from PIL import Image

from app.visit.examples import find_examples

SHOWN, PANEL = "#case .shown", "#case .panel"
SOURCES = {
    "made": {"credit": "Somebody et al. 2009", "licence": "CC0 1.0", "note": "Truth: LV only."},
    "other": {"credit": "Others 2011", "licence": "CC BY 3.0"},
}
COMMON = {"line": "In few words", "look": "Look at the middle.", "source": "made", "checkpoint": "hearts", "group": "Hearts"}
CASES = [
    {
        **COMMON,
        "name": "Heart",
        "classes": ["background", "LV"],
        "epsilon": 0.4,
        "files": [{"phase": "ED", "file": "heart_ed.nii.gz", "slice": 2}, {"phase": "ES", "file": "heart_es.nii.gz", "slice": 4}],
    },
    {**COMMON, "name": "Phantom old", "classes": ["background", "RV", "MYO", "LV"], "files": [{"file": "phantom_old.nii.gz"}]},
    {
        **COMMON,
        "name": "Nodule",
        "classes": ["background", "nodule"],
        "checkpoint": "nodules",
        "group": "Nodules",
        "source": "other",
        "files": [{"file": "nodule.nii.gz"}],
    },
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("examples")
    for seed, name in enumerate(("heart_ed", "heart_es", "phantom_old", "nodule")):
        scan = save_scan(folder / f"{name}.nii.gz", seed)
        if name == "heart_es":
            image = nib.load(scan)
            cavity = (np.asarray(image.dataobj) > 600).astype(np.uint8)
            nib.Nifti1Image(cavity, image.affine).to_filename(folder / f"{name}_truth.nii.gz")
    (folder / "thumbnails").mkdir()
    Image.fromarray(np.full((8, 8), 90, np.uint8)).save(folder / "thumbnails" / "heart_ed.webp")
    (folder / "examples.json").write_text(json.dumps({"sources": SOURCES, "cases": CASES}), encoding="utf-8")
    checkpoints = fake_served("hearts", statistics=True), fake_served("nodules", ("background", "nodule"))
    with serving(tmp_path_factory.mktemp("cache"), find_examples(folder), *checkpoints) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    with visit(browser, server, painted="axial 2 0.4 resample 0") as opened:
        yield opened


def structures(page: Any) -> list[str]:
    return page.locator("#visible label").all_inner_texts()


def test_the_page_opens_at_the_state_of_its_first_example_and_a_reset_leads_back_to_it(page: Any) -> None:
    assert page.locator(".viewer h2").inner_text() == "Heart ED"
    assert page.locator(f"{SHOWN} [data-text=name]").inner_text() == "Heart"
    assert page.locator("#case > * [data-text=look]").inner_text() == "Look at the middle."
    assert page.locator("#case [data-text=credit]").inner_text() == "Somebody et al. 2009, CC0 1.0. Truth: LV only."
    slide(page, "strength", 0.9)
    slide(page, "slice", 5)
    wait_painted(page, "axial 5 0.9 resample 0")
    reset(page)
    wait_painted(page, "axial 2 0.4 resample 0")


def test_an_example_of_other_structures_brings_its_checkpoint_which_is_said(page: Any) -> None:
    pick(page, "case", "Nodule")
    wait_state(page, "scan.name", "Nodule")
    assert state(page, "scan.checkpoint") == "nodules"
    wait_until(page, lambda: structures(page) == ["Lung nodule (nodule)"])
    wait_until(page, lambda: page.locator("#checkpoint input").input_value() == "Nodules")
    page.locator("#case").get_by_text("Opened with Nodules, which reads such pictures.").wait_for()
    assert page.locator("#case [data-text=credit]").inner_text() == "Others 2011, CC BY 3.0."
    assert not page.locator(PANEL).is_visible()
    pick(page, "case", "Phantom old")
    wait_state(page, "scan.checkpoint", "hearts")
    wait_until(page, lambda: structures(page) == ["Right ventricle (RV)", "Myocardium (MYO)", "Left ventricle (LV)"])
    page.wait_for_url(lambda url: "case=Phantom+old&checkpoint=hearts" in url)


def test_a_link_to_an_example_brings_its_checkpoint_and_one_that_names_another_gets_that(browser: Any, server: Server) -> None:
    for more, checkpoint in (("", "nodules"), ("&checkpoint=hearts", "hearts")):
        with visit(browser, server, f"{server.url}/?case=Nodule&slice=1{more}", "axial 1 0 resample 0") as page:
            assert state(page, "scan.checkpoint") == checkpoint
            page.locator("#case [data-text=brought]").wait_for(state="hidden" if more else "visible")


def test_both_phases_of_a_heart_are_one_case_with_a_switch(page: Any) -> None:
    ed, es = (page.locator("#case").get_by_role("radio", name=name) for name in ("ED filled", "ES contracted"))
    assert (ed.get_attribute("aria-checked"), es.get_attribute("aria-checked")) == ("true", "false")
    es.click()
    wait_state(page, "scan.name", "Heart ES")
    # Epsilon is the visitor's, the slice that of the file.
    wait_painted(page, "axial 4 0.4 resample 0")
    wait_until(page, lambda: es.get_attribute("aria-checked") == "true")
    es.focus()
    page.keyboard.press("ArrowLeft")
    wait_state(page, "scan.name", "Heart ED")
    wait_until(page, lambda: ed.get_attribute("aria-checked") == "true")
    assert page.locator(f"{SHOWN} [data-text=name]").inner_text() == "Heart"


def test_the_gallery_is_used_by_the_keyboard_alone(page: Any) -> None:
    button = page.locator(SHOWN)
    button.focus()
    page.keyboard.press("Enter")
    page.locator(PANEL).wait_for()
    wait_until(page, lambda: button.get_attribute("aria-expanded") == "true")
    focused = "document.activeElement.getAttribute('aria-label')"
    page.wait_for_function(f"{focused} === 'Heart'")
    assert page.locator(".case-card[aria-selected=true]").get_attribute("aria-label") == "Heart"
    for key, name in (("ArrowRight", "Phantom old"), ("ArrowDown", "Nodule"), ("Home", "Heart"), ("End", "Nodule"), ("ArrowUp", "Heart")):
        page.keyboard.press(key)
        assert page.evaluate(focused) == name
    # The arrows move in the gallery, and not through the slices.
    assert state(page, "index") == 2
    page.keyboard.press("Escape")
    page.locator(PANEL).wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className") == "shown"
    page.keyboard.press("Enter")
    page.wait_for_function(f"{focused} === 'Heart'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_state(page, "scan.name", "Phantom old")
    assert page.locator("[role=option][tabindex='0']").count() == 1


def test_a_scan_of_ones_own_opens_without_epsilon_and_leaves_no_example_chosen(page: Any, tmp_path: Path) -> None:
    page.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz", seed=9))
    wait_state(page, "scan.name", "mine.nii.gz")
    wait_painted(page, "axial 3 0 resample 0")
    wait_until(page, lambda: page.locator(f"{SHOWN} [data-text=name]").inner_text() == "Your own scan")
    assert not page.locator("#case .phases").is_visible()
    assert not page.locator("#case [data-text=credit]").is_visible()
    assert page.locator("[role=option][aria-selected=true]").count() == 0


def test_the_figures_say_of_which_structures_the_truth_tells(page: Any) -> None:
    page.locator("#case").get_by_role("radio", name="ES contracted").click()
    wait_state(page, "scan.name", "Heart ES")
    wait_painted(page, "axial 4 0.4 resample 0")
    page.locator(".figures .truth").wait_for()
    assert page.locator(".figures .truth dt").inner_text() == "Dice vs truth, LV only"
    assert len(page.locator("[data-text=truth] > span").all_inner_texts()) == 1


def test_a_phone_shows_the_gallery_within_the_screen(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(server.url)
    page.wait_for_selector(".viewer[data-painted]", state="attached")
    page.locator(SHOWN).click()
    box = page.locator(PANEL).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 844
    page.get_by_role("option", name="Nodule").click()
    wait_state(page, "scan.name", "Nodule")
    context.close()
