"""The report asks nothing of anybody, escapes what it is given, and says the numbers that were counted."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqseg.codebook import CodebookStatistics, summary
from vqseg.codebook.report import report, write_report
from vqseg.shares import percent

SIZE = 200
VOID = {"meta", "img"}


@pytest.fixture(scope="module")
def codewords() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(SIZE, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def statistics() -> CodebookStatistics:
    rng = np.random.default_rng(0)
    class_counts = (rng.pareto(1.2, (SIZE, 3)) * rng.choice([1, 20, 300], (SIZE, 3))).astype(np.int64)
    class_counts[::25] = 0
    counts = class_counts.sum(1)
    used = np.where(counts > 0, 1.0, np.nan).astype(np.float32)
    return CodebookStatistics(
        counts=counts,
        class_counts=class_counts,
        projection=rng.normal(size=(SIZE, 2)).astype(np.float32),
        tsne=rng.normal(size=(SIZE, 2)).astype(np.float32),
        classes=("background", '<b>wall & "blood"</b>', "nodule"),
        source="scans <script>alert(1)</script>",
        scans=1234,
        key="0123456789abcdef",
        parameters={"ablation": {"scans": 8, "slices": 80}},
        position=used[:, None] * rng.random((SIZE, 2)).astype(np.float32),
        spread=used * rng.random(SIZE).astype(np.float32) / 2,
        partners=rng.integers(-1, SIZE, (SIZE, 8)).astype(np.int32),
        partner_counts=rng.integers(1, 9, (SIZE, 8)),
        atoms=rng.integers(0, 255, (SIZE, 20, 20)).astype(np.uint8),
        atom_labels=np.zeros(SIZE, np.uint8),
        ablation_codes=np.arange(12, dtype=np.int32),
        ablation_dice=-np.linspace(0, 0.05, 12).astype(np.float32),
        drift_groups=np.zeros(SIZE, np.int32),
        drift_reference=np.sort(rng.random(40)).astype(np.float32) / 4,
        evolution=rng.normal(size=(3, SIZE, 2)).astype(np.float32),
        evolution_steps=np.array([100, 500, 900]),
        evolution_counts=rng.integers(0, 3, (3, SIZE)),
    )


class Balance(HTMLParser):
    """Tags that are open, and every address that the page names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def page(statistics: CodebookStatistics, codewords: np.ndarray) -> str:
    return report(statistics, codewords, name="my <checkpoint>")


def test_the_page_is_whole_and_asks_for_nothing_outside(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert len(parser.addresses) > 50
    assert all(address.startswith("data:image/png;base64,") for address in parser.addresses)
    assert not re.search(r"url\(|@import|<script|<link|<iframe", page)
    # A namespace is a name, not an address that is asked for.
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}


def test_names_are_escaped(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    text = "".join(parser.text)
    assert "Codebook of my <checkpoint>" in text
    assert "scans <script>alert(1)</script>" in text
    assert '<b>wall & "blood"</b>' in text


def test_the_numbers_are_those_of_the_statistics(page: str, statistics: CodebookStatistics) -> None:
    for number in (
        f"<b>{percent(statistics.utilisation)}</b>",
        f"<b>{statistics.perplexity:,.0f}</b>",
        f"<b>{len(statistics.dead)}</b>",
        f"{int(statistics.counts.sum()):,} tokens",
        "<b>-0.0500</b>",
        f"outside beyond {statistics.drift_reference[-1]:.3f}",
        f"step 900: {percent((statistics.evolution_counts[2] > 0).mean())} in use",
        "8 scans (80 slices)",
    ):
        assert number in page, number
    half = np.cumsum(np.sort(statistics.counts)[::-1]) >= statistics.counts.sum() / 2
    assert f"The most used {int(half.argmax()) + 1} codes" in page


def test_atoms_are_shown_as_they_are(page: str, statistics: CodebookStatistics) -> None:
    top = int(statistics.counts.argmax())
    found = re.search(rf'alt="atom of code {top}" src="data:image/png;base64,([^"]+)"', page)
    assert found is not None
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(found.group(1)))))
    np.testing.assert_array_equal(picture, statistics.atoms[top])


def test_a_map_has_a_dot_for_each_codeword_that_was_chosen(page: str, statistics: CodebookStatistics) -> None:
    chart = re.search(r'aria-label="UMAP by class".*?</svg>', page)
    assert chart is not None
    assert chart.group().count("h0") == int((statistics.counts > 0).sum())
    usage = re.search(r'aria-label="UMAP by usage".*?</svg>', page)
    assert usage is not None
    assert usage.group().count("h0") == SIZE


def test_the_dead_codes_are_listed_with_the_nearest_code_in_use(page: str, statistics: CodebookStatistics, codewords: np.ndarray) -> None:
    table = page[page.index("Which codes are dead?") :]
    for code in statistics.dead:
        distances = np.linalg.norm(codewords - codewords[code], axis=1)
        distances[statistics.counts == 0] = np.inf
        assert re.search(rf">{code}</td><td class=\"\">{distances.min():.3f}</td>.{{0,2000}}?>{distances.argmin()}</td>", table)


def test_what_is_absent_is_left_out_and_an_unused_codebook_is_said(statistics: CodebookStatistics, codewords: np.ndarray) -> None:
    bare = CodebookStatistics(
        statistics.counts, statistics.class_counts, statistics.projection, statistics.classes, "scans", 3, statistics.key
    )
    page = report(bare, codewords, name="bare")
    assert "Which codewords are alike?" in page
    for title in ("Where do the codes lie", "beside each other", "look like?", "lost without", "come to be used", "How far do the scans"):
        assert title not in page
    empty = replace(statistics, counts=0 * statistics.counts, class_counts=0 * statistics.class_counts, spread=None)
    assert "<b>0 %</b>" in report(empty, codewords, name="empty")
    full = replace(statistics, counts=statistics.counts + 1)
    assert "None: every codeword was chosen at least once." in report(full, codewords, name="full")


def test_the_page_is_written_whole_or_not_at_all(statistics: CodebookStatistics, codewords: np.ndarray, tmp_path: Path) -> None:
    path = write_report(statistics, codewords, tmp_path / "new", name="mine")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8") == report(statistics, codewords, name="mine")
    assert path.stat().st_size < 2_000_000


def test_the_summary_has_a_row_for_each_class(statistics: CodebookStatistics) -> None:
    lines = summary(statistics).splitlines()
    for index, name in enumerate(statistics.classes):
        (row,) = [line for line in lines if line.startswith(name)]
        codes, tokens = row[len(name) :].split()[:2]
        assert int(codes) == int((statistics.majority_class == index).sum())
        assert int(tokens.replace(",", "")) == int(statistics.class_counts[:, index].sum())
    assert any("-0.0500 without code 11" in line for line in lines)
    assert any(f"beyond {statistics.drift_reference[-1]:.3f} a scan is outside" in line for line in lines)
