"""axe-core finds no violation in any tab, at three sizes, in light or dark colours. Its rules are checked by a fault of our own making."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from app_browser import wait_painted

from app.tabs.registry import TABS

AXE = Path(__file__).parents[1] / "node_modules/axe-core/axe.min.js"
# Colours do not depend on the size, so that each size is looked at once.
LOOKS = [("dark", 1920, 1080), ("light", 1280, 720), ("dark", 390, 844)]
# By rule, what breaks it: "color-contrast: .legend span".
VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}"""
# Colours fade over some frames; what they are meanwhile is no violation.
SETTLED = """async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const passing = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(passing.map(({ finished }) => finished));
}"""


@pytest.fixture
def checked(page: Any) -> Any:
    """The page with axe-core in it."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    # Not by a tag of its own: the page's headers would refuse it.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    former = page.viewport_size
    yield page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(former)


def violations(page: Any) -> list[str]:
    page.evaluate(SETTLED)
    return page.evaluate(VIOLATIONS)


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_no_tab_has_a_violation(checked: Any, scheme: str, width: int, height: int) -> None:
    checked.emulate_media(color_scheme=scheme)
    checked.set_viewport_size({"width": width, "height": height})
    checked.reload()
    wait_painted(checked, "axial 3 0 resample 0")
    checked.evaluate(AXE.read_text(encoding="utf-8"))
    found = {}
    for tab in TABS:
        open_tab(checked, tab.title)
        found[tab.name] = violations(checked)
    assert not {name: broken for name, broken in found.items() if broken}


def open_tab(page: Any, title: str) -> None:
    """Choose a tab, also one that a narrow page has in its menu alone."""
    tab = page.get_by_role("tab", name=title, exact=True)
    if tab.count():
        tab.first.evaluate("tab => tab.click()")
    else:
        page.get_by_role("button", name="More tabs").click()
        page.locator(".overflow-dropdown").get_by_text(title, exact=True).click()
    page.get_by_role("tabpanel").and_(page.locator(":visible")).first.wait_for()


def test_a_button_without_a_name_is_found(checked: Any) -> None:
    checked.evaluate("document.body.append(Object.assign(document.createElement('button'), { id: 'nameless' }))")
    try:
        assert "button-name: #nameless" in violations(checked)
    finally:
        checked.evaluate("document.querySelector('#nameless').remove()")
