"""The page in German, in a real browser: nothing English is left on it, and a change of the language keeps what is on show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from app_browser import pick, slide, state, visit, wait_painted, wait_state, wait_until
from app_server import Server

from app.tabs.registry import TABS
from app.web.catalogues import catalogues

# Words of the German texts, and names that this server shows. Whatever else stands on the page was forgotten.
WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{2,}")
GERMAN = {word for text in catalogues()["de"].texts.values() for word in WORD.findall(re.sub(r"\{#?\w+\}", "", text))}
# Formats, methods, units and structures; what the codebook's search understands; examples, checkpoints, statistics and authors.
NAMES = {
    *("Analyze", "NRRD", "JPEG", "TIFF", "BMP", "WebP", "PCA", "ml", "logo", "gradio", "client", "RV", "MYO"),
    *("dead", "rare", "new", "class", "Phantom", "small", "heart", "zoomed", "First", "Second", "made", "up", "scans"),
    *("Yang", "Xing", "Zhu", "NeurIPS"),
}
# What is read, heard or pointed at. A field is asked past its own property, which tells its program the English text.
SHOWN = """() => {
  const verbatim = "[translate=no], code, pre, script, style, textarea";
  const { get } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  const told = ["title", "aria-label", "aria-description", "placeholder", "alt", "aria-valuetext", "data-title"], found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    const element = node instanceof Element ? node : node.parentElement;
    if (element.closest(verbatim)) continue;
    const texts = node instanceof Text ? [node.data] : told.map((name) => node.getAttribute(name));
    if (element.matches("[role=combobox]")) texts.push(get.call(element));
    for (const text of texts) if (text) found.add(text.replace(/\\s+/g, " ").trim());
  }
  return [...found];
}"""


def left(page: Any) -> list[str]:
    """Texts of the page with a word that no German text has."""
    return [text for text in page.evaluate(SHOWN) if not set(WORD.findall(text)) <= GERMAN | NAMES]


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
        wait_until(page, lambda: left(page) == [], 20)


def test_a_list_shows_its_choice_in_the_language_and_tells_its_program_the_same(page: Any) -> None:
    def shown() -> str:
        return page.locator("#window input").evaluate(
            "(field) => Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').get.call(field)"
        )

    wait_until(page, lambda: shown() == "Wie das Netz es liest", 20)
    pick(page, "window", "1. bis 99. Perzentil")
    wait_state(page, "range", "percentiles")
    assert shown() == "1. bis 99. Perzentil"
    page.get_by_role("button", name="English").press("Enter")
    wait_until(page, lambda: shown() == "1st to 99th percentile", 20)
    assert state(page, "range") == "percentiles"


def test_the_number_beside_a_slider_is_written_and_typed_in_the_language(page: Any) -> None:
    field, shown = page.get_by_label("Epsilon, Tauschanteil als Zahl"), page.locator("#strength .number-shown")
    slide(page, "strength", 0.7)
    wait_until(page, lambda: shown.inner_text() == "0,7")
    assert field.evaluate("field => getComputedStyle(field).color") == "rgba(0, 0, 0, 0)"
    # While it is typed into, the browser's own writing is there.
    field.click()
    field.press("Control+a")
    page.keyboard.type("0,25")
    assert shown.is_hidden()
    field.press("Tab")
    wait_painted(page, "axial 3 0.25 resample 0")
    assert (shown.inner_text(), field.evaluate("field => field.value")) == ("0,25", "0.25")
    page.keyboard.press("x")
    wait_until(page, lambda: shown.inner_text() == "0")


def test_what_opens_on_a_phone_lies_within_its_window_and_beside_its_word(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    tip = page.locator("#term")
    for name in ("epsilon", "reach", "dice", "psnr"):
        word = page.locator(f"[data-term={name}]:visible").first
        word.scroll_into_view_if_needed()
        word.click()
        tip.wait_for()
        # It is placed again when its words have become German ones.
        page.wait_for_function("new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => painted(true))))")
        told, term = tip.bounding_box(), word.bounding_box()
        assert told["y"] + told["height"] <= term["y"] or told["y"] >= term["y"] + term["height"], name
        assert told["x"] >= 0 and told["x"] + told["width"] <= 390, name
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Info").click()
    box = page.locator("#about").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Vergleichen").click()
    page.locator(".compare .choose").wait_for()
    box = page.locator(".compare .choose").bounding_box()
    assert box["x"] + box["width"] <= 390


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
