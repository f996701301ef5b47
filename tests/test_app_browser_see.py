"""The tab See as a visitor uses it, in a real browser: pictures, keys, crosshair, windows. Every wait is for a condition."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_browser import PIXELS, module, pick, pixels, reset, slide, visit, wait_ahead, wait_for_module, wait_painted, wait_until
from app_server import Server, save_scan
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.page.sidebar import OPACITY
from app.page.visits import Visits
from app.scan.planes import plane_views
from app.scan.render import absolute_difference, greyscale, label_colours, overlay
from vqseg.data.scan import read_scan


def test_the_page_opens_with_a_segmented_example_pixel_by_pixel(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    view = plane_views(segmented.scan)["axial"]
    grey = greyscale(view.cut(segmented.normalised, 3))
    expected = overlay(grey, view.cut(segmented.labels, 3), label_colours(len(CLASSES)), opacity=OPACITY)
    assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
    np.testing.assert_array_equal(pixels(page, "image"), np.repeat(grey[..., None], 3, -1))
    np.testing.assert_array_equal(pixels(page, "labels"), expected)
    np.testing.assert_array_equal(pixels(page, "reconstruction")[..., 0], greyscale(view.cut(segmented.reconstruction, 3)))
    np.testing.assert_array_equal(
        pixels(page, "difference")[..., 0], absolute_difference(grey, greyscale(view.cut(segmented.reconstruction, 3)))
    )
    assert page.locator("[data-panel=image] .stage > i").all_inner_texts() == list(view.letters)
    assert page.locator("#disclaimer").get_by_text("Research demo, not for clinical use").is_visible()


def test_the_difference_can_be_drawn_brighter_until_the_page_is_reset(page: Any) -> None:
    plain = pixels(page, "difference").astype(int)
    gain = page.get_by_label("Gain of the difference")
    gain.select_option("4")
    wait_until(page, lambda: bool((pixels(page, "difference") == np.minimum(255, 4 * plain)).all()))
    page.wait_for_url(lambda url: "gain=4" in url)
    assert plain.max() > 0
    reset(page)
    wait_until(page, lambda: bool((pixels(page, "difference") == plain).all()))
    assert gain.input_value() == "1"


def test_epsilon_changes_both_pictures_and_the_last_value_of_a_drag_wins(page: Any, example: Path) -> None:
    labels, reconstruction, image = pixels(page, "labels"), pixels(page, "reconstruction"), pixels(page, "image")
    for value in (0.1, 0.35, 0.9, 0.62):
        slide(page, "strength", value)
    wait_painted(page, "axial 3 0.62 resample 0")
    assert (pixels(page, "labels") != labels).any()
    assert (pixels(page, "reconstruction") != reconstruction).any()
    np.testing.assert_array_equal(pixels(page, "image"), image)
    result = FakeSegmentedScan(read_scan(example)).perturb(3, 0.62)
    assert page.locator("[data-text=replaced]").inner_text() == f"{100 * result.replaced_share:.1f} %"
    assert page.locator("[data-text=dice]").inner_text() == f"{result.dice_vs_clean:.3f}"
    assert page.locator("[data-text=psnr]").inner_text() == f"{result.psnr:.1f} dB"


def test_outline_opacity_and_classes_are_drawn_as_in_python(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    view = plane_views(segmented.scan)["axial"]
    page.get_by_label("Outline only").check()
    page.locator("#visible").get_by_label("MYO").uncheck()
    slide(page, "opacity", 1)
    visible = np.array([True, True, False, True])
    grey, labels = greyscale(view.cut(segmented.normalised, 3)), view.cut(segmented.labels, 3)
    expected = overlay(grey, labels, label_colours(len(CLASSES)), opacity=1, outline_only=True, visible=visible)
    page.wait_for_function(
        f"JSON.stringify(({PIXELS})('labels').slice(2).filter((_, i) => i % 4 < 3)) === {str(expected.ravel().tolist()).replace(' ', '')!r}"
    )


def test_keys_move_slice_epsilon_and_seed_hide_the_overlay_and_reset_the_view(page: Any) -> None:
    page.locator(".viewer h2").click()
    page.keyboard.press("ArrowRight")
    wait_painted(page, "axial 4 0 resample 0")
    page.keyboard.press("]")
    wait_painted(page, "axial 4 0.05 resample 0")
    page.keyboard.press("h")
    page.wait_for_function(
        f"(() => {{ const p = ({PIXELS})('labels').slice(2); return p.every((v, i) => i % 4 > 1 || v === p[i + 1]); }})()"
    )
    page.keyboard.press("r")
    wait_for_module(page, "web/frames.js", "({ frames }) => frames.shown.request.seed !== 0")
    page.keyboard.press("x")
    wait_painted(page, "axial 3 0 resample 0")
    wait_until(page, page.get_by_label("Show overlay").is_checked)


def test_a_control_that_is_used_again_before_its_answer_has_come_counts(page: Any, gate: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    held, asked = Visits.held, Event()

    def held_up(visits: Visits, value: Any) -> Any:
        asked.set()
        assert gate.wait(60)
        return held(visits, value)

    monkeypatch.setattr(Visits, "held", held_up)
    page.get_by_label("Coronal").check()
    wait_until(page, asked.is_set)
    page.get_by_label("Sagittal").check()
    gate.set()
    # Each plane opens at its own middle slice.
    wait_painted(page, "sagittal 20 0 resample 0")
    gate.clear()
    asked.clear()
    page.locator("#reset").click()
    wait_until(page, asked.is_set)
    module(page, "web/store.js", "({ store }) => store.moveReach(2)")
    page.locator("#reset").click()
    gate.set()
    wait_for_module(page, "web/store.js", "({ store }) => store.state.chosenReach === store.state.scan.reach.opening")
    wait_painted(page, "axial 3 0 resample 0")


def test_keys_are_left_alone_while_typing(page: Any) -> None:
    seed = page.locator("#seed input")
    seed.fill("12")
    seed.press("0")
    seed.press("ArrowUp")
    seed.press("Tab")
    wait_painted(page, "axial 3 0 resample 121")


def test_another_plane_starts_at_its_middle_slice(page: Any) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    assert pixels(page, "labels").shape[:2] == (6, 40)
    slide(page, "strength", 0.5)
    wait_painted(page, "coronal 24 0.5 resample 0")


def test_scrubbing_over_frames_that_were_fetched_ahead_asks_the_server_for_nothing(page: Any) -> None:
    # The shuffle has no reach: where there is one, its neighbours' frames are fetched as soon as the slider rests.
    page.get_by_label("Shuffle").check()
    wait_painted(page, "axial 3 0 shuffle 0")
    wait_ahead(page)
    asked = len(page.requests)
    for value in (0.05, 0.35, 0.7, 1, 0.55):
        slide(page, "strength", value)
        wait_painted(page, f"axial 3 {value} shuffle 0")
        # Longer than a rest.
        page.wait_for_timeout(200)
    assert [url for url in page.requests[asked:] if "component_server" in url] == []


LIT = ".viewer[data-lit]"
_NOTE = """() => {
  const viewer = document.querySelector(".viewer");
  window.wasLit = false;
  new MutationObserver(() => (window.wasLit ||= viewer.hasAttribute("data-lit"))).observe(viewer, { attributes: true });
}"""


@contextmanager
def lighting(page: Any) -> Iterator[None]:
    """What the block does has to light the marks. They stay lit for a moment only: on a busy machine a look would come too late."""
    page.evaluate(_NOTE)
    yield
    page.wait_for_function("window.wasLit")


def lines(page: Any) -> str:
    """The rim around the changed pixels, as it is drawn."""
    return str(page.locator("[data-mark=rim]").get_attribute("d"))


def told(page: Any) -> str:
    return str(page.locator("[data-text=told]").inner_text())


def test_what_changed_is_lit_while_epsilon_moves_and_told_in_a_sentence(page: Any, example: Path) -> None:
    assert "Move epsilon" in told(page)
    with lighting(page):
        slide(page, "strength", 0.62)
        wait_painted(page, "axial 3 0.62 resample 0")
    assert lines(page)
    assert page.locator("[data-mark=tokens]").get_attribute("d")
    segmented = FakeSegmentedScan(read_scan(example))
    result, clean = segmented.perturb(3, 0.62), segmented.labels.take(3, segmented.axis)
    changed = (result.labels != clean).sum() / ((result.labels > 0) | (clean > 0)).sum()
    assert told(page).startswith(f"{100 * result.replaced_share:.1f} % of the tokens replaced, each by ")
    assert told(page).endswith(f": {100 * changed:.1f} % of the pixels of the right ventricle, myocardium and left ventricle changed.")
    page.locator("[data-text=announced]", has_text=told(page)).wait_for(state="attached")
    page.wait_for_selector(".viewer:not([data-lit])")
    slide(page, "strength", 0)
    wait_painted(page, "axial 3 0 resample 0")
    assert lines(page) == ""


def test_what_changed_is_lit_when_its_picture_comes_late(page: Any, gate: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_ahead(page)
    decode = FakeSegmentedScan.perturb

    def held_up(scan: FakeSegmentedScan, index: int, strength: float, *arguments: Any) -> Any:
        assert strength != 0.37 or gate.wait(60)
        return decode(scan, index, strength, *arguments)

    monkeypatch.setattr(FakeSegmentedScan, "perturb", held_up)
    with lighting(page):
        slide(page, "strength", 0.37)
    page.wait_for_selector(".viewer:not([data-lit])")
    with lighting(page):
        gate.set()
    wait_painted(page, "axial 3 0.37 resample 0")
    assert lines(page)


def test_what_changed_stays_where_it_is_asked_for_until_it_is_asked_again(page: Any) -> None:
    page.get_by_role("button", name="What changed").click()
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    axial = lines(page)
    page.wait_for_function("new URLSearchParams(location.search).get('changed') === 'on'")
    # Another plane has changed pixels too, but its tokens lie in many grids.
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0.5 resample 0")
    assert lines(page) not in ("", axial)
    assert page.locator("[data-mark=tokens]").get_attribute("d") == ""
    page.get_by_text("tokens are marked in acquired slices only").wait_for()
    page.get_by_label("Show overlay").uncheck()
    page.wait_for_function("document.querySelector('[data-mark=rim]').getAttribute('d') === ''")
    assert page.get_by_role("button", name="What changed").is_disabled()
    page.get_by_label("Show overlay").check()
    page.wait_for_function("document.querySelector('[data-mark=rim]').getAttribute('d') !== ''")
    page.keyboard.press("c")
    page.wait_for_selector(".viewer:not([data-lit])")
    page.wait_for_function("!new URLSearchParams(location.search).has('changed')")


def test_an_address_asks_for_what_changed_and_a_reset_forgets_it(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?eps=0.5&changed=on", "axial 3 0.5 resample 0") as page:
        page.wait_for_selector(LIT)
        assert lines(page)
        reset(page)
        wait_painted(page, "axial 3 0 resample 0")
        button = page.get_by_role("button", name="What changed")
        assert button.get_attribute("aria-pressed") == "false"


def middle_of(page: Any, panel: str) -> tuple[float, float]:
    box = page.locator(f"[data-panel={panel}] .stage").bounding_box()
    return box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1


def test_the_crosshair_tells_value_label_and_token_of_the_same_pixel_in_all_pictures(page: Any, example: Path) -> None:
    slide(page, "strength", 1)
    wait_painted(page, "axial 3 1 resample 0")
    page.mouse.move(*middle_of(page, "difference"))
    segmented = FakeSegmentedScan(read_scan(example))
    view, result = plane_views(segmented.scan)["axial"], segmented.perturb(3, 1.0)
    row, column = (n // 2 for n in view.shape)
    places = np.dstack(np.meshgrid(*(np.arange(n) for n in result.labels.shape), indexing="ij"))
    a, b = (int(view.orient(places[..., i])[row, column]) for i in range(2))
    token = a // 8, b // 8
    expected = f"row {row}, column {column} · value {segmented.scan.voxels[a, b, 3]:g} · {CLASSES[result.labels[a, b]]}"
    expected += f" · token {token[0]}, {token[1]}: code {result.clean_indices[token]} → {result.indices[token]}"
    assert page.locator("[data-text=readout]").inner_text() == expected


def test_zoom_and_pan_are_linked_and_reset(page: Any) -> None:
    transforms = "[...document.querySelectorAll('.stage canvas')].map(c => getComputedStyle(c).transform)"
    before = page.evaluate(transforms)
    x, y = middle_of(page, "labels")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    page.wait_for_selector(".viewer[data-zoomed]")
    zoomed = page.evaluate(transforms)
    page.mouse.down()
    page.mouse.move(x + 20, y + 10)
    page.mouse.up()
    moved = page.evaluate(transforms)
    assert len(set(zoomed)) == len(set(moved)) == 1
    assert zoomed != moved
    page.locator("#reset").click()
    page.wait_for_selector(".viewer:not([data-zoomed])")
    assert page.evaluate(transforms) == before


ZOOM = "Number(getComputedStyle(document.querySelector('.viewer')).getPropertyValue('--zoom'))"


def test_keys_zoom_in_and_out(page: Any) -> None:
    page.locator(".viewer h2").click()
    for key, zoom in (("+", 1.25), ("+", 1.5625), ("-", 1.25), ("-", 1), ("-", 1)):
        page.keyboard.press(key)
        assert page.evaluate(ZOOM) == pytest.approx(zoom)


def test_two_fingers_zoom_about_the_point_between_them(page: Any) -> None:
    x, y = middle_of(page, "reconstruction")
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *apart: float) -> None:
        points = [{"x": x + sign * half, "y": y, "id": i} for half in apart for i, sign in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    fingers("touchMove", 30)
    fingers("touchMove", 50)
    fingers("touchEnd")
    page.wait_for_selector(".viewer[data-zoomed]")
    # Each finger's move is an event of its own; together they are the change of the distance.
    page.wait_for_function(f"Math.abs({ZOOM} / 2.5 - 1) < 0.02")
    # The picture's middle on the page, in pixels from where it was.
    assert np.abs(np.subtract(middle_of(page, "reconstruction"), (x, y))).max() < 30


@pytest.fixture(scope="module")
def tomogram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan in Hounsfield units, of the example's size."""
    path = save_scan(tmp_path_factory.mktemp("tomogram") / "chest.nii.gz", seed=3)
    image = nib.load(path)
    nib.Nifti1Image((np.array(image.dataobj) * 2 - 1000).astype(np.int16), image.affine).to_filename(path)
    return path


@pytest.fixture
def chest(browser: Any, server: Server, tomogram: Path) -> Iterator[Any]:
    """A page that shows it."""
    with visit(browser, server) as page:
        page.locator("#upload input[type=file]").set_input_files(tomogram)
        page.locator(".viewer h2", has_text=tomogram.name).wait_for()
        yield page


def wait_window(page: Any, words: str) -> None:
    """Width and level as they are told beside the input; "" for what the network reads."""
    page.wait_for_function("words => document.querySelector('[data-text=window]').textContent === words", arg=words)


def windows_on_offer(page: Any) -> list[str]:
    # Another list that was open may still fade. The gallery's cards are always there.
    page.wait_for_function("!document.querySelector('[role=option]:not(.case-card)')")
    page.locator("#window input").click()
    # Not those of the page's own lists, as that of the gain.
    offered = page.locator("[role=option]:not(.case-card)")
    offered.first.wait_for()
    names = offered.all_inner_texts()
    # The list opens when the field gets the focus.
    page.locator("#window input").blur()
    return [name.strip().removeprefix("✓").strip() for name in names]


def test_windows_of_ct_are_offered_for_hounsfield_units_only_and_none_is_left_behind(page: Any, chest: Any) -> None:
    assert [name.startswith("CT") for name in windows_on_offer(page)] == [False, False]
    assert sum(name.startswith("CT") for name in windows_on_offer(chest)) == 3
    pick(chest, "window", "CT bone")
    chest.get_by_text("W 1800 L 400", exact=True).wait_for()
    pick(chest, "case", "Phantom zoomed")
    chest.locator(".viewer h2", has_text="Phantom zoomed").wait_for()
    wait_window(chest, "")
    assert [name.startswith("CT") for name in windows_on_offer(chest)] == [False, False]


def test_the_former_scan_keeps_its_own_name_until_the_next_one_is_painted(
    browser: Any, server: Server, gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = FakeSegmentedScan.perturb

    def held_up(scan: FakeSegmentedScan, index: int, strength: float, *arguments: Any) -> Any:
        # Its first picture, not what its opening decodes.
        assert (scan.scan.name, strength) != ("phantom_zoomed.nii.gz", 0.37) or gate.wait(60)
        return decode(scan, index, strength, *arguments)

    with visit(browser, server, f"{server.url}/?eps=0.37", "axial 3 0.37 resample 0") as page:
        wait_ahead(page)
        former = pixels(page, "image")
        monkeypatch.setattr(FakeSegmentedScan, "perturb", held_up)
        pick(page, "case", "Phantom zoomed")
        page.wait_for_selector(".viewer[data-leaving][aria-busy=true]")
        assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
        page.mouse.move(*middle_of(page, "image"))
        assert page.locator("[data-text=readout]").inner_text().startswith("Point at")
        gate.set()
        page.locator(".viewer:not([data-leaving]) h2", has_text="Phantom zoomed").wait_for()
        assert (pixels(page, "image") != former).any()


def test_the_right_button_drags_the_window_which_is_told_in_width_and_level(chest: Any) -> None:
    page = chest
    pick(page, "window", "CT soft tissue")
    page.get_by_text("W 400 L 40", exact=True).wait_for()
    x, y = middle_of(page, "image")
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x, y + 50)
    page.mouse.up(button="right")
    page.get_by_text("W 400 L 140", exact=True).wait_for()


def test_the_window_is_chosen_and_dragged_over_the_values_of_the_file(chest: Any, tomogram: Path) -> None:
    page, reconstruction = chest, pixels(chest, "reconstruction")
    pick(page, "window", "CT soft tissue")
    wait_window(page, "W 400 L 40")
    scan = read_scan(tomogram)
    expected = greyscale(plane_views(scan)["axial"].cut(scan.voxels, 3), -160, 240)
    assert np.abs(pixels(page, "image")[..., 0].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(pixels(page, "reconstruction"), reconstruction)
    x, y = middle_of(page, "image")
    page.mouse.move(x, y)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(x + 100, y + 50)
    page.mouse.up()
    page.keyboard.up("Shift")
    wait_window(page, "W 600 L 140")
    page.locator("#reset").click()
    wait_window(page, "")


def test_neurological_pictures_are_mirrored_with_their_letters(page: Any) -> None:
    letters = page.locator("[data-panel=labels] .stage > i")
    top, right, bottom, left = letters.all_inner_texts()
    page.get_by_label("Neurological").check()
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer canvas')).transform.startsWith('matrix(-1')")
    assert letters.all_inner_texts() == [top, left, bottom, right]
    page.get_by_label("Sagittal").check()
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer canvas')).transform.startsWith('matrix(1')")


def test_a_plane_across_the_slices_tells_how_far_it_is_and_the_last_wish_wins(
    page: Any, gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    decode = FakeSegmentedScan.perturb

    def held_up(scan: FakeSegmentedScan, index: int, strength: float, *arguments: Any) -> Any:
        # What is fetched ahead goes on as it likes; these strengths are not among it, and no other test's, whose volume would be kept.
        # Their first call's time is up after two slices, the fourth waits until it was seen how far it is.
        if strength in (0.43, 0.63):
            time.sleep(0.3)
            assert index < 3 or gate.wait(60)
        return decode(scan, index, strength, *arguments)

    monkeypatch.setattr(FakeSegmentedScan, "perturb", held_up)
    slide(page, "strength", 0.43)
    page.get_by_text(re.compile(r"Decoding slice \d of 6")).wait_for()
    slide(page, "strength", 0.8)
    gate.set()
    wait_painted(page, "coronal 24 0.8 resample 0")
    assert page.locator(".viewer .busy").is_hidden()
    gate.clear()
    slide(page, "strength", 0.63)
    page.get_by_role("button", name="Back to ε = 0").click()
    wait_painted(page, "coronal 24 0 resample 0")
    assert page.locator(".viewer .busy").is_hidden()
    gate.set()


def test_sliders_stand_below_the_pictures_of_a_phone(browser: Any, server: Server) -> None:
    with visit(browser, server) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.get_by_label("Number of the slice").fill("2")
        wait_painted(page, "axial 2 0 resample 0")
        page.get_by_label("Epsilon, the share of tokens to replace").fill("0.4")
        wait_painted(page, "axial 2 0.4 resample 0")
        assert page.locator(".scrub output").all_inner_texts() == ["0.40", "any codeword", "2"]
