"""The lesson's words and its handout: every language says the same things, of facts that exist, and paper says what the tab says."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_server import fake_served, save_scan
from fake_segmenter import FakeSegmentedScan
from PIL import Image

from app.scan.open_scan import OpenScan
from app.tabs.learn.command import Handout, main
from app.tabs.learn.handout import handout_page, strip
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS
from app.tabs.learn.texts import entries, equations, fill, languages, names, number
from app.web import modules
from app.web.glossary import terms
from vqseg.data.scan import read_scan

ENGLISH = languages()["en"]
WRITTEN = json.loads((Path(__file__).parent / "fixtures" / "learn_numbers.json").read_text(encoding="utf-8"))
OTHERS = [code for code in languages() if code != "en"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    path = save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")
    scan = OpenScan(FakeSegmentedScan(read_scan(path)), fake_served(statistics=True), example="Heart <b>& soul</b>")
    return Place.checked({"plane": "axial", "index": 3, "strength": 0, "mode": "resample", "seed": 5, "cell": [2, 3]}, scan)


def test_there_is_english_and_a_second_language() -> None:
    assert next(iter(languages())) == "en"
    assert "de" in OTHERS


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_the_same_keys_and_placeholders(code: str) -> None:
    english, other = dict(entries(ENGLISH)), dict(entries(languages()[code]))
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert names(text) == names(other[key]), ".".join(key)


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_is_not_the_original(code: str) -> None:
    english, other = dict(entries(ENGLISH)), dict(entries(languages()[code]))
    sentences = [key for key, text in english.items() if len(text.split()) > 4]
    assert len(sentences) > 60
    assert [key for key in sentences if english[key] == other[key]] == []


@pytest.mark.parametrize("code", languages())
def test_the_terms_of_every_language_are_in_the_glossary_and_explained_somewhere(code: str) -> None:
    texts = languages()[code]
    ideas = set(re.findall(r"[^\W\d_]+", " ".join(step["idea"] for step in texts["steps"].values())))
    for term, words in texts["terms"].items():
        assert term in terms()
        assert ideas & set(words.split(", ")), term


def test_every_text_is_a_text_without_markup() -> None:
    for texts in languages().values():
        for key, text in entries({room: part for room, part in texts.items() if room != "numbers"}):
            assert isinstance(text, str) and text.strip() == text and text, ".".join(key)
            assert not re.search(r"[<>]|\{\W|\{\}|—", text), ".".join(key)


def test_steps_are_described_in_their_order_and_name_only_their_facts(place: Place) -> None:
    assert list(ENGLISH["steps"]) == list(STEPS)
    assert set(equations()) == {name for name, words in ENGLISH["steps"].items() if "equation" in words}
    for name, make in STEPS.items():
        step, words = make(place), ENGLISH["steps"][name]
        for key, text in entries(words):
            assert names(text) <= step.facts.keys(), (name, key)
        # What is said before the prediction does not hold the answer.
        assert "truth" not in names(words["idea"] + words["question"] + words["title"])
        if "options" in words:
            assert step.truth in words["options"]
            continue
        low, high = step.bounds
        truths = {"": step.truth} if "parts" not in words else step.truth
        assert all(low <= truth <= high for truth in truths.values())
        assert "parts" not in words or list(step.truth) == list(words["parts"])
        # A part of the question does not hold its answer.
        assert all(part not in names(text) for part, text in words.get("parts", {}).items())


def test_every_text_that_the_browser_asks_for_exists_and_no_other() -> None:
    scripts = "".join(content.decode() for path, content in modules().items() if path.startswith("tabs/learn/"))
    for room, call in (("ui", r"\bui\(([^()]*)\)"), ("pictures", r"(?:c\.say\(|\bpicture\(c, )([^()]*)[,)]")):
        asked = {key for call in re.findall(call, scripts) for key in re.findall(r'"(\w+)"', call)}
        assert asked <= ENGLISH[room].keys()
        for key in ENGLISH[room]:
            assert re.search(rf'"{key}"|texts\.{room}\.{key}\b', scripts), f"nothing shows {room}.{key}"


@pytest.mark.parametrize("code", list(WRITTEN))
def test_numbers_are_written_as_each_language_writes_them(code: str) -> None:
    # tests/web/learn_texts.test.js asks the same of the browser's side.
    assert languages()[code]["numbers"] == WRITTEN[code]["signs"]
    for value, text in WRITTEN[code]["numbers"]:
        assert number(value, code) == text


@pytest.mark.parametrize("code", list(languages()))
def test_a_language_brings_the_signs_of_its_numbers(code: str) -> None:
    signs = languages()[code]["numbers"]
    assert [len(sign) for sign in signs.values()] == [1, 1]
    assert signs["thousands"] != signs["decimal"]


def test_facts_are_filled_in_as_numbers() -> None:
    assert fill("{a} of {b}", {"a": 1, "b": 2000}, "en") == "1 of 2,000"
    with pytest.raises(KeyError):
        fill("{a}", {}, "en")


class Page(HTMLParser):
    """The texts, links and pictures of a page; its tags must close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.links += [given["href"] or ""] if "href" in given else []
        self.pictures += [given["src"] or ""] if "src" in given else []
        if tag not in ("meta", "img", "mspace"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_the_handout_brings_the_font_of_its_formulas_along(place: Place) -> None:
    page = handout_page(place, "en")
    font = re.search(r'@font-face { font-family: "([^"]+)"; src: url\(data:font/woff2;base64,([^)]+)\)', page)
    assert font is not None
    assert base64.b64decode(font[2])[:4] == b"wOF2"
    assert f'math {{ font-family: "{font[1]}"' in page
    assert "http" not in re.sub(r'xmlns="[^"]+"', "", page)


def test_a_german_handout_names_the_example_and_the_plane_in_german(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.scan, "example", "Infarcted heart ED")
    assert "Herz nach Infarkt, ED" in Page(handout_page(place, "de")).text
    assert "Infarcted heart ED" in Page(handout_page(place, "en")).text


def test_the_handout_prints_the_strips_that_its_question_is_about(place: Place) -> None:
    step = STEPS["codeword"](place)
    shown = re.findall(r'<img class="strip" alt="" src="data:image/png;base64,([^"]+)"', handout_page(place, "en"))
    strips = [np.asarray(Image.open(io.BytesIO(base64.b64decode(one))))[0] for one in shown]
    rows = np.array([step.data["feature"], *(choice["values"] for choice in step.data["choices"])])
    assert len(strips) == len(rows)
    for row, drawn in zip(rows, strips, strict=True):
        assert (drawn == strip(row, 0.6 * np.abs(rows).max())).all()


@pytest.mark.parametrize("language", list(languages()))
def test_the_handout_asks_what_the_tab_asks(place: Place, language: str) -> None:
    page = Page(handout_page(place, language))
    for name, words in languages()[language]["steps"].items():
        facts = STEPS[name](place).facts
        for key in ("title", "idea", "question"):
            assert fill(words[key], facts, language) in page.text
        for option in words.get("options", {}).values():
            assert option in page.text
        for part in words.get("parts", {}).values():
            assert fill(part, facts, language) in page.text
        # Answers are the teacher's.
        assert fill(words["reveal"], facts, language) not in page.text
        assert words["note"] not in page.text
    assert page.text.count(languages()[language]["handout"]["because"]) == 8
    assert "Heart <b>& soul</b>" in page.text
    assert page.links == []


def test_the_teachers_handout_has_answers_and_notes(place: Place) -> None:
    page = Page(handout_page(place, "en", notes=True))
    for name, words in ENGLISH["steps"].items():
        step = STEPS[name](place)
        if "parts" in words:
            answer = " · ".join(f"{fill(text, step.facts, 'en')}: {step.truth[part]}" for part, text in words["parts"].items())
        else:
            answer = words["options"][step.truth] if "options" in words else number(step.truth, "en")
        assert f"The scan says: {answer} {fill(words['reveal'], step.facts, 'en')}" in page.text
        assert words["note"] in page.text


def test_the_handout_is_one_page_that_asks_nothing_of_other_servers(place: Place) -> None:
    page = handout_page(place, "en", address="http://127.0.0.1:7860/")
    found = Page(page)
    assert len(found.pictures) == 2 + 5 and all(one.startswith("data:image/png;base64,") for one in found.pictures)
    assert len(found.links) == 1
    assert found.links[0].startswith("http://127.0.0.1:7860/?case=Heart+%3Cb%3E")
    assert found.links[0].endswith("plane=axial&slice=3&mode=resample&seed=5&tab=learn&cell=2%2C3&lang=en")
    assert not re.search(r"url\((?!data:)|@import|<script|<link", page)
    assert "@page" in page
    for address in ("javascript:alert(1)", "//elsewhere", ""):
        assert Page(handout_page(place, "en", address=address)).links == []


def test_the_printed_slice_has_a_frame_around_the_marked_square(place: Place) -> None:
    first = Page(handout_page(place, "en")).pictures[0]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(first.split(",")[1]))))
    framed = np.argwhere((picture == (255, 43, 184)).all(-1))
    assert picture.shape[0] >= 640
    # Eight displayed pixels a side, and four printed ones around them.
    times = picture.shape[0] // place.focus[3]
    assert (np.ptp(framed, axis=0) + 1 == 8 * times + 8).all()


def test_the_command_writes_the_handout_or_says_why_not(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    scan, output = save_scan(tmp_path / "mine.nii.gz", shape=(32, 24, 3)), tmp_path / "out" / "handout.html"
    caplog.set_level(logging.INFO)
    common = ["--output", str(output), "--checkpoint", str(checkpoint), "--scan", str(scan), "--address", "http://127.0.0.1/"]
    assert main([*common, "--language", "de", "--slice", "1", "--notes"]) == 0
    page = Page(output.read_text(encoding="utf-8"))
    assert languages()["de"]["handout"]["teacher"] in page.text
    # A scan that no app has is linked to nowhere.
    assert page.links == []
    for wrong, message in (
        (["--slice", "3"], "0 to 2"),
        (["--language", "xx"], "language must be"),
        (["--cell", "99", "0"], "row of the cell"),
    ):
        caplog.clear()
        assert main([*common, *wrong]) == 2
        assert message in caplog.text
    assert main(["--output", str(output), "--checkpoint", str(tmp_path / "none")]) == 2


def test_the_teachers_page_names_what_exists() -> None:
    text = (Path(__file__).parents[1] / "docs" / "teaching.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\d) ([^|]+) \|", text, re.MULTILINE)
    assert lines == [(str(i), words["name"]) for i, words in enumerate(ENGLISH["steps"].values(), 1)]
    # A measurement has flags of its own.
    flags = set(re.findall(r" --(\w+)", re.sub(r"`python benchmarks/[^`]*`", "", text)))
    assert flags and flags <= {field.name for field in fields(Handout)}
