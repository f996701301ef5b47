"""The tab Label in a real browser: painting by mouse and by keyboard, undoing, saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import module, pick, pixels, state, visit, wait_for_module, wait_painted, wait_state, wait_until
from app_server import Server, fake_models, fake_served, serving
from fake_segmenter import FakeSegmentedScan

from app.scan.fine_tuning import FineTuning
from app.scan.models import Served
from app.scan.planes import plane_views
from app.visit import fine_tunings
from app.visit.listening import FINE_TUNING
from vqseg.data.scan import read_labels, read_scan


@pytest.fixture
def tab(page: Any) -> Any:
    page.get_by_role("tab", name="Label").click()
    page.wait_for_selector("#label .label[data-painted$=' 3']")
    page.keyboard.press("b")
    return page


def labels_of(page: Any, index: int = 3) -> list[int]:
    """The labels of a slice as they stand; empty for one that nobody has touched."""
    scan = {name: state(page, f"scan.{name} ?? null") for name in ("identity", "frame", "classes")}
    key = "JSON.stringify([scan.identity, scan.frame ?? 0, scan.classes])"
    expression = f"({{ corrections }}, [scan, index]) => [...(corrections.sliceAt({key}, index)?.labels ?? [])]"
    return module(page, "tabs/label/context.js", expression, [scan, index])


def network(example: Path, index: int = 3) -> np.ndarray:
    segmented = FakeSegmentedScan(read_scan(example))
    return plane_views(segmented.scan)["axial"].cut(segmented.labels, index)


def undo_all(page: Any) -> None:
    while page.locator("#label [data-do=undo]").is_enabled():
        page.locator("#label [data-do=undo]").click()
        page.wait_for_timeout(30)


def place(page: Any, across: float, down: float) -> tuple[float, float]:
    box = page.locator("[data-panel=corrected] canvas").bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_stroke_of_the_mouse_is_one_step_that_is_undone_and_made_again(tab: Any, example: Path) -> None:
    before = network(example)
    tab.keyboard.press("2")
    tab.mouse.move(*place(tab, 0.2, 0.5))
    tab.mouse.down()
    # One jump: what lies between is painted too.
    tab.mouse.move(*place(tab, 0.8, 0.5))
    tab.mouse.up()
    tab.wait_for_selector("#label [data-do=undo]:not([disabled])")
    painted = np.reshape(labels_of(tab), before.shape)
    middle, columns = before.shape[0] // 2, before.shape[1]
    assert (painted[middle, int(0.2 * columns) : int(0.8 * columns)] == 2).all()
    np.testing.assert_array_equal(painted[painted != 2], before[painted != 2])
    assert tab.locator("#label [data-text=state]").inner_text() == "1 slice corrected"
    tab.keyboard.press("u")
    tab.wait_for_selector("#label [data-do=redo]:not([disabled])")
    np.testing.assert_array_equal(np.reshape(labels_of(tab), before.shape), before)
    assert tab.locator("#label [data-text=state]").is_hidden()
    tab.keyboard.press("Shift+U")
    tab.wait_for_selector("#label [data-do=redo][disabled]")
    np.testing.assert_array_equal(np.reshape(labels_of(tab), before.shape), painted)
    undo_all(tab)


def test_the_keyboard_alone_paints_erases_and_changes_the_slice(tab: Any, example: Path) -> None:
    before = network(example)
    rows, columns = before.shape
    canvas = tab.locator("[data-panel=corrected] canvas")
    for _ in range(20):
        tab.keyboard.press("[")
    tab.mouse.move(0, 0)
    canvas.focus()
    tab.keyboard.press("1")
    tab.wait_for_selector("#label [data-label='1'][aria-pressed=true]")
    tab.keyboard.down(" ")
    for _ in range(5):
        tab.keyboard.press("ArrowRight")
    tab.keyboard.up(" ")
    tab.wait_for_selector("#label [data-do=undo]:not([disabled])")
    expected = before.copy()
    expected[rows >> 1, columns >> 1 : (columns >> 1) + 6] = 1
    np.testing.assert_array_equal(np.reshape(labels_of(tab), before.shape), expected)
    tab.keyboard.press("e")
    tab.keyboard.press(" ")
    expected[rows >> 1, (columns >> 1) + 5] = 0
    np.testing.assert_array_equal(np.reshape(labels_of(tab), before.shape), expected)
    tab.keyboard.press("PageUp")
    wait_state(tab, "index", 4)
    # A step back leads to the slice that it changes.
    tab.keyboard.press("u")
    wait_state(tab, "index", 3)
    undo_all(tab)
    np.testing.assert_array_equal(np.reshape(labels_of(tab), before.shape), before)
    # Out of the picture, arrows change the slice as everywhere.
    tab.keyboard.press("Escape")
    tab.keyboard.press("ArrowLeft")
    wait_state(tab, "index", 2)


def test_the_slice_is_shown_in_the_window_that_was_chosen_or_dragged_in_see(page: Any) -> None:
    def seen(panel: str, name: str) -> np.ndarray:
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(200)
        return pixels(page, panel)

    page.get_by_role("tab", name="Label").click()
    page.wait_for_selector("#label .label[data-painted$=' 3']")
    plain = seen("corrected", "Label")
    np.testing.assert_array_equal(plain, seen("labels", "See"))
    pick(page, "window", "1st to 99th percentile")
    wait_state(page, "range", "percentiles")
    windowed = seen("labels", "See")
    assert (windowed != plain).any()
    np.testing.assert_array_equal(seen("corrected", "Label"), windowed)
    page.get_by_role("tab", name="See").click()
    box = page.locator("[data-panel=image] canvas").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    dragged = seen("labels", "See")
    assert (dragged != windowed).any()
    np.testing.assert_array_equal(seen("corrected", "Label"), dragged)


def test_the_saved_file_has_what_was_painted_in_its_place(tab: Any, example: Path, tmp_path: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    tab.locator("#label [data-do=empty]").click()
    tab.wait_for_selector("#label [data-text=state]:not([hidden])")
    with tab.expect_download() as loading:
        tab.locator("#label [data-ending='.nii.gz']").click()
    file = tmp_path / loading.value.suggested_filename
    loading.value.save_as(file)
    expected = segmented.labels.copy()
    np.moveaxis(expected, segmented.axis, 0)[3] = 0
    np.testing.assert_array_equal(read_labels(file), expected)
    assert file.name == "phantom_small-heart_corrected.nii.gz"
    tab.wait_for_function("document.querySelector('#label [data-text=saved]').textContent.includes('1 corrected slice.')")
    undo_all(tab)


def asks_before_leaving(page: Any) -> bool:
    return module(page, "tabs/label/context.js", "({ corrections }) => corrections.anyUnsaved()")


def test_the_page_asks_before_it_is_left_only_while_something_is_not_saved_and_who_stays_can_save(tab: Any) -> None:
    told = tab.locator("#label [data-text=saved]")
    assert not asks_before_leaving(tab)
    tab.locator("#label [data-do=right]").click()
    told.filter(has_text="Not saved yet.").wait_for()
    assert asks_before_leaving(tab)
    with tab.expect_event("dialog") as asking:
        tab.once("dialog", lambda dialog: dialog.dismiss())
        tab.evaluate("setTimeout(() => location.reload())")
    assert asking.value.type == "beforeunload"
    with tab.expect_download():
        tab.locator("#label [data-ending='.nii.gz']").click()
    told.filter(has_text="Saved phantom_small-heart_corrected.nii.gz").wait_for()
    assert not asks_before_leaving(tab)
    tab.locator("#label [data-do=empty]").click()
    told.filter(has_text="Not saved yet.").wait_for()
    assert asks_before_leaving(tab)
    undo_all(tab)
    assert not asks_before_leaving(tab)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (390, 844)])
def test_nothing_of_the_tab_lies_beyond_its_column_in_any_window(browser: Any, server: Server, size: tuple[int, int]) -> None:
    is_phone = size[0] == 390
    with visit(browser, server, f"{server.url}/?tab=label&slice=3&eps=0") as page:
        page.wait_for_selector("#label .label[data-painted$=' 3']")
        page.set_viewport_size({"width": size[0], "height": size[1]})
        if not is_phone:
            page.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
        page.wait_for_function("""() => [...document.querySelectorAll("#label .painting, #label .using")].every((column) =>
          column.scrollWidth <= column.clientWidth && column.getBoundingClientRect().right <= innerWidth)""")
        # The picture has the larger part of the room, and its slices are in sight below it.
        page.wait_for_function(
            """(isPhone) => {
              const names = [".desk", ".stage", ".slices"];
              const [desk, stage, slices] = names.map((n) => document.querySelector("#label " + n).getBoundingClientRect());
              const isLarge = isPhone ? stage.width > 0.9 * desk.width && desk.width > 340 : stage.height > 0.75 * desk.height;
              return isLarge && slices.top >= stage.bottom && slices.bottom < innerHeight;
            }""",
            arg=is_phone,
        )


def test_the_keys_are_told_on_demand(tab: Any) -> None:
    keys = tab.get_by_role("dialog", name="Keys")
    tab.get_by_role("button", name="Keys", exact=True).click()
    keys.wait_for()
    assert "uncertain regions" in keys.inner_text()
    tab.keyboard.press("Escape")
    keys.wait_for(state="hidden")


def test_a_second_finger_calls_a_stroke_off_and_a_brush_tells_its_token(tab: Any) -> None:
    tab.evaluate("""() => {
      const stage = document.querySelector("[data-panel=corrected] .stage");
      stage.setPointerCapture = () => {};
      const box = stage.getBoundingClientRect();
      const send = (type, pointerId, x) => stage.dispatchEvent(new PointerEvent(type, { pointerId, bubbles: true, pointerType: "touch",
        isPrimary: pointerId === 1, button: 0, clientX: box.left + x * box.width, clientY: box.top + box.height / 2 }));
      send("pointerdown", 1, 0.4);
      send("pointermove", 1, 0.5);
      send("pointerdown", 2, 0.6);
      send("pointerup", 1, 0.5);
      send("pointerup", 2, 0.6);
    }""")
    assert tab.locator("#label [data-do=undo]").is_disabled()
    tab.mouse.move(*place(tab, 0.5, 0.5))
    tab.wait_for_function("document.querySelector('#label [data-text=code]').textContent.includes('code ')")
    assert "training token" in tab.locator("#label [data-text=meaning]").inner_text()


def test_keys_mean_what_they_mean_elsewhere_while_another_tab_is_on_show(page: Any) -> None:
    page.get_by_role("tab", name="Perturb").click()
    page.keyboard.press("]")
    wait_state(page, "strength", 0.05)
    page.keyboard.press("0")
    wait_state(page, "strength", 0)
    wait_painted(page, "axial 3 0 resample 0")
    wait_for_module(page, "web/store.js", "({ store }) => store.state.index === 3")


def test_a_fine_tuned_network_is_opened_and_left_again(
    browser: Any, tmp_path: Path, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training itself is in test_fine_tuning.py; here nothing is trained."""
    for name in (FINE_TUNING, "SPACE_ID", "GRADIO_ROOT_PATH", "VQSEG_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(FineTuning, "prepare", lambda work: None)
    monkeypatch.setattr(FineTuning, "train", lambda work, seconds, wanted: "")
    monkeypatch.setattr(FineTuning, "labels", lambda work: work.corrections.merged(work.scan))
    monkeypatch.setattr(fine_tunings, "load_served", lambda name, title, folder, others: replace(fake_served(name), title=title))
    lending: list[Served | None] = []

    def lend(served: Served | None) -> None:
        lending.append(served)
        models.lend(served)

    models = fake_models(replace(fake_served("first"), lend=lend))
    with serving(tmp_path / "cache", [example], models=models) as running, visit(browser, running) as page:
        page.get_by_role("tab", name="Label").click()
        page.wait_for_selector("#label .label[data-painted$=' 3']")
        page.locator("#label [data-do=right]").click()
        page.locator("#label [data-do=tune]:not([disabled])").click()
        # What the network makes of the slice is shown until something is painted.
        page.locator("#label [data-do=after]").click()
        page.wait_for_selector("#label [data-do=after][aria-pressed=true]")
        page.locator("#label [data-do=empty]").click()
        page.wait_for_selector("#label [data-do=after][aria-pressed=false]")
        page.locator("#label [data-do=undo]").click()
        page.locator("#label [data-do=keep]").click()
        page.locator("#label [data-do=back]").wait_for()
        assert lending[-1] is not None and state(page, "scan.checkpoint") == lending[-1].name
        page.wait_for_url(lambda url: "fine-tuned" in url)
        address = page.url
        page.wait_for_function("document.querySelector('#checkpoint input').value === 'First, fine-tuned'")
        # The corrections are those of the scan, whatever network reads it.
        assert page.locator("#label [data-text=state]").inner_text() == "1 slice corrected"
        page.locator("#label [data-do=back]").click()
        wait_state(page, "scan.checkpoint", "first")
        page.locator("#label [data-do=keep]").wait_for()
        # Its address leads nowhere once the visit has ended.
        page.goto("about:blank")
        wait_until(page, lambda: lending[-1] is None)
        page.goto(address)
        page.locator('[data-testid="toast-body"]', has_text="fine-tuned during a visit").wait_for()
        assert state(page, "scan.checkpoint") == "first"
        page.wait_for_url(lambda url: "fine-tuned" not in url)
        assert page.locator("#checkpoint input").input_value() == "First"
