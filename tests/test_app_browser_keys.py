"""The page by keyboard in a real browser: lists and panels, resets and their undoing, the lesson, the skip link, wrong links.

Every wait is for a condition.
"""

from __future__ import annotations

from typing import Any

import pytest
from app_browser import module, pick, reset, slide, state, visit, wait_for_module, wait_painted, wait_state
from app_server import Server

WIDTHS = [(1920, 1080), (1280, 720), (390, 844)]
TOAST = '[data-testid="toast-body"]'
# What of a panel a click would miss: a control that lies outside of the window, or under something else.
MISSED = """panel => [...panel.querySelectorAll("button, input, select, [role=option]")].filter(one => {
  one.scrollIntoView({ block: "nearest" });
  const { left, top, width, height } = one.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  return !hit || !one.contains(hit);
}).map(one => one.outerHTML.slice(0, 120))"""


def focused(page: Any, selector: str) -> None:
    """Wait until the keyboard is on such an element."""
    page.wait_for_function("selector => document.activeElement?.matches(selector)", arg=selector)


def opened(page: Any, panel: str) -> Any:
    """Open a list or a panel."""
    if panel == "examples":
        page.locator("#case .shown").click()
        return page.locator("#case .panel")
    if panel == "parameters":
        page.get_by_role("tab", name="Codebook").click()
        page.wait_for_selector("#codewords .js-plotly-plot")
        page.get_by_role("button", name="Parameters").click()
        return page.locator(".parameters form")
    field = page.locator(f"#{panel} input")
    field.focus()
    # The neighbour's list may still be about to close.
    page.wait_for_function("field => field.ariaExpanded === 'true'", arg=field.element_handle())
    return page.locator(f"[id='{field.get_attribute('aria-controls')}']")


@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: f"{size[0]}")
@pytest.mark.parametrize("panel", ["examples", "parameters", "checkpoint", "window"])
def test_whatever_opens_lies_over_the_page_and_closes_when_the_keyboard_leaves(page: Any, panel: str, size: tuple[int, int]) -> None:
    former = page.viewport_size
    page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        shown = opened(page, panel)
        shown.wait_for()
        # A list moves into its place, also after the window has another size.
        inside = "const { left, right } = panel.getBoundingClientRect(); return left >= 0 && right <= innerWidth"
        page.wait_for_function(f"panel => {{ {inside} && !({MISSED})(panel).length; }}", arg=shown.element_handle())
        for _ in range(20):
            page.keyboard.press("Tab")
            if shown.count() == 0 or not shown.is_visible():
                break
        shown.wait_for(state="hidden")
        # Nor does it stay when something else is clicked.
        shown = opened(page, panel)
        shown.wait_for()
        # On a phone something else lies there.
        if size[0] > 390:
            page.mouse.click(size[0] - 2, 2)
        else:
            page.keyboard.press("Escape")
        shown.wait_for(state="hidden")
    finally:
        page.set_viewport_size(former)


@pytest.mark.parametrize("panel", ["examples", "parameters"])
def test_a_panel_is_closed_by_its_own_button_and_by_escape(page: Any, panel: str) -> None:
    shown = opened(page, panel)
    shown.wait_for()
    selector = "#case .shown" if panel == "examples" else ".parameters > button"
    button = page.locator(selector)
    # The browser tells of a panel after it has painted it.
    page.wait_for_selector(f"{selector}[aria-expanded=true]")
    button.dispatch_event("click")
    shown.wait_for(state="hidden")
    button.click()
    page.keyboard.press("Escape")
    shown.wait_for(state="hidden")
    page.wait_for_selector(f"{selector}[aria-expanded=false]")


def test_key_0_sets_epsilon_to_0_and_nothing_else(page: Any) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    slide(page, "slice", 20)
    page.locator("#seed input").fill("5")
    slide(page, "strength", 0.5)
    wait_painted(page, "coronal 20 0.5 resample 5")
    page.locator(".viewer h2").click()
    page.keyboard.press("0")
    wait_painted(page, "coronal 20 0 resample 5")


EDITED = "({ store }, edits) => JSON.stringify(store.state.edits) === JSON.stringify(edits)"


def test_a_reset_is_undone_with_all_that_it_dropped(page: Any) -> None:
    slide(page, "slice", 4)
    wait_painted(page, "axial 4 0 resample 0")
    page.locator("#seed input").fill("7")
    slide(page, "strength", 0.35)
    page.get_by_label("Shuffle").check()
    page.get_by_label("RV").uncheck()
    wait_for_module(page, "web/store.js", "({ store }) => { store.edit([[2, 3, 9]]); store.moveReach(3); return true; }")
    wait_painted(page, "axial 4 0.35 shuffle 7")
    page.locator(".viewer h2").click()
    page.keyboard.press("x")
    wait_painted(page, "axial 3 0 resample 0")
    wait_for_module(page, "web/store.js", EDITED, [])
    # A second press changes nothing, and there is nothing to undo in it.
    reset(page)
    page.locator(".viewer h2").click()
    page.keyboard.press("u")
    wait_painted(page, "axial 4 0.35 shuffle 7")
    wait_for_module(page, "web/store.js", EDITED, [[2, 3, 9]])
    wait_state(page, "chosenReach", 3)
    assert "RV" not in state(page, "visible")
    assert page.get_by_label("Slice as a slider").input_value() == "4"
    assert page.get_by_label("Shuffle").is_checked()


def test_the_button_that_undoes_is_there_while_there_is_a_reset_to_undo(browser: Any, server: Server) -> None:
    with visit(browser, server) as page:
        button = page.get_by_role("button", name="Undo (U)")
        assert not button.is_visible()
        slide(page, "strength", 0.5)
        wait_painted(page, "axial 3 0.5 resample 0")
        page.locator("#reset").click()
        wait_painted(page, "axial 3 0 resample 0")
        button.click()
        wait_painted(page, "axial 3 0.5 resample 0")
        button.wait_for(state="hidden")
        # What was dropped belongs to its scan.
        page.locator("#reset").click()
        button.wait_for()
        pick(page, "case", "Phantom zoomed")
        button.wait_for(state="hidden")


def test_dropping_all_forced_tokens_is_undone(page: Any) -> None:
    page.get_by_role("tab", name="Perturb").click()
    wait_for_module(page, "web/store.js", "({ store }) => { store.edit([[0, 0, 1]]); store.edit([[0, 0, 1], [1, 1, 2]]); return true; }")
    page.locator(".edits [data-do=clear]:enabled").click()
    wait_for_module(page, "web/store.js", EDITED, [])
    page.locator(".edits [data-do=undo]:enabled").click()
    wait_for_module(page, "web/store.js", EDITED, [[0, 0, 1], [1, 1, 2]])
    page.locator(".edits [data-do=undo]:enabled").click()
    wait_for_module(page, "web/store.js", EDITED, [[0, 0, 1]])


def lesson(browser: Any, server: Server, more: str = "") -> Any:
    return visit(browser, server, f"{server.url}/?tab=learn&step=1&slice=3{more}")


def test_the_first_stop_skips_the_controls_and_leads_to_the_question(browser: Any, server: Server) -> None:
    with lesson(browser, server) as page:
        page.wait_for_selector(".lesson .ask .primary:enabled")
        page.keyboard.press("Tab")
        focused(page, "#skip")
        box = page.locator("#skip").bounding_box()
        assert box["width"] > 100
        assert box["y"] >= 0
        page.keyboard.press("Enter")
        focused(page, ".question")
        page.keyboard.press("Tab")
        focused(page, ".lesson .ask input")
        page.get_by_role("tab", name="See").click()
        page.locator("#skip").focus()
        page.keyboard.press("Enter")
        focused(page, "[role=tabpanel]:has(.viewer)")


def test_the_keyboard_goes_to_the_question_at_every_turn_of_the_page(browser: Any, server: Server) -> None:
    with lesson(browser, server) as page:
        steps = page.locator(".progress button")
        for turn in (
            lambda: steps.nth(1).press("Enter"),
            lambda: page.locator(".walk [data-do=next]").press("Enter"),
            lambda: page.keyboard.press("n"),
            lambda: page.keyboard.press("PageUp"),
            lambda: page.locator(".walk [data-do=back]").press("Enter"),
            lambda: page.locator(".walk [data-do=back]").press("Enter"),
        ):
            before = page.locator(".lesson h2").inner_text()
            turn()
            page.wait_for_function("before => document.querySelector('.lesson h2').innerText !== before", arg=before)
            page.wait_for_selector(".lesson:not([data-waiting]) .ask .primary:enabled")
            focused(page, ".question")


def test_the_keyboard_stays_in_the_lesson_when_it_is_written_anew(browser: Any, server: Server) -> None:
    with lesson(browser, server) as page:
        page.wait_for_selector(".lesson:not([data-waiting]) .ask .primary:enabled")
        field = page.locator(".lesson .ask input").first
        field.focus()
        module(page, "web/keys.js", "({ setSlider }) => setSlider('slice', 4)")
        wait_state(page, "index", 4)
        page.wait_for_selector(".lesson:not([data-waiting]) .ask .primary:enabled")
        focused(page, ".lesson .ask input")
        page.keyboard.press("5") if field.get_attribute("type") == "number" else page.keyboard.press("Space")
        page.keyboard.press("Enter")
        focused(page, ".outcome")
        page.locator(".outcome .quiet").press("Enter")
        page.wait_for_selector(".lesson .ask")
        focused(page, ".question")
        page.locator(".note summary").press("Enter")
        page.wait_for_selector(".note[open]")
        focused(page, ".note summary")


# What the Tab key would reach outside of the lesson, beside the skip link and the line at the foot of the page.
REACHED = """[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(one =>
  !one.closest(".lesson, [inert], #skip, footer, #disclaimer, .toast-wrap") && one.tabIndex >= 0 && !one.disabled && one.checkVisibility()
).map(one => one.outerHTML.slice(0, 120))"""


def test_what_large_text_covers_is_out_of_reach(browser: Any, server: Server) -> None:
    with lesson(browser, server) as page:
        page.wait_for_selector(".lesson .ask .primary:enabled")
        assert page.evaluate(REACHED)
        page.locator(".lesson [data-do=large]").click()
        page.wait_for_selector(".lesson.large")
        assert page.evaluate(REACHED) == []
        assert page.locator("#disclaimer").evaluate("one => !one.closest('[inert]')")
        page.keyboard.press("Escape")
        page.wait_for_selector(".lesson:not(.large)")
        assert page.locator("[inert]").count() == 0


WRONG = {
    "case": "Martian heart",
    "slice": "99",
    "eps": "7",
    "plane": "upwards",
    "mode": "guess",
    "seed": "-1",
    "reach": "100000",
    "frame": "4",
    "edits": "77.0.1",
    "tab": "nowhere",
    "step": "42",
    "view": "moon",
    "checkpoint": "nobody/knows",
}


def test_a_link_says_what_of_it_was_not_understood(browser: Any, server: Server) -> None:
    address = f"{server.url}/?" + "&".join(f"{name}={value}" for name, value in WRONG.items())
    with visit(browser, server, address, "axial 5 0 resample 0") as page:
        toast = page.locator(TOAST)
        toast.wait_for()
        said = toast.inner_text()
        assert [name for name, value in WRONG.items() if name not in said or value not in said] == []


def test_a_link_that_is_understood_says_nothing(browser: Any, server: Server) -> None:
    address = f"{server.url}/?slice=3&eps=0.5&plane=axial&seed=2&tab=learn&step=2&large=1&lang=de&edits=0.0.1&code=3&view=map"
    with visit(browser, server, address, "axial 3 0.5 resample 2") as page:
        assert page.locator(TOAST).count() == 0
