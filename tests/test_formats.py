"""The registry of file formats: what every format keeps to, and that one more line in it is enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vqseg.data import formats
from vqseg.data.datasets import DatasetError, find_cases
from vqseg.data.formats import FIRST_BYTES, FORMATS, Format
from vqseg.data.formats.axial import axial_scan
from vqseg.data.limits import MAX_BYTES
from vqseg.data.scan import (
    ScanError,
    accepted,
    ending_of,
    label_name,
    read_labels,
    read_scan,
    scan_endings,
    without_ending,
    writable_endings,
    write_labels,
)
from vqseg.types import Array, Scan

LABELS = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)


def read_toy(path: Path, frame: int, most_bytes: int) -> Scan:
    return axial_scan(path.name, np.array([[[float(number)] for number in path.read_text().split()[1:]]], np.float32))


def write_toy(labels: Array, scan: Scan, path: Path) -> None:
    path.write_text("TOY " + " ".join(map(str, labels.flatten())))


TOY = Format(
    name="Toy", endings=(".toy", ".toy.txt"), recognises=lambda start: start.startswith(b"TOY"), read=read_toy, write_labels=write_toy
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, TOY))


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_every_format_has_endings_of_its_own_and_names_itself_in_messages(one: Format) -> None:
    assert one.endings
    for ending in one.endings:
        assert ending.startswith(".") and ending == ending.lower()
        assert [other for other in FORMATS if ending in other.endings] == [one]
        assert ending_of(f"Heart.v2{ending.upper()}") == ending
        assert without_ending(f"heart.v2{ending}") == "heart.v2"
        assert ending in accepted()
    assert one.name in accepted()


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
@pytest.mark.parametrize("start", [b"\0", b"%PDF-1.7", b"Rar!\x1a\x07\x01\0", bytes(FIRST_BYTES)])
def test_no_format_recognises_another_kind_of_file(one: Format, start: bytes) -> None:
    assert not one.recognises(start)


@pytest.mark.parametrize("one", [one for one in FORMATS if one.write_labels and one.name != "DICOM"], ids=lambda one: one.name)
def test_what_a_format_writes_it_alone_recognises_and_reads_back(one: Format, tmp_path: Path) -> None:
    scan = axial_scan("slice", LABELS.astype(np.float32))
    for ending in one.endings:
        path = tmp_path / f"labels{ending}"
        write_labels(LABELS, scan, path)
        assert [other for other in FORMATS if other.recognises(path.read_bytes()[:FIRST_BYTES])] == [one]
        assert np.array_equal(read_labels(path), LABELS)
        with pytest.raises(ScanError, match="no frame 1"):
            one.read(path, 1, MAX_BYTES)
        with pytest.raises(ScanError, match="too large"):
            one.read(path, 0, 8)


def test_labels_of_every_ending_have_a_name_that_can_be_written() -> None:
    for ending in scan_endings():
        assert ending_of(label_name(f"heart{ending}")) in writable_endings()
    names = {
        "a.nii": "a.nii",
        "A.NII.GZ": "A.nii.gz",
        "a.jpeg": "a.png",
        "a.npy": "a.npy",
        "a": "a.nii.gz",
        "a.dcm": "a.nii.gz",
        "study": "study.nii.gz",
    }
    names |= {"a.mha": "a.mha", "a.nhdr": "a.nrrd", "a.hdr": "a.nii.gz", "a.zip": "a.nii.gz", "a.webp": "a.png", "a.npz": "a.npz"}
    assert {name: label_name(name) for name in names} == names


@pytest.mark.usefixtures("toy")
def test_one_more_format_is_read_written_listed_and_found(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / "p1_heart.toy.txt"
    path.write_text("TOY 3 1 2")
    assert read_scan(path).voxels.flatten().tolist() == [3, 1, 2]
    labels = tmp_path / label_name("P1_heart.toy.TXT")
    write_labels(read_labels(path), read_scan(path), labels)
    assert labels.name == "P1_heart.toy.txt"
    assert labels.read_text() == "TOY 3 1 2"
    (case,) = find_cases(tmp_path)
    assert (case.name, case.patient, case.image) == ("p1_heart", "p1", path)
    assert {".toy", ".toy.txt"} <= {*scan_endings()} & {*writable_endings()}


@pytest.mark.usefixtures("toy")
def test_messages_name_one_more_format(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("no scan")
    with pytest.raises(ScanError, match=r"accepted: NIfTI .* and Toy \(\.toy, \.toy\.txt\)"):
        read_scan(tmp_path / "notes.md")
    with pytest.raises(ScanError, match=r"accepted endings: .*\.toy"):
        write_labels(LABELS, axial_scan("slice", LABELS.astype(np.float32)), tmp_path / "labels.xyz")
    (tmp_path / "images").mkdir()
    with pytest.raises(DatasetError, match=r"\.toy"):
        find_cases(tmp_path)
