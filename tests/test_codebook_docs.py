"""docs/codebook.md holds: its numbers are those of the shipped file, and what it names exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vqseg.codebook
from vqseg.checkpoint import load_model
from vqseg.codebook import CodebookStatistics, codewords_of, kind_curves, phantom_patches, radii, read_statistics, summary
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter, label_agreement
from vqseg.models.vqseg import VQSeg

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "codebook.md").read_text(encoding="utf-8")
CHECKPOINT = ROOT / "checkpoints" / "acdc-10"


@pytest.fixture(scope="module")
def model() -> VQSeg:
    return load_model(CHECKPOINT)


@pytest.fixture(scope="module")
def statistics(model: VQSeg) -> CodebookStatistics:
    """Of the shipped checkpoint; the file is refused if it belongs to another codebook."""
    return read_statistics(CHECKPOINT, model)


def test_the_summary_is_that_of_the_shipped_file(statistics: CodebookStatistics) -> None:
    assert f"```\n{summary(statistics)}\n```" in TEXT


def test_the_shipped_file_is_complete_and_compact(statistics: CodebookStatistics) -> None:
    assert set(statistics.arrays()) == {one.name for one in fields(CodebookStatistics)} - {
        "classes", "source", "scans", "key", "parameters",
    }  # fmt: skip
    assert (CHECKPOINT / "codebook.npz").stat().st_size < 3_000_000
    for name in ("projection", "projection3", "tsne", "evolution", "ablation_dice", "drift_reference"):
        assert np.isfinite(statistics.arrays()[name]).all(), name


def test_each_row_of_statistics_names_what_the_record_has() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", TEXT, re.MULTILINE)
    named = {name.removesuffix("()") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert len(named) > 20
    for name in named:
        assert name in {one.name for one in fields(CodebookStatistics)} or hasattr(CodebookStatistics, name), name
    for name in re.findall(r"`vqseg\.codebook\.(\w+)", TEXT):
        assert hasattr(vqseg.codebook, name), name


def test_the_radii_are_those_of_the_shipped_codebook(model: VQSeg) -> None:
    found = radii(codewords_of(model), model.config.temperature)
    rows = re.findall(r"^\| (\d\.\d) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+|infinite) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for strength, perturbed, upper, dropped in rows:
        index = int(np.abs(found.strengths - float(strength)).argmin())
        assert float(perturbed) == pytest.approx(found.perturbation[index], abs=1e-3)
        assert float(upper) == pytest.approx(found.upper[index], rel=1e-3, abs=1e-3)
        assert float(dropped.replace("infinite", "inf")) == pytest.approx(found.dropout[index], abs=1e-4)


def test_what_the_radius_does_not_see_is_what_the_shipped_checkpoint_gives(model: VQSeg, statistics: CodebookStatistics) -> None:
    segmenter = Segmenter(model)
    scan = segmenter.open(read_scan(ROOT / "assets" / "examples" / "phantom_wide-right-ventricle.nii.gz"))
    rows = re.findall(r"^\| ([^|]+) \| (\d\.\d) \| (\d+\.\d{3}) \| (\d+\.\d{3}) \| (\d\.\d{3}) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 5
    assert rows[0][0].endswith(f"own reach of {segmenter.reach:.0f}")
    for name, strength, *told in rows:
        reach = float(segmenter.codebook_size - 1) if name.endswith("any codeword") else None
        title = "QPM" if "codeword" in name or "reach" in name else name
        curves = kind_curves(segmenter.codewords, statistics.counts, segmenter.temperature_at(reach), [float(strength)])
        found = next(one for one in curves if one.kind.title == title)
        labels = scan.labels_at(5, [float(strength)], found.kind.name, 0, None, reach)[0]
        dice = label_agreement(labels, scan.labels.take(5, scan.axis))
        assert [float(value) for value in told] == pytest.approx([found.radius[0], found.effect[0], dice], rel=1e-3, abs=1e-3), name


def test_a_shipped_code_can_be_shown_on_phantoms(model: VQSeg, statistics: CodebookStatistics) -> None:
    assert statistics.ablation_codes is not None
    patches = phantom_patches(statistics, model, int(statistics.ablation_codes[0]))
    assert len(patches) == 8 and patches.std() > 0


def test_every_view_has_a_picture_and_every_picture_is_shown() -> None:
    views = TEXT.split("## Views of the app")[1]
    names = {path.name for path in (ROOT / "docs" / "images").glob("codebook_*.png")}
    assert set(re.findall(r"!\[[^]]{20,}\]\(images/(\w+\.png)\)", views)) == names
    for section in views.split("\n### ")[1:]:
        title = section.splitlines()[0]
        assert title.endswith("?"), title
        assert "](images/codebook_" in section, title
    for name in names:
        path = ROOT / "docs" / "images" / name
        assert path.stat().st_size < 300_000, name
        with Image.open(path) as picture:
            assert picture.format == "PNG" and min(picture.size) > 300, name


def test_every_picture_of_the_readme_exists_and_loads_quickly() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", text):
        assert (ROOT / name).is_file(), name
        assert (ROOT / name).stat().st_size < 1_000_000, name
