"""Everything on show as one zip: whole, the same bytes for the same view, and without a visitor's names."""

from __future__ import annotations

import base64
import csv
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import fake_served, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.scan.open_scan import OpenScan
from app.scan.truth import truth_labels
from app.tabs.export.answers import everything
from vqseg import __version__
from vqseg.data.scan import read_labels, read_numbers, read_scan
from vqseg.inference import dice_by_class

VIEW = {"plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 3, "reach": 20}
LOOK = {"opacity": 0.5, "outline": False, "shown": True, "visible": ["RV", "LV"], "link": "http://here/?seed=3"}
OWN_NAME = "Doe_John_1950.nii.gz"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / OWN_NAME, shape=(24, 32, 4))


def opened(path: Path, example: str | None = None) -> OpenScan:
    scan = read_scan(path)
    truth = truth_labels(read_numbers(save_truth(path.with_name("truth.nii.gz"), path)), scan, CLASSES)
    return OpenScan(FakeSegmentedScan(scan), fake_served(), truth, example)


def saved(scan: OpenScan, **changed: Any) -> bytes:
    while True:
        answer = everything(scan, {**VIEW, **LOOK, **changed})
        if "bytes" in answer:
            return base64.b64decode(answer["bytes"])
        assert answer["done"] < answer["of"]


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


@pytest.fixture(scope="module")
def content(path: Path) -> bytes:
    return saved(opened(path))


def test_the_same_view_gives_the_same_bytes_later_and_of_a_scan_opened_anew(content: bytes, path: Path) -> None:
    # A zip holds times to two seconds.
    time.sleep(2.1)
    assert saved(opened(path)) == content
    assert saved(opened(path), seed=4) != content


def test_its_labels_tables_and_settings_are_those_of_the_view(content: bytes, path: Path, tmp_path: Path) -> None:
    archive, segmented = zipfile.ZipFile(io.BytesIO(content)), FakeSegmentedScan(read_scan(path))
    volume = segmented.perturb_volume(0.5, "resample", 3, reach=20).labels
    labels = tmp_path / "labels.nii.gz"
    labels.write_bytes(archive.read("labels.nii.gz"))
    np.testing.assert_array_equal(read_labels(labels), volume)
    np.testing.assert_allclose(nib.load(labels).affine, nib.load(path).affine, atol=1e-5)
    results = rows(archive, "results.csv")
    assert [row["structure"] for row in results] == list(CLASSES[1:])
    assert [int(row["voxels"]) for row in results] == [int((volume == label).sum()) for label in (1, 2, 3)]
    dice = dice_by_class(volume, segmented.labels, len(CLASSES))
    assert [float(row["dice_vs_epsilon_0"]) for row in results] == pytest.approx(dice)
    assert [int(row["slice"]) for row in rows(archive, "profile.csv")] == [0, 1, 2, 3]
    replay = segmented.perturb(2, 0.5, "resample", 3, reach=20)
    assert [int(row["code_after"]) for row in rows(archive, "tokens.csv")] == replay.indices.ravel().tolist()
    curve = {float(row["epsilon"]): float(row["dice_vs_clean"]) for row in rows(archive, "curve-epsilon.csv")}
    assert curve[0.5] == pytest.approx(replay.dice_vs_clean)
    settings = json.loads(archive.read("view.json"))
    assert (settings["epsilon"], settings["seed"], settings["reach"], settings["vqseg"]) == (0.5, 3, 20, __version__)
    assert settings["checkpoint"] == "fake"
    assert settings["drawing"]["visible"] == ["RV", "LV"]
    assert "strength=0.5, mode='resample', seed=3" in archive.read("reproduce.py").decode()


def test_the_readme_names_every_file_and_says_what_this_is(content: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(content))
    readme = archive.read("README.txt").decode()
    assert "Research demo, not for clinical use." in readme
    named = [line.split()[0] for line in readme.splitlines() if "." in line.partition(" ")[0]]
    assert named == [name for name in archive.namelist() if name != "README.txt"]
    assert {Path(name).suffix for name in archive.namelist()} == {".csv", ".gz", ".json", ".png", ".py", ".svg", ".txt"}


def test_nothing_in_it_names_the_visitors_file_and_an_example_keeps_its_name_and_link(content: bytes, path: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(content))
    for name in archive.namelist():
        assert b"Doe" not in archive.read(name), name
    assert b"http://here" not in archive.read("README.txt")
    shared = zipfile.ZipFile(io.BytesIO(saved(opened(path, "A heart"))))
    assert "http://here/?seed=3" in shared.read("README.txt").decode()
    assert OWN_NAME in shared.read("reproduce.py").decode()


def test_across_the_slices_there_are_no_tokens_and_no_curves_and_the_readme_says_why(path: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(saved(opened(path), plane="coronal", index=5, link="two\nlines")))
    assert not any(name.startswith(("curve", "tokens")) for name in archive.namelist())
    assert "choose the axial plane" in archive.read("README.txt").decode()
