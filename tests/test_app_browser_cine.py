"""A cine as a visitor sees it, in a real browser: frames, the curve, playing, files, pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import module, pick, pixels, state, visit, wait_for_module, wait_painted, wait_until
from app_server import Server, serving
from cines import beating, save_cine
from fake_segmenter import PausedSegmenter

from app.scan.models import Served
from app.scan.planes import plane_views
from app.scan.render import greyscale
from vqseg.data.scan import read_scan
from vqseg.inference import Cine, segment_cine

FRAMES = 5
STRIP = "#cine .cine"


@pytest.fixture(scope="module")
def paused() -> PausedSegmenter:
    return PausedSegmenter()


@pytest.fixture(scope="module")
def cine_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cine(tmp_path_factory.mktemp("cines") / "beating_heart.nii.gz")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path, cine_file: Path, paused: PausedSegmenter) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), [example, cine_file], Served("first", "First", None, paused)) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    with visit(browser, server, f"{server.url}/?case=Beating+heart") as opened:
        opened.locator(f"{STRIP} .details").click()  # in this small window the strip is one row until then
        yield opened


def covered(page: Any) -> bool:
    """Whether the strip lies over the sentence or the figures of See while both are in sight."""
    return bool(
        page.evaluate(
            """strip => ["[data-text=told]", ".figures"].some((part) => {
                 const [over, under] = [strip, ".viewer " + part].map((one) => document.querySelector(one).getBoundingClientRect());
                 return over.top < under.bottom && under.top < over.bottom;
               })""",
            STRIP,
        )
    )


@pytest.mark.parametrize(("width", "height", "curve"), [(1920, 1080, True), (1280, 720, False)])
def test_the_strip_of_a_film_stays_in_sight_and_covers_no_figure(
    browser: Any, server: Server, width: int, height: int, curve: bool
) -> None:
    with visit(browser, server, f"{server.url}/?case=Beating+heart") as page:
        page.set_viewport_size({"width": width, "height": height})
        wait_complete(page)
        wait_until(page, lambda: page.locator(f"{STRIP} .plot").is_visible() == curve)
        wait_until(page, lambda: not covered(page))
        box = page.locator(STRIP).bounding_box()
        assert box["y"] + box["height"] <= height


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_the_tab_label_has_room_for_the_strip_of_a_film(browser: Any, server: Server, size: tuple[int, int]) -> None:
    with visit(browser, server, f"{server.url}/?case=Beating+heart&tab=label") as page:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        wait_complete(page)
        page.wait_for_selector("#label .label[data-painted]")
        page.wait_for_function(
            """(strip) => {
              const end = document.querySelector("#label .slices").getBoundingClientRect().bottom;
              const { top, height } = document.querySelector(strip).getBoundingClientRect();
              return height > 0 && end <= top && document.documentElement.scrollHeight <= innerHeight;
            }""",
            arg=STRIP,
        )


def test_an_opened_strip_scrolls_with_the_page(page: Any) -> None:
    wait_complete(page)
    assert page.locator(f"{STRIP} .found").is_visible()
    page.evaluate("scrollTo(0, 0)")
    assert not covered(page)
    page.locator(f"{STRIP} .details").click()
    assert not page.locator(f"{STRIP} .found").is_visible()


def wait_complete(page: Any, frames: int = FRAMES) -> None:
    wait_for_module(page, "web/cine.js", "({ cine }, frames) => cine.state?.told?.done === frames && cine.state.told.heart", frames)


def wait_frame(page: Any, frame: int, painted: str = "axial 3 0 resample 0") -> None:
    """Until See has painted a frame."""
    wait_for_module(page, "web/frames.js", "({ frames }, end) => frames.shown?.request.token.endsWith(end)", f".{frame}" if frame else "")
    wait_for_module(page, "web/cine.js", "({ cine }, frame) => cine.state.frame === frame", frame)
    wait_painted(page, painted)


def expected_input(path: Path, frame: int) -> np.ndarray:
    scan = read_scan(path, frame)
    segmented = PausedSegmenter().open(scan)
    return greyscale(plane_views(scan)["axial"].cut(segmented.normalised, 3))


def test_the_slider_the_keys_and_the_curve_show_a_frame_s_own_picture(page: Any, cine_file: Path) -> None:
    wait_complete(page)
    strip = page.locator(STRIP)
    page.get_by_label("Frame of the cine").fill("2")
    wait_frame(page, 2)
    np.testing.assert_array_equal(pixels(page, "image")[..., 0], expected_input(cine_file, 2))
    assert "frame 2 (0–4)" in page.locator("[data-text=grid]").inner_text()
    assert strip.locator("[data-text=frame]").inner_text() == "Frame 2"
    page.locator(".viewer h2").click()
    page.keyboard.press("l")
    wait_frame(page, 3)
    page.keyboard.press("j")
    wait_frame(page, 2)
    plot = strip.locator(".plot")
    plot.focus()
    page.keyboard.press("End")
    wait_frame(page, 4)
    page.keyboard.press("ArrowLeft")
    wait_frame(page, 3)
    np.testing.assert_array_equal(pixels(page, "image")[..., 0], expected_input(cine_file, 3))
    assert plot.get_attribute("aria-valuetext").startswith("frame 3, 300 ms, LV ")
    box = plot.bounding_box()
    plot.click(position={"x": 45, "y": box["height"] / 2})
    wait_frame(page, 0)
    # The slice is the one that was on show all the time, and epsilon counts for every frame.
    page.locator("#strength input[type=range]").fill("0.5")
    page.keyboard.press("l")
    wait_frame(page, 1, "axial 3 0.5 resample 0")


def test_the_curve_is_complete_and_the_figures_are_those_of_the_command_line(page: Any, cine_file: Path, paused: PausedSegmenter) -> None:
    wait_complete(page)
    heart = segment_cine(paused, Cine(cine_file)).function
    table = page.locator(f"{STRIP} table")
    table.get_by_text(f"{heart.lv.ejection_fraction_percent:.0f} %").first.wait_for()
    row = table.locator("tbody tr").first.inner_text().split()
    values = [heart.lv.ejection_fraction_percent, heart.lv.edv_ml, heart.lv.esv_ml, heart.lv.stroke_volume_ml]
    assert row == ["LV", *(part for value, unit in zip(values, ["%", "ml", "ml", "ml"], strict=True) for part in (f"{value:.0f}", unit))]
    assert page.locator(f"{STRIP} [data-text=more]").inner_text().startswith(f"Mass {heart.myocardial_mass_g:.0f} g")
    assert page.locator(f"{STRIP} .word").all_text_contents() == ["ED", "ES"]
    assert page.locator(f"{STRIP} path[data-line=LV]").get_attribute("d").count("L") == FRAMES - 1


def test_a_link_opens_its_frame_and_a_reset_the_first(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/?case=Beating+heart&frame=3&slice=3")
    page.wait_for_selector("#vqseg-facts", state="attached")
    wait_frame(page, 3)
    page.locator("#reset").click()
    wait_frame(page, 0)
    page.wait_for_function("!new URL(location.href).searchParams.has('frame')")
    page.get_by_label("Frame of the cine").fill("4")
    page.wait_for_function("new URL(location.href).searchParams.get('frame') === '4'")


def test_playing_goes_round_and_stops(page: Any) -> None:
    wait_complete(page)
    page.get_by_role("button", name="Play", exact=True).click()
    seen = """({ cine }) => { globalThis.seen ??= new Set(); globalThis.seen.add(cine.state.frame); return globalThis.seen.size === 5; }"""
    wait_for_module(page, "web/cine.js", seen)
    page.locator(".viewer h2").click()
    page.keyboard.press("k")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    assert not module(page, "web/cine.js", "({ cine }) => cine.state.playing")


def test_frames_are_told_of_as_they_come_and_another_scan_ends_the_work(
    browser: Any, server: Server, paused: PausedSegmenter, tmp_path: Path
) -> None:
    with visit(browser, server) as page:
        path = save_cine(tmp_path / "mine.nii.gz")
        # Its first frame comes; the second is held up.
        with paused.only(1):
            page.locator("#upload input[type=file]").set_input_files(path)
            page.get_by_role("heading", name="mine.nii.gz").wait_for()
            wait_painted(page, "axial 3 0 resample 0")
            page.locator(STRIP).get_by_text("1 of 5 frames").wait_for()
            wait_until(page, lambda: paused.at_work == 1)
            # What is on show can be worked with meanwhile, and a frame that is not there is asked for.
            page.get_by_label("Frame of the cine").fill("3")
            page.locator(STRIP).get_by_text("frame 3 comes next").wait_for()
            page.locator("#strength input[type=range]").fill("0.5")
            wait_painted(page, "axial 3 0.5 resample 0")
            assert page.locator("#download").is_hidden()
            pick(page, "case", "Phantom small heart")
            page.get_by_role("heading", name="Phantom small heart").wait_for()
            wait_until(page, lambda: paused.at_work == 0)
        page.locator(STRIP).wait_for(state="hidden")


def test_unknown_spacing_is_said(browser: Any, server: Server, tmp_path: Path) -> None:
    np.save(tmp_path / "bare.npy", beating())
    with visit(browser, server) as page:
        page.locator("#upload input[type=file]").set_input_files(tmp_path / "bare.npy")
        wait_complete(page)
        page.locator(f"{STRIP} .details").click()
        assert "unknown spacing" in page.locator(f"{STRIP} tbody").inner_text()
        assert "ml" not in page.locator(f"{STRIP} table").inner_text().split()
        page.locator(f"{STRIP} .notes").get_by_text("Unknown spacing").wait_for()


def test_two_files_become_a_pair_with_an_ejection_fraction(browser: Any, server: Server, tmp_path: Path) -> None:
    ed, es = (save_cine(tmp_path / f"{name}.nii.gz", beating()[..., frame]) for name, frame in (("ed", 0), ("es", 2)))
    with visit(browser, server) as page:
        page.locator("#upload input[type=file]").set_input_files(es)
        page.get_by_role("heading", name="es.nii.gz").wait_for()
        page.locator("#phase-file input[type=file]").set_input_files(ed)
        wait_complete(page, 2)
        page.locator(f"{STRIP} .notes").get_by_text("Scan 2 is taken as end-diastole").wait_for()
        page.evaluate("scrollTo(0, 0)")
        assert not covered(page)
        page.get_by_label("Frame of the cine").fill("1")
        wait_frame(page, 1)
        np.testing.assert_array_equal(pixels(page, "image")[..., 0], expected_input(ed, 0))
        # Who labels needs the room, and no figures of two moments.
        page.get_by_role("tab", name="Label").click()
        page.wait_for_selector("#label .label[data-painted]")
        page.locator(STRIP).wait_for(state="hidden")
        page.wait_for_function("document.documentElement.scrollHeight <= innerHeight")


def test_the_labels_of_all_frames_are_saved(page: Any, cine_file: Path, paused: PausedSegmenter, tmp_path: Path) -> None:
    wait_complete(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="All frames").click()
    assert saved.value.suggested_filename == "beating_heart_labels.nii.gz"
    saved.value.save_as(tmp_path / "labels.nii.gz")
    expected = segment_cine(paused, Cine(cine_file)).labels
    for frame in range(FRAMES):
        np.testing.assert_array_equal(read_scan(tmp_path / "labels.nii.gz", frame).voxels, expected[..., frame])


def test_volume_and_export_show_the_chosen_frame(page: Any, cine_file: Path) -> None:
    wait_complete(page)
    page.get_by_label("Frame of the cine").fill("2")
    wait_frame(page, 2)
    page.get_by_role("tab", name="Export").click()
    page.locator("#export").get_by_text("read_scan('beating_heart.nii.gz', frame=2)").wait_for()
    page.get_by_role("tab", name="Volume").click()
    wait_for_module(page, "tabs/volume/view.js", "({ state }) => state().painted !== null")
    expected = (np.asarray(segment_cine(PausedSegmenter(), Cine(cine_file)).labels[..., 2]) == 3).sum() * 1.5 * 1.5 * 8 / 1000
    page.locator("#volume .figures").get_by_text(f"{expected:.1f} ml").wait_for()
    assert state(page, "scan.frame") == 2


def test_the_strip_is_accessible_and_fits_a_phone(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{server.url}/?case=Beating+heart")
    wait_painted(page, "axial 3 0 resample 0")
    wait_complete(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(STRIP).bounding_box()
    # In sight above the disclaimer, as one row.
    assert box["y"] + box["height"] <= page.locator("#disclaimer").bounding_box()["y"]
    assert box["height"] < 844 / 10
    details = page.locator(f"{STRIP} .details")
    assert details.inner_text().startswith("EF ")
    details.click()
    assert page.locator(f"{STRIP} table").is_visible()
    names = page.locator(f"{STRIP} :is(button, input, [role=slider])").evaluate_all(
        "all => all.filter(e => e.offsetParent).map(e => e.getAttribute('aria-label') || e.innerText)"
    )
    assert all(names)
    context.close()


def test_a_scan_of_one_frame_has_no_strip(browser: Any, server: Server) -> None:
    with visit(browser, server) as page:
        assert page.locator(STRIP).is_hidden()
        page.locator(".viewer h2").click()
        page.keyboard.press("l")
        assert state(page, "scan.token").count(".") == 0
