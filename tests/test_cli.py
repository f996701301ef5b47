"""The commands as they are typed: what they write, what they print, and their exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.tiny import tiny_config
from vqseg.checkpoint import load_model
from vqseg.cli import main
from vqseg.codebook import read_statistics
from vqseg.config import save_config
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter


def run_module(*arguments: str | Path, launcher: tuple[str, ...] = ("-m", "vqseg")) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as a user runs it."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
    command = [sys.executable, *launcher, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)


def call(*arguments: str | Path) -> int:
    """A command in this process; a parser's own exit counts as its status."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def results(folder: Path) -> set[str]:
    """What a command has written, without the record of `predict`."""
    return {path.name for path in folder.iterdir()} - {".vqseg"}


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that an error may take on stderr."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


# From nothing to a picture of the codebook


def test_all_commands_from_phantoms_to_the_codebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert call("phantom", "--output", data, "--patients", 3, "--seed", 40) == 0
    assert len(list((data / "imagesTr").iterdir())) == len(list((data / "labelsTr").iterdir())) == 6
    save_config(tiny_config(data, run, steps=4, codebook_start=1, checkpoint_every=2, snapshots=2), tmp_path / "tiny.yaml")

    trained = run_module("train", "--config", tmp_path / "tiny.yaml", "--train.steps", 3)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.strip() == f"checkpoint: {run / 'checkpoint'}"
    resumed = run_module(
        "--num_processes", "1", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--cpu",
        "-m", "vqseg", "train", "--config", tmp_path / "tiny.yaml", "--resume",
        launcher=("-m", "accelerate.commands.launch"),
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((run / "checkpoint" / "config.json").read_text())["training"]["steps"] == 4

    checkpoint = run / "checkpoint"
    assert call("evaluate", "--checkpoint", checkpoint, "--data", data, "--split", "val", "--output", tmp_path / "new" / "val.json") == 0
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "new" / "val.json").read_text())
    assert set(result) == {"cases", "mean", "per_class", "codebook", "per_case"}
    assert set(result["mean"]) == {"dice", "jaccard", "hd95", "asd"}
    assert set(result["per_class"]) == {"RV", "MYO", "LV"}
    assert set(result["codebook"]) == {"size", "used", "perplexity"}
    assert f"{result['mean']['dice']:.4f}" in printed

    assert call("predict", data / "imagesTr", "--checkpoint", checkpoint, "--output", tmp_path / "labels") == 0
    assert len(results(tmp_path / "labels") - {"summary.csv"}) == 6

    assert call("codebook", "--checkpoint", checkpoint, "--output", checkpoint, "--data", data, "--split", "val", "--ablated", 4) == 0
    printed = capsys.readouterr().out
    statistics = read_statistics(checkpoint, load_model(checkpoint))
    # The real projection: finite, and spread in both directions.
    assert statistics.projection.shape == (64, 2)
    assert np.isfinite(statistics.projection).all()
    assert (statistics.projection.std(0) > 0.1).all()
    assert int((statistics.counts > 0).sum()) == result["codebook"]["used"]
    assert statistics.perplexity == pytest.approx(result["codebook"]["perplexity"])
    assert f"perplexity      {statistics.perplexity:,.1f};" in printed
    assert "Codebook of checkpoint" in (checkpoint / "report.html").read_text(encoding="utf-8")
    # The run's own snapshots, laid out together.
    assert statistics.evolution is not None and statistics.evolution.shape[1:] == (64, 2)
    assert statistics.evolution_steps is not None and statistics.evolution_steps[-1] == 4


# Prediction


@pytest.fixture
def scans(tmp_path: Path, phantoms: Path) -> Path:
    """A folder with a tilted NIfTI, a picture, an array, a broken file and a hidden one."""
    folder = tmp_path / "scans"
    folder.mkdir()
    source = nib.load(phantoms / "imagesTr" / "phantom003_frame01_0000.nii.gz")
    tilted = source.affine @ np.array([[0.9, -0.3, 0, 5], [0.3, 0.9, 0.1, -7], [0, -0.1, 1, 3], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(np.asarray(source.dataobj)[..., :2], tilted), folder / "tilted.nii.gz")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)).save(folder / "picture.png")
    np.save(folder / "array.npy", np.random.default_rng(0).random((20, 25, 3)))
    (folder / "broken.nii.gz").write_bytes(b"no scan at all")
    (folder / ".hidden").write_bytes(b"")
    return folder


def test_predict_skips_a_broken_file_and_writes_the_others_on_their_grids(
    scans: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "labels"
    assert call("predict", scans, "--checkpoint", checkpoint, "--output", output) == 1
    captured = capsys.readouterr()
    assert "3 of 4 scans segmented" in captured.out
    assert next(line for line in captured.err.splitlines() if line.startswith("skipped")).startswith("skipped broken.nii.gz: ")
    assert results(output) == {"tilted.nii.gz", "picture.png", "array.npy", "summary.csv"}
    segmenter = Segmenter(load_model(checkpoint))
    image, labels = nib.load(scans / "tilted.nii.gz"), nib.load(output / "tilted.nii.gz")
    np.testing.assert_allclose(labels.affine, image.affine, atol=1e-5)
    assert labels.shape == image.shape
    assert labels.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(labels.dataobj), segmenter.open(read_scan(scans / "tilted.nii.gz")).labels)
    assert Image.open(output / "picture.png").size == (40, 30)
    assert np.load(output / "array.npy").shape == (20, 25, 3)


def test_predict_of_single_files_succeeds(scans: Path, checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "labels"
    assert call("predict", scans / "picture.png", scans / "array.npy", "--checkpoint", checkpoint, "--output", output) == 0
    assert results(output) == {"picture.png", "array.npy", "summary.csv"}


def test_predict_averages_views_when_asked_to(scans: Path, checkpoint: Path, tmp_path: Path) -> None:
    assert call("predict", scans / "tilted.nii.gz", "--checkpoint", checkpoint, "--output", tmp_path / "labels", "--average-views") == 0
    labels = np.asarray(nib.load(tmp_path / "labels" / "tilted.nii.gz").dataobj)
    segmenter, scan = Segmenter(load_model(checkpoint)), read_scan(scans / "tilted.nii.gz")
    np.testing.assert_array_equal(labels, segmenter.average_views(scan))
    assert (labels != segmenter.open(scan).labels).any()


def test_predict_never_writes_two_scans_to_one_name(
    scans: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(scans / "array.npy", other / "array.npy")
    assert call("predict", scans / "array.npy", other, "--checkpoint", checkpoint, "--output", tmp_path / "labels") == 1
    assert "another input was already written to array.npy" in capsys.readouterr().err


def test_predict_of_a_missing_file_and_of_an_empty_folder(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("predict", tmp_path / "nothing.nii", "--checkpoint", checkpoint, "--output", tmp_path / "labels") == 1
    assert "skipped nothing.nii" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert call("predict", tmp_path / "empty", "--checkpoint", checkpoint, "--output", tmp_path / "labels") == 2
    assert "no scan given" in error_line(capsys)


# Wrong commands


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--config", "x.yaml"]])
def test_an_unknown_command_lists_the_known_ones(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for name in ("train", "evaluate", "predict", "codebook", "phantom"):
        assert f"\n  {name} " in captured.err


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "codebook", "phantom"])
def test_every_command_tells_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(command, "--help") == 0
    assert f"python -m vqseg {command}" in capsys.readouterr().out
    assert call("--help") == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("train: {surprise: 1}", "train.surprise: unknown key"),
        ("model: {codebook_size: 1}", "codebook_size must be at least 2, got 1"),
        ("train: {steps: many}", "train.steps: "),
        ("model: {a: [1\nb: }", "is not valid YAML"),
        ("- a\n- b", "bad.yaml"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (None, "cannot read the configuration"),
    ],
)
def test_errors_of_a_configuration_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes | None, complaint: str
) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert call("train", "--config", path) == 2
    assert complaint in error_line(capsys)


@pytest.mark.parametrize("setting", [("--train.steps", "0"), ("--train.stpes", "3"), ("--train.steps", "many")])
def test_wrong_settings_on_the_command_line_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: tuple[str, str]
) -> None:
    save_config(tiny_config(tmp_path, tmp_path / "run"), tmp_path / "tiny.yaml")
    assert call("train", "--config", tmp_path / "tiny.yaml", *setting) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_wrong_folders_are_one_line(checkpoint: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere, there = tmp_path / "nowhere", ["--checkpoint", checkpoint]
    for arguments in (
        ["evaluate", "--checkpoint", nowhere, "--data", phantoms],
        ["evaluate", *there, "--data", nowhere],
        ["evaluate", *there, "--data", phantoms, "--split", "middle"],
        ["codebook", *there, "--data", nowhere, "--output", tmp_path],
        ["predict", phantoms, "--checkpoint", nowhere, "--output", tmp_path / "labels"],
        ["phantom", "--output", tmp_path / "none", "--patients", 0],
    ):
        assert call(*arguments) == 2
        error_line(capsys)
    assert not (tmp_path / "labels").exists()


def test_weights_that_do_not_fit_are_one_line(checkpoint: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    values = json.loads((copy / "config.json").read_text())
    values["model"]["codebook_size"] = 32
    (copy / "config.json").write_text(json.dumps(values))
    assert call("evaluate", "--checkpoint", copy, "--data", phantoms) == 2
    assert "does not fit its configuration" in error_line(capsys)


def test_a_run_that_cannot_go_on_exits_with_one(phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run" / "state").mkdir(parents=True)
    save_config(tiny_config(phantoms, tmp_path / "run"), tmp_path / "tiny.yaml")
    assert call("train", "--config", tmp_path / "tiny.yaml") == 1
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


# predict and the formats that people have


def test_predict_reads_a_study_says_what_it_did_and_writes_the_chosen_format(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dicom_files import folder, pixels, stack

    values = pixels(3, shape=(20, 16))
    study = folder(tmp_path / "heart", [*stack(values), *stack(values[:1], SeriesInstanceUID="1.9", SeriesNumber=2)])
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(tmp_path / "colour.png")
    output = tmp_path / "labels"
    assert call("predict", study, tmp_path / "colour.png", "--checkpoint", checkpoint, "--output", output) == 0
    captured = capsys.readouterr()
    assert results(output) == {"heart.nii.gz", "colour.png", "summary.csv"}
    assert "heart: 2 series; the one with the most images was read (series 1: 3 images, MR, 16 x 20)" in captured.err
    assert "colour.png: colour was read as grey" in captured.err
    expected = np.asarray(nib.load(output / "heart.nii.gz").dataobj)
    np.testing.assert_allclose(nib.load(output / "heart.nii.gz").affine, read_scan(study).affine, atol=1e-4)
    assert call("predict", study, "--checkpoint", checkpoint, "--output", output, "--format", "nrrd") == 0
    np.testing.assert_array_equal(read_scan(output / "heart.nrrd").voxels, expected)
    assert call("predict", study, "--checkpoint", checkpoint, "--output", output, "--format", "dicom-seg") == 0
    segments = pydicom.dcmread(output / "heart.dcm").SegmentSequence
    assert [one.SegmentLabel for one in segments] == list(Segmenter(load_model(checkpoint)).classes[1:])
    assert call("predict", study, "--checkpoint", checkpoint, "--output", output, "--format", "png") == 1
    assert "skipped heart: heart.png: a PNG holds one slice" in capsys.readouterr().err


def test_predict_measures_a_cine_of_dicom(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dicom_files import cine, folder, pixels

    study = folder(tmp_path / "heart", cine(np.stack([pixels(2, seed, (20, 16)) for seed in range(3)])))
    output = tmp_path / "labels"
    assert call("predict", study, "--cine", "--checkpoint", checkpoint, "--output", output) == 0, capsys.readouterr().err
    assert nib.load(output / "heart.nii.gz").shape == (16, 20, 2, 3)
    assert nib.load(output / "heart.nii.gz").header.get_zooms()[3] == pytest.approx(0.04)
    assert {path.name for path in output.iterdir()} == {"heart.nii.gz", "heart.csv", "summary.csv"}
