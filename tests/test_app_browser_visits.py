"""Visits in a real browser: who sees what, links, window sizes, and that nothing comes from outside. Every wait is for a condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import WAIT, go, pick, pixels, slide, state, visit, wait_for_module, wait_painted, wait_state, wait_until
from app_server import Server, fake_models, fake_served, save_scan, serving
from fake_segmenter import FakeSegmentedScan

from app.page.sidebar import OPACITY
from app.scan.planes import plane_views
from app.scan.render import greyscale, label_colours, overlay
from app.tabs.registry import TABS
from app.visit.session import SessionError
from vqseg.data.scan import read_scan

HEART = ["Right ventricle (RV)", "Myocardium (MYO)", "Left ventricle (LV)"]


def test_visitors_see_their_own_scans_until_they_leave(page: Any, browser: Any, server: Server, tmp_path: Path) -> None:
    with visit(browser, server) as other:
        other.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "other.nii.gz", seed=21))
        other.get_by_role("heading", name="other.nii.gz").wait_for()
        wait_painted(other, "axial 3 0 resample 0")
        assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
        mine, others = (state(visitor, "scan.token") for visitor in (page, other))
        assert server.store.get(mine) is not server.store.get(others)
        held = len(server.store)
    wait_until(page, lambda: len(server.store) == held - 1)
    with pytest.raises(SessionError):
        server.store.get(others)
    assert server.store.get(mine)


def test_the_address_names_every_tab(page: Any) -> None:
    for tab in TABS:
        page.get_by_role("tab", name=tab.title).click()
        page.wait_for_url(lambda url, name=tab.name: f"tab={name}" in url)


@pytest.mark.parametrize("tab", [tab.title for tab in TABS])
def test_the_page_fits_the_smallest_window_without_a_scroll_bar(page: Any, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    if tab == "Compare":
        page.locator("[data-text=of-b]", has_text="slice").wait_for()
    if tab == "Learn":
        # Before that the tab is empty, and fits.
        page.wait_for_selector(".lesson:not([data-waiting])")
        page.wait_for_selector(".lesson .ask .primary:not([disabled]), .lesson .outcome")
    if tab == "Label":
        page.wait_for_selector("#label .label[data-painted]")
    page.wait_for_function("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")


def test_a_link_reproduces_the_view_and_the_address_follows_it(browser: Any, server: Server) -> None:
    address = f"{server.url}/?case=Phantom+zoomed&plane=coronal&slice=7&eps=0.35&mode=shuffle&seed=11&tab=codebook"
    with visit(browser, server, address, "coronal 7 0.35 shuffle 11") as other:
        assert other.locator(".viewer h2").text_content() == "Phantom zoomed"
        assert other.get_by_role("tab", name="Codebook").get_attribute("aria-selected") == "true"
        other.get_by_role("tab", name="See").click()
        slide(other, "strength", 0.4)
        other.wait_for_url(lambda url: "eps=0.4&" in url and "tab=see" in url)
        assert "case=Phantom+zoomed&plane=coronal&slice=7&" in other.url


def test_nothing_is_requested_from_outside(page: Any, server: Server) -> None:
    page.get_by_role("tab", name="Codebook").click()
    wait_for_module(page, "tabs/codebook/view.js", "m => m.state()?.points > 0")
    outside = [url for url in page.requests if not url.startswith((server.url, "data:", "blob:"))]
    assert outside == []


def test_another_checkpoint_opens_the_scan_on_show_anew_with_its_own_classes(page: Any, server: Server, example: Path) -> None:
    slide(page, "slice", 2)
    wait_painted(page, "axial 2 0 resample 0")
    pick(page, "checkpoint", "Second")
    wait_state(page, "scan.checkpoint", "second")
    wait_painted(page, "axial 2 0 resample 0")
    segmented = FakeSegmentedScan(read_scan(example), ("background", "nodule"))
    view = plane_views(segmented.scan)["axial"]
    grey, labels = greyscale(view.cut(segmented.normalised, 2)), view.cut(segmented.labels, 2)
    expected = overlay(grey, labels, label_colours(2), opacity=OPACITY)
    wait_until(page, lambda: np.array_equal(pixels(page, "labels"), expected))
    wait_until(page, lambda: page.locator("#visible label").all_inner_texts() == ["Lung nodule (nodule)"])
    page.wait_for_url(lambda url: "checkpoint=second" in url)
    # The truth knows the first checkpoint's classes only.
    page.locator(".figures .truth").wait_for(state="hidden")
    page.get_by_role("tab", name="Codebook").click()
    page.get_by_role("heading", name="This checkpoint has no codebook statistics").wait_for()
    pick(page, "checkpoint", "First")
    wait_state(page, "scan.checkpoint", "first")
    wait_for_module(page, "tabs/codebook/view.js", "m => m.state()?.points > 0")
    wait_until(page, lambda: page.locator("#visible label").all_inner_texts() == HEART)


def test_an_own_scan_is_opened_anew_too_and_stays_when_that_fails(browser: Any, tmp_path: Path, checkpoint: Path, example: Path) -> None:
    models = fake_models(fake_served("first"), opens_others=True)
    with serving(tmp_path / "cache", [example], models=models) as running, visit(browser, running) as page:
        page.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz", seed=4))
        page.get_by_role("heading", name="mine.nii.gz").wait_for()
        first = state(page, "scan.token")
        # Nothing typed, nothing done: neither a message nor another scan.
        page.locator("#other button").click()
        page.locator("#other textarea, #other input").fill("./nowhere")
        page.locator("#other button").click()
        toast = page.locator('[data-testid="toast-body"]', has_text="there is no checkpoint folder './nowhere'")
        toast.wait_for()
        assert page.locator('[data-testid="toast-body"]').count() == 1
        assert state(page, "scan.token") == first
        assert page.locator("#checkpoint input").input_value() == "First"
        page.locator("#other textarea, #other input").fill(str(checkpoint))
        page.locator("#other button").click()
        wait_state(page, "scan.checkpoint", str(checkpoint))
        assert page.locator(".viewer h2").inner_text() == "mine.nii.gz"
        wait_until(page, lambda: page.locator("#checkpoint input").input_value() == "tiny")
        wait_until(page, lambda: page.locator("#visible label").all_inner_texts() == HEART)
        page.wait_for_selector(".viewer[data-painted]")
        pick(page, "checkpoint", "First")
        wait_state(page, "scan.checkpoint", "first")


def test_a_link_chooses_the_checkpoint_and_one_that_is_not_here_is_named(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?checkpoint=second&slice=1", "axial 1 0 resample 0") as other:
        assert state(other, "scan.checkpoint") == "second"
        wait_until(other, lambda: other.locator("#checkpoint input").input_value() == "Second")
        wait_until(other, lambda: other.locator("#visible label").all_inner_texts() == ["Lung nodule (nodule)"])
    with visit(browser, server, f"{server.url}/?checkpoint=owner/secret&slice=1", "axial 1 0 resample 0") as other:
        other.locator('[data-testid="toast-body"]', has_text="does not have the checkpoint owner/secret; showing the default").wait_for()
        assert state(other, "scan.checkpoint") == "first"


NAMELESS = """() => {
  const shown = (e) => e.offsetParent !== null;
  const controls = [...document.querySelectorAll("#sidebar :is(button, input, fieldset)")].filter(shown);
  const nameOf = (e) => e.getAttribute("aria-label") || (e.matches("fieldset") ? "" : e.closest("label")?.textContent || e.textContent);
  return controls.map((e) => [e.tagName, e.id, (nameOf(e) ?? "").trim()]);
}"""


def test_every_control_of_the_sidebar_has_a_name_of_its_own(page: Any) -> None:
    page.wait_for_selector("#upload button[aria-label='Your scan: Drop your file here - or - choose a file']")
    named = page.evaluate(NAMELESS)
    assert [control for control in named if not control[2]] == []
    assert {"Replacement", "Plane", "Left and right", "Structures"} <= {name for tag, _, name in named if tag == "FIELDSET"}
    assert page.get_by_label("Slice as a slider").count() == page.get_by_label("Slice as a number").count() == 1


def test_the_disclaimer_hides_nothing_that_can_be_clicked(page: Any) -> None:
    link = page.get_by_role("button", name="Use via API")
    top = "e => { const r = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + 9)); }"
    assert link.evaluate(top)
    assert page.locator("#disclaimer p").evaluate(top)


@pytest.mark.parametrize("control", ["#mode input:checked", "#slice input[type=range]", "#outline input", "#case .shown", "#reset"])
def test_the_focus_of_the_keyboard_is_seen(page: Any, control: str) -> None:
    page.keyboard.press("Shift")
    inner = page.locator(control).locator("xpath=descendant-or-self::*[self::input or self::button]").first
    inner.focus()
    # Buttons move there: the ring is awaited.
    ring = "e => { const { outlineStyle, outlineWidth } = getComputedStyle(e); return outlineStyle === 'solid' && outlineWidth === '2px'; }"
    page.wait_for_function(ring, arg=page.locator(control).element_handle())
    inner.blur()


def test_a_phone_shows_all_tabs_and_nothing_beside_the_screen(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    go(page, server.url)
    page.wait_for_selector(".viewer[data-painted]", state="attached")
    page.wait_for_function("count => document.querySelectorAll('[role=tab]').length === count", arg=len(TABS))
    for tab in reversed(TABS):
        page.get_by_role("tab", name=tab.title).click()
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_page_that_misses_a_module_says_so(browser: Any, server: Server) -> None:
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    page.route("**/page/events.js", lambda route: route.abort())
    page.goto(server.url)
    page.get_by_role("alert").get_by_text("did not load completely").wait_for()
    page.close()


def test_a_button_that_nothing_answers_yet_takes_no_click(browser: Any, server: Server) -> None:
    """A click between the arrival of a tab's markup and that of its modules was lost."""
    with visit(browser, server) as page:
        asked: list[Any] = []
        page.route("**/label/brush.js", lambda route: asked.append(route))
        page.get_by_role("tab", name="Label").click()
        page.locator("#label [data-do=empty]").wait_for()
        assert page.locator("#label [data-do=empty]").evaluate("button => button.closest('[inert]') !== null")
        wait_until(page, lambda: len(asked) > 0)
        asked[0].continue_()
        page.locator("#label [data-do=empty]").click()
        page.locator("#label [data-do=undo]:enabled").wait_for()
