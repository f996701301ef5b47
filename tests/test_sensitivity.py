"""The table of sensitivity: against the app's own answers, from a checkpoint to its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import tiny_model
from vqseg.checkpoint import load_model, save_model
from vqseg.cli import main
from vqseg.config import PreprocessConfig
from vqseg.data.scan import read_labels, read_scan
from vqseg.data.splits import cases_of_split
from vqseg.experiments.sensitivity import STRENGTHS, Point, Sensitivity, lines, measure_sensitivity
from vqseg.experiments.sensitivity_report import line_name
from vqseg.inference import Segmenter
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.perturbation import PERTURBATIONS, CodePerturbation, perturbation_effect


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, phantoms: Path) -> Path:
    """A checkpoint with random weights that names its data, and drops no islands."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    model = VQSeg(tiny_model().config, PreprocessConfig(image_side=96, largest_region=False)).eval()
    save_model(model, folder, training={"config": {"data": {"folder": str(phantoms)}}})
    return folder


@pytest.fixture(scope="module")
def found(trained: Path) -> Sensitivity:
    return measure_sensitivity(trained, count=3, seed=5)


def point(found: Sensitivity, kind: str, strength: float, reach: float | None) -> Point:
    (one,) = (p for p in found["points"] if (p["kind"], p["strength"], p["reach"]) == (kind, strength, reach))
    return one


def test_every_perturbation_has_a_line_but_those_that_show_nothing_alone() -> None:
    kinds = [line.kind.name for line in lines(4096, 30.0)]
    assert set(kinds) == PERTURBATIONS.keys() - {"none", "complementary_dropout"}
    assert kinds.count("resample") == 6 and kinds.count("shuffle") == kinds.count("dropout") == 1


@pytest.mark.parametrize(("size", "own"), [(2, 1.0), (64, 63.0), (64, 1.0), (4096, 64.0), (65536, 300.5)])
def test_reaches_lie_within_the_codebook_and_none_comes_twice(size: int, own: float) -> None:
    found = lines(size, own)
    for kind in {line.kind.name for line in found}:
        reaches = [line.reach for line in found if line.kind.name == kind]
        assert len(set(reaches)) == len(reaches)
        if PERTURBATIONS[kind].reaches:
            assert all(reach is not None and 1 <= reach <= size - 1 for reach in reaches)
            assert {own, float(size - 1)} <= set(reaches)
            assert [line.reach for line in found if line.kind.name == kind and line.own] == [own]
        else:
            assert reaches == [None]


@pytest.mark.parametrize(
    ("kind", "strength", "asked"),
    [("resample", 0.7, 32.0), ("resample", 1.0, None), ("shuffle", 0.5, None), ("channel_dropout", 0.3, None)],
)
def test_a_point_is_what_the_app_shows(
    kind: str, strength: float, asked: float | None, trained: Path, found: Sensitivity, phantoms: Path
) -> None:
    segmenter = Segmenter(load_model(trained))
    cases = {case.name: case for case in cases_of_split(phantoms, "val")}
    common, size = np.zeros((2, 3)), np.zeros((2, 3))
    usage = np.zeros(segmenter.codebook_size)
    for name, index in found["slices"]:
        opened = segmenter.open(read_scan(cases[name].image))
        truth = np.moveaxis(read_labels(cases[name].label), opened.axis, 0)[index]
        assert truth.any()
        result = opened.perturb(index, strength, kind, seed=5, reach=asked)
        usage += np.bincount(result.clean_indices.ravel(), minlength=len(usage))
        for row, reference in enumerate((truth, opened.labels.take(index, opened.axis))):
            for label in (1, 2, 3):
                one, other = result.labels == label, reference == label
                common[row, label - 1] += 2 * (one & other).sum()
                size[row, label - 1] += one.sum() + other.sum()
    reach = (asked or found["own_reach"]) if PERTURBATIONS[kind].reaches else None
    measured = point(found, kind, strength, reach)
    expected = [np.mean([c / s for c, s in zip(*pair, strict=True) if s]) for pair in zip(common, size, strict=True)]
    # Several strengths are decoded at once here, so that a pixel on the edge between two classes may round to the other one.
    np.testing.assert_allclose([measured["dice"], measured["dice_unperturbed"]], expected, atol=2e-3)
    if kind == "resample":
        effect = perturbation_effect(
            torch.from_numpy(segmenter.codewords), torch.from_numpy(usage), strength, segmenter.reaches.temperature(asked)
        )
        assert measured["effect"] == pytest.approx(effect, rel=1e-6)


def test_what_is_measured_rises_from_nothing_perturbed(found: Sensitivity) -> None:
    assert len(found["points"]) == len(STRENGTHS) * len(lines(found["codebook_size"], found["own_reach"]))
    assert all(np.isfinite([p["effect"], p["cross_entropy"]]).all() and 0 <= p["dice"] <= 1 for p in found["points"])
    for kind in ("resample", "shift"):
        near, far = (point(found, kind, 1.0, reach)["effect"] for reach in (found["own_reach"], found["codebook_size"] - 1.0))
        assert 0 < near < far
    few, many = (point(found, "shift", strength, found["own_reach"]) for strength in (0.1, 1.0))
    assert many["effect"] == pytest.approx(100 * few["effect"])
    assert many["dice_unperturbed"] <= few["dice_unperturbed"]
    # At strength 1 a shift is a swap of every token: their effects are the same, their draws are not.
    assert many["effect"] == pytest.approx(point(found, "resample", 1.0, found["own_reach"])["effect"])


def test_the_same_seed_measures_the_same(trained: Path, found: Sensitivity) -> None:
    assert measure_sensitivity(trained, count=3, seed=5) == found
    assert measure_sensitivity(trained, count=1, seed=5)["slices"] != found["slices"]


def test_the_command_writes_what_was_measured(
    trained: Path, found: Sensitivity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["table", "sensitivity", "--checkpoint", str(trained), "--slices", "3", "--seed", "5", "--output", str(tmp_path)]
    assert main(words) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"sensitivity.{ending}") for ending in ("json", "md", "png")]
    content = json.loads((tmp_path / "sensitivity.json").read_text())
    (written,) = content["checkpoints"]
    assert written["points"] == found["points"] and written["weights"] == found["weights"]
    # `--reuse` takes files with rows for tables of runs.
    assert "rows" not in content
    text = (tmp_path / "sensitivity.md").read_text()
    stated = (
        found["weights"],
        "3 validation slices",
        f"own reach {found['own_reach']:.1f}",
        "Seed 5",
        " ".join(words),
        content["hardware"],
    )
    assert all(part in text for part in stated)
    for one in found["points"]:
        row = next(line for line in text.splitlines() if line.startswith(f"| {line_name(one, found)} |"))
        assert f"{one['dice']:.3f} ({one['effect']:.3g})" in row


def test_code_perturbations_alone_have_all_reaches() -> None:
    for line in lines(4096, 30.0):
        if line.kind.reaches and not isinstance(line.kind, CodePerturbation):
            assert line.reach in (30.0, 4095.0)


@pytest.mark.parametrize(
    ("rest", "complaint"),
    [(["--slices", "0"], "slices must be at least 1, got 0"), (["--data", "nowhere"], "nowhere"), (["--checkpoint", "nowhere"], "nowhere")],
)
def test_wrong_arguments_are_one_line(
    rest: list[str], complaint: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = [] if "--checkpoint" in rest else ["--checkpoint", str(trained)]
    assert main(["table", "sensitivity", *first, *rest, "--output", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and complaint in error
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_names_no_data_needs_a_folder(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sensitivity", "--checkpoint", str(checkpoint), "--output", str(tmp_path)]) == 2
    assert "does not say what it was trained on" in capsys.readouterr().err
