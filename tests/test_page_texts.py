"""The page in other languages: every text that the code shows is translated, and nothing is translated that no code shows."""

from __future__ import annotations

import re

import pytest
import yaml
from page_texts import (
    has_node,
    texts_of_modules,
    texts_of_python,
    texts_of_records,
    texts_of_templates,
    texts_of_the_package,
)

from app.web.catalogues import TEXTS, catalogues

APART = re.compile(r"\[([^\]]*)\]")
NAME = re.compile(r"\{#?(\w*)\}")
# Where the page joins texts by itself, as app/web/translation.js takes them apart.
SAYS = re.compile("[A-Za-z]{2}")
HOLE = "\0"
JOINTS = tuple(map(re.compile, (" · ", r"(?<=[.!?\0]) (?=[A-Z\d\0])", "; ", ", ", " → ")))
# The same in every language.
NAMES = {
    *(
        "VQ-Seg",
        "UMAP",
        "t-SNE",
        "PCA",
        "CSV",
        "PNG",
        "SVG",
        "Python",
        "gradio_client",
        "English",
        "SentFile",
        "Enter",
        "x domain",
        "y{} domain",
    ),
    "[[][]]size",
    *("here", "impure", "dead", "rare", "new", "purity < .6", "class = LV", "LV > 30 %", "impure here"),
    *("{} ms", "{} ml", "EF {}"),
    *("Yang, Xing, Zhu: VQ-Seg, NeurIPS 2025", "{} ({}, {} HU)", "{} of {} ({}:{})"),
}
# Pieces of sentences that the catalogue has as a whole.
PIECES = {
    *(", frame {} comes next", "{} along, {} across the slice as stored, ±", "the {}'s pixels"),
    *(
        "With them{}, this slice has a Dice of {} against its own labels.",
        ", each by {}",
        " by hand",
        "the pixels of the {}",
        ", about {} s",
        ", against the truth {}",
        "No structure",
    ),
    *("Dice {} against {}", "With every token replaced, Dice against ε = 0 is below {} at every reach", "{} tokens of {} ({} scans)"),
    *("This browser has no WebGL 2", "The browser lost its graphics", "{} Nor does the effect alone: {}{}"),
    "The figures on top are counted over all {}, where more codes are met.",
    "Dropout's radius grows without bound: from {} nats at p = 0.5 to {} at p = 0.9.",
}
# Of requests that no view sends, or only for who runs the server.
UNSEEN = {
    *("maximum allowed size", "slice index", "{} of an edit", "dimensions must be 2 or 3, got {}", "no place", "{} has {} more than once"),
    *("visit of a fine-tuning", "{} must be 0 or 1, got {}"),
    *("The Codebook tab has no element {}", "The page has no {}.", "The texts in the language {} did not arrive"),
    *("public, max-age=31536000, immutable", "a request may have at most {} bytes"),
    "forced tokens are written as row.column.code, joined by _, for example 2.3.17_0.0.5; got {}",
}


def holes(text: str) -> str:
    """A text with one sign for each part that varies."""
    return NAME.sub(HOLE, text)


def form(text: str) -> re.Pattern[str]:
    # Holes beside each other are one: each of its own would be tried with every length.
    return re.compile(".*".join(map(re.escape, re.split(f"{HOLE}+", holes(text)))), re.DOTALL)


def pattern(text: str) -> re.Pattern[str]:
    """What a catalogue's text is for: a number where it has one, any words elsewhere, or what is not known yet."""
    parts = re.split(r"(\{#?\w+\})", text)
    signs = {"{#": rf"(?:{HOLE}|[\d.,]+)"}
    return re.compile("".join(re.escape(part) if i % 2 == 0 else signs.get(part[:2], ".+") for i, part in enumerate(parts)), re.DOTALL)


class Known:
    """The English texts of a catalogue."""

    def __init__(self, texts: object) -> None:
        self.exact = {
            holes(text).strip(" ,;·")
            for text in (*texts, *(words for text in texts for words in APART.findall(text)), *NAMES, *PIECES, *UNSEEN)
        }
        self.patterns = [pattern(text) for text in texts if NAME.search(text)]

    def has(self, text: str) -> bool:
        """Whether a text of the code is there, whatever stands in its holes, or all of its parts are."""
        text = holes(text).strip(" ,;·")
        if not SAYS.search(text) or text in self.exact or text + "." in self.exact:
            return True
        if any(pattern.fullmatch(text) for pattern in self.patterns):
            return True
        if HOLE in text and any(form(text).fullmatch(one) for one in self.exact):
            return True
        ways = (APART,) if "[" in text else JOINTS
        return any(len(parts) > 1 and all(map(self.has, parts)) for parts in (way.split(text) for way in ways))


def composed(code: str) -> dict[str, str]:
    """What stands in no place of the code: sentences that are put together while the page runs, and Gradio's own words."""
    found: dict[str, str] = yaml.safe_load((TEXTS / f"{code}.yaml").read_text(encoding="utf-8"))["texts"]["composed"]
    return found


def missing(code: str, texts: dict[str, list[str]]) -> list[str]:
    known = Known(catalogues()[code].texts)
    return [f"{file}: {text}" for file, found in texts.items() for text in found if not known.has(text)]


@pytest.mark.parametrize("code", catalogues())
@pytest.mark.parametrize("texts", [texts_of_templates, texts_of_python, texts_of_records])
def test_every_text_of_templates_sidebar_server_and_records_is_translated(code: str, texts: object) -> None:
    assert missing(code, texts()) == []


@pytest.mark.skipif(not has_node(), reason="node and its parser are not there")
@pytest.mark.parametrize("code", catalogues())
def test_every_text_of_the_modules_is_translated(code: str) -> None:
    assert missing(code, texts_of_modules()) == []


@pytest.mark.skipif(not has_node(), reason="node and its parser are not there")
@pytest.mark.parametrize("code", catalogues())
def test_every_translation_is_of_a_text_that_the_code_shows(code: str) -> None:
    told = [texts_of_templates(), texts_of_python(), texts_of_records(), texts_of_modules()]
    shown = set(map(holes, (*(text for texts in told for found in texts.values() for text in found), *texts_of_the_package())))
    pieces = {piece for text in shown for piece in (text, *APART.split(text), *(part for joint in JOINTS for part in joint.split(text)))}
    plain = {piece.strip(" ,;.·").lower() for piece in pieces}
    varying = [piece.strip(" ,;.·") for piece in pieces if HOLE in piece and SAYS.search(piece)]
    # Almost all are ruled out by their longest words, which is quicker than a comparison.
    forms = [(max(piece.split(HOLE), key=len), form(piece)) for piece in varying]
    words = set(re.findall(r"\w+", " ".join(plain)))

    def is_shown(text: str) -> bool:
        own = holes(text).strip(" ,;.·")
        if own.lower() in plain or any(
            one.fullmatch(spelling) for spelling in {own, own[:1].lower() + own[1:]} for longest, one in forms if longest in spelling
        ):
            return True
        longest, own_form = max(own.split(HOLE), key=len), form(text.strip(" ,;.·"))
        if NAME.search(text) and any(own_form.fullmatch(one) for one in pieces if longest in one):
            return True
        # Words by themselves are too short to be told from names of other things.
        return own.isalpha() and own.lower() in words

    told_elsewhere = composed(code)
    assert [text for text in catalogues()[code].texts if text not in told_elsewhere and not is_shown(text)] == []


@pytest.mark.parametrize("code", catalogues())
def test_a_translation_has_the_names_and_the_words_apart_of_its_text(code: str) -> None:
    def marks(text: str) -> tuple[object, ...]:
        return sorted(NAME.findall(text)), len(APART.findall(text))

    texts = catalogues()[code].texts
    assert [text for text, translation in texts.items() if marks(text) != marks(translation)] == []


@pytest.mark.parametrize("code", catalogues())
def test_no_text_and_no_section_stands_twice_in_a_file(code: str) -> None:
    """YAML takes the last of two, without a word: two changes that were merged may each have brought one."""
    nodes = [yaml.compose((TEXTS / f"{code}.yaml").read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys))
            nodes += [value for _, value in node.value]
