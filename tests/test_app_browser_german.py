"""The page in German, in a real browser: nothing English is left on it, and a change of the language keeps what is on show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from app_browser import slide, state, visit, wait_painted, wait_until
from app_server import Server

from app.tabs.registry import TABS
from app.web.catalogues import catalogues

# The English of texts that have another German: whatever of these stands on the page was forgotten.
ENGLISH = sorted(text for text, german in catalogues()["de"].texts.items() if german != text and "{" not in text and "[" not in text)
LEFT = """(english) => {
  const known = new Set(english), found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    const element = node instanceof Element ? node : node.parentElement;
    if (element.closest("[translate=no], code, pre, script, style, .js-plotly-plot")) continue;
    const texts = node instanceof Text ? [node.data] : ["title", "aria-label", "placeholder"].map((name) => node.getAttribute(name));
    for (const text of texts) if (text && known.has(text.replace(/\\s+/g, " ").trim())) found.add(text.trim());
  }
  return [...found];
}"""


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    with visit(browser, server, f"{server.url}/?lang=de") as opened:
        yield opened
        opened.evaluate("localStorage.clear()")


def spoken(page: Any) -> str:
    return page.evaluate("document.documentElement.lang")


def test_no_english_is_left_in_any_tab_of_the_german_page(page: Any) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    assert spoken(page) == "de"
    for tab in TABS:
        page.get_by_role("tab", name=catalogues()["de"].texts[tab.title], exact=True).click()
        wait_until(page, lambda: page.evaluate(LEFT, ENGLISH) == [], 20)


def test_the_language_changes_without_a_reload_and_is_kept(page: Any, browser: Any, server: Server) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    token = state(page, "scan.token")
    assert page.locator("[data-text=replaced]").inner_text().endswith(" %")
    page.get_by_role("button", name="English").press("Enter")
    page.get_by_role("button", name="Results", exact=True).wait_for()
    assert spoken(page) == "en"
    assert (state(page, "scan.token"), state(page, "strength")) == (token, 0.5)
    page.wait_for_url(lambda url: "lang=en" in url)
    page.get_by_role("button", name="Deutsch").press("Enter")
    page.get_by_role("button", name="Ergebnisse", exact=True).wait_for()
    with visit(browser, server) as other:
        other.get_by_role("button", name="Ergebnisse", exact=True).wait_for()
        assert spoken(other) == "de"


def test_an_english_page_fetches_no_catalogue(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?lang=en") as page:
        assert spoken(page) == "en"
        assert not [url for url in page.requests if "vqseg-texts" in url]
