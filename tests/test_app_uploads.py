"""What visitors send: many files, folders and zips as one scan, several series, what is refused, what is kept, and what nobody may read."""

from __future__ import annotations

import logging
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK
from app_server import Arrived, Server, fake_models, fake_served, save_scan, serving
from dicom_files import NAME, folder, pixels, stack
from fake_segmenter import FakeSegmentedScan
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app.visit.parcels
from app.page.opened import Opened
from app.page.visits import Visits
from app.scan.open_scan import OpenScan
from app.tabs.export.answers import export, labels
from app.visit.examples import Examples
from app.visit.openings import CalledOffError, Openings
from app.visit.parcels import KeptParcels, Parcel
from app.visit.session import SessionStore
from vqseg.data.scan import ScanError, read_labels, read_scan

SHAPE = (32, 40)
# What the headers and names of the files say of a person.
PERSONAL = (NAME, "JANE", "DOE", "19700101", "heart of")


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app makes its private folders."""
    place = tmp_path / "private"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def first(tmp_path: Path) -> list[Path]:
    """A series of 6 images without endings, under a patient's name."""
    return sorted(folder(tmp_path / "DOE_JANE" / "a", stack(pixels(6, shape=SHAPE)), "DOE_{:03d}").iterdir())


@pytest.fixture
def second(tmp_path: Path) -> list[Path]:
    """Another series of 4 images, in files of the same names."""
    series = stack(pixels(4, 1, SHAPE), SeriesInstanceUID="1.2.3.9", SeriesNumber=9)
    return sorted(folder(tmp_path / "DOE_JANE" / "b", series, "DOE_{:03d}").iterdir())


def zipped(path: Path, files: Sequence[Path]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"DOE/{file.parent.name}/{file.name}")
    return path


def left(private: Path) -> list[Path]:
    """The visitors' files that are on disk."""
    return list(private.glob("vqseg-sent-*"))


def visits(store: SessionStore) -> Visits:
    return Visits(fake_models(fake_served()), store, Arrived(), Examples([]), Openings())


def opened(path: Path) -> OpenScan:
    return OpenScan(FakeSegmentedScan(Arrived().read(path)), fake_served())


def assert_nobody_is_named(content: bytes | str) -> None:
    text = content if isinstance(content, str) else content.decode("latin-1")
    assert not [word for word in PERSONAL if word in text]


@pytest.mark.parametrize("how", ["files", "zip", "one file beside them"])
def test_a_series_is_one_scan_however_it_is_sent(first: list[Path], tmp_path: Path, private: Path, how: str) -> None:
    expected = read_scan(first[0].parent)
    beside = tmp_path / "read me.txt"
    beside.write_text("no image")
    sent = {"files": first, "zip": [zipped(tmp_path / "DOE.zip", first)], "one file beside them": [beside, *first]}[how]
    scan = Arrived().read([str(path) for path in sent])
    np.testing.assert_array_equal(scan.voxels, expected.voxels)
    np.testing.assert_array_equal(scan.affine, expected.affine)
    assert scan.name == "DICOM series, 6 images" and scan.notes == ()
    assert left(private) == [] and not any(path.exists() for path in sent)


def test_files_lie_under_names_of_ours_in_a_folder_of_ours(first: list[Path], second: list[Path], tmp_path: Path, private: Path) -> None:
    archive = shutil.copy(zipped(tmp_path / "DOE.zip", first), tmp_path / "DOE_2.zip")
    for sent in ([*first, *second], [Path(archive)]):
        parcel = Parcel(sent)
        lying = [path for path in private.rglob("*") if path.is_file()]
        assert len(lying) == len(sent)
        assert_nobody_is_named(" ".join(map(str, lying)))
        assert all(one.stat().st_mode & 0o077 == 0 for one in left(private))
        parcel.close()
        assert left(private) == []


@pytest.mark.parametrize("ending", ["mhd", "nhdr", "hdr"])
def test_a_header_and_its_voxels_are_read_together(tmp_path: Path, private: Path, ending: str) -> None:
    path, voxels = tmp_path / f"heart.{ending}", np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    if ending == "hdr":
        nib.save(nib.Nifti1Pair(voxels, np.diag([2.0, 2.0, 5.0, 1.0])), str(path))
    else:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels.transpose()), str(path), useCompression=False)
    expected = read_scan(path)
    scan = Arrived().read(list(tmp_path.glob("heart.*")))
    np.testing.assert_array_equal(scan.voxels, expected.voxels)
    np.testing.assert_array_equal(scan.affine, expected.affine)
    assert scan.name == path.name and left(private) == []


def test_files_that_are_no_scan_together_are_refused_in_a_sentence_and_deleted(first: list[Path], tmp_path: Path, private: Path) -> None:
    two = [save_scan(tmp_path / "one.nii.gz"), save_scan(tmp_path / "two.nii.gz")]
    (tmp_path / "other").mkdir()
    same = [save_scan(tmp_path / "same.nii.gz"), save_scan(tmp_path / "other" / "same.nii.gz", seed=1)]
    broken = zipped(tmp_path / "DOE.zip", first)
    broken.write_bytes(broken.read_bytes()[:-200])
    cases = {
        "no file was sent": [],
        "your upload holds 2 scans; expected one": two,
        "two of the files are called same.nii.gz": same,
        "your upload.zip is a damaged or cut-off zip": [broken],
    }
    for message, sent in cases.items():
        with pytest.raises(ScanError, match=message):
            Arrived().read(sent)
        assert left(private) == [] and not any(path.exists() for path in sent)


def test_too_many_files_or_bytes_are_refused_before_anything_is_read(
    first: list[Path], private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.visit.parcels, "MOST_FILES", 5)
    with pytest.raises(ScanError, match="6 files were sent; at most 5"):
        Parcel(first)
    monkeypatch.setattr(app.visit.parcels, "MOST_BYTES", 100)
    with pytest.raises(ScanError, match="GiB were sent"):
        Parcel(first[:2])
    assert left(private) == []


def test_a_zip_that_unpacks_to_too_much_is_refused_by_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IM1", b"small")
    content = bytearray(path.read_bytes())
    # The size that the directory promises: 4 GiB less a byte.
    place = content.rfind(b"PK\x01\x02") + 24
    content[place : place + 4] = b"\xfe\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=r"your upload\.zip is too large unpacked"):
        Arrived().read(path)


def test_the_largest_series_opens_and_another_can_be_chosen(first: list[Path], second: list[Path], private: Path) -> None:
    store = SessionStore(byte_cap=2**26)
    visit = visits(store)
    begun = visit.upload([*second, *first], "fake", None, "me")
    assert begun.title == "DICOM series, 6 images" and begun.choice is not None
    assert begun.choice.labels == ("series 1: 6 images, MR, 40 x 32", "series 2: 4 images, MR, 40 x 32")
    assert begun.choice.chosen == begun.value["series"] == 1
    other = visit.series(2, "fake", None, "me")
    assert other.title == "DICOM series, 4 images" and other.choice is not None and other.choice.chosen == 2
    assert len(store) == 1 and len(left(private)) == 1
    again = visit.checkpoint("fake", other.value, None, "me")
    assert again.value["series"] == 2
    with pytest.raises(ScanError, match="no longer held"):
        visit.series(2, "fake", None, "somebody else")


@pytest.mark.parametrize("goes_on", ["another upload", "example", "end", "forgotten"])
def test_files_of_several_series_stay_until_the_visit_goes_on(
    first: list[Path], second: list[Path], tmp_path: Path, private: Path, goes_on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    example, mine = save_scan(tmp_path / "phantom_a.nii.gz"), save_scan(tmp_path / "mine.nii.gz")
    parcels = [shutil.copytree(first[0].parents[1], tmp_path / name) for name in ("mine", "theirs")]
    visit = Visits(fake_models(fake_served()), SessionStore(byte_cap=2**26), Arrived(), Examples([example]), Openings())
    # Room for the files of one visit.
    monkeypatch.setattr(visit, "_parcels", KeptParcels(sum(path.stat().st_size for path in [*first, *second])))
    visit.upload(sorted(path for path in parcels[0].rglob("DOE*")), "fake", None, "me")
    (kept,) = left(private)
    if goes_on == "another upload":
        visit.upload(mine, "fake", None, "me")
    elif goes_on == "example":
        visit.example("Phantom a", "fake", None, "me")
    elif goes_on == "end":
        visit.end("me")
    else:
        visit.upload(sorted(path for path in parcels[1].rglob("DOE*")), "fake", None, "somebody else")
    assert not kept.exists()
    with pytest.raises(ScanError, match="no longer held on the server; send them again"):
        visit.series(2, "fake", None, "me")


def test_an_upload_that_fails_or_is_cancelled_keeps_no_file_and_the_former_stays(
    first: list[Path], second: list[Path], tmp_path: Path, private: Path
) -> None:
    copies = [sorted(path for path in shutil.copytree(first[0].parents[1], tmp_path / name).rglob("DOE*")) for name in "xyz"]
    openings = Openings()
    visit = Visits(fake_models(fake_served()), SessionStore(byte_cap=2**26), Arrived(), Examples([]), openings)
    visit.upload(copies[0], "fake", None, "me")
    kept = left(private)
    openings.cancel("ticket")
    with pytest.raises(CalledOffError):
        visit.upload(copies[1], "fake", "ticket", "me")
    small = Visits(fake_models(fake_served()), SessionStore(byte_cap=2**14), Arrived(), Examples([]), Openings())
    with pytest.raises(ScanError, match="too large"):
        small.upload(copies[2], "fake", None, "me")
    assert left(private) == kept
    assert visit.series(2, "fake", None, "me").title == "DICOM series, 4 images"


def test_labels_come_in_the_formats_that_fit_the_scan(first: list[Path], tmp_path: Path) -> None:
    series, heart = opened(zipped(tmp_path / "DOE.zip", first)), opened(save_scan(tmp_path / "heart.nii.gz"))
    picture = tmp_path / "slice.png"
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(picture)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(tmp_path / "scan.nrrd"))
    array = tmp_path / "array.npy"
    np.save(array, np.arange(60.0).reshape(3, 4, 5))
    scans = {
        "series": (series, [".nii.gz", ".nrrd", ".dcm"]),
        "heart": (heart, [".nii.gz", ".nrrd"]),
        "picture": (opened(picture), [".png", ".nii.gz", ".nrrd"]),
        "nrrd": (opened(tmp_path / "scan.nrrd"), [".nrrd", ".nii.gz"]),
        "array": (opened(array), [".nii.gz", ".nrrd"]),
    }
    for name, (scan, endings) in scans.items():
        assert [one.ending for one in scan.formats] == endings, name
        assert scan.label_file().name.endswith(endings[0]), name
        for ending in endings:
            path = scan.label_file(ending)
            assert path.name.endswith("_labels" + ending)
            if ending != ".dcm":
                np.testing.assert_array_equal(read_labels(path), scan.segmented.labels, str(path))
        scan.close()


def test_a_segmentation_refers_to_the_series_and_names_the_classes_and_nobody(first: list[Path]) -> None:
    sent = {pydicom.dcmread(path).SOPInstanceUID for path in first}
    scan = OpenScan(FakeSegmentedScan(Arrived().read(first)), fake_served())
    written = scan.label_file(".dcm")
    made = pydicom.dcmread(written)
    assert [one.SegmentLabel for one in made.SegmentSequence] == ["RV", "MYO", "LV"]
    assert {one.ReferencedSOPInstanceUID for one in made.ReferencedSeriesSequence[0].ReferencedInstanceSequence} <= sent
    assert written.name == "DICOM_series_6_images_labels.dcm"
    assert_nobody_is_named(written.read_bytes())
    scan.close()


def test_exports_carry_the_notes_and_every_format_and_no_name_of_a_person(first: list[Path], second: list[Path]) -> None:
    scan = OpenScan(FakeSegmentedScan(Arrived().read([*first, *second])), fake_served())
    request = {"plane": scan.plane, "index": 1, "strength": 0.4, "mode": "resample", "seed": 0, "edits": [], "reach": None}
    lines = export(scan, {**request, "kind": "lines", "address": "http://here"})
    assert '"notes": [\n    "2 series; the one with the most images was read' in lines["configuration"]
    answer: dict[str, Any] = {}
    for ending in [one.ending for one in scan.formats]:
        while "bytes" not in answer:
            answer = labels(scan, {**request, "ending": ending})
        assert answer.pop("name") == f"DICOM_series_6_images_labels{ending}"
        assert answer.pop("bytes")
    assert_nobody_is_named(str(lines))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("cache"), []) as running:
        yield running


def test_the_endpoints_take_a_zip_and_say_nothing_of_the_person(
    server: Server, first: list[Path], second: list[Path], tmp_path: Path, private: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    archive, answers = zipped(tmp_path / "study.zip", [*first, *second]), tmp_path / "answers"
    client = Client(server.url, verbose=False, download_files=str(answers))
    file, summary = client.predict(handle_file(archive), api_name="/segment")
    assert Path(file).name == "DICOM_series_6_images_labels.nii.gz" and summary["shape"] == [40, 32, 6]
    assert summary["notes"] == ["2 series; the one with the most images was read (series 1: 6 images, MR, 40 x 32)"]
    file, summary = client.predict(handle_file(archive), 2, ".dcm", api_name="/segment")
    assert len(pydicom.dcmread(file).SegmentSequence) == 3 and summary["shape"] == [40, 32, 4] and summary["notes"] == []
    settings = ("axial", 0, 0.4, "resample", 0)
    figures = [client.predict(handle_file(archive), *settings, series=one, api_name="/perturb")[2] for one in (1, 2)]
    assert figures[0]["psnr"] != figures[1]["psnr"]
    refused = ((3, "", "no series 3; there are: series 1"), (1.5, "", "no series 0"), (None, ".png", "saved as .nii.gz"))
    for series, ending, message in refused:
        with pytest.raises(AppError, match=message) as caught:
            client.predict(handle_file(archive), series, ending, api_name="/segment")
        assert_nobody_is_named(str(caught.value))
    assert_nobody_is_named(httpx.get(server.url).text + str(summary) + str(figures))
    # gradio_client logs what it sends, on the caller's own machine.
    logged = [one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore", "gradio_client"))]
    assert_nobody_is_named("".join(logged))
    for path in answers.rglob("*"):
        assert not path.is_file() or not assert_nobody_is_named(path.read_bytes())
    assert left(private) == [] and not list(server.cache.rglob("study.zip"))


def test_labels_of_other_formats_are_a_truth_too(tmp_path: Path) -> None:
    path = save_scan(tmp_path / "heart.nii.gz")
    own = OpenScan(FakeSegmentedScan(read_scan(path)), fake_served())
    truth = own.label_file(".nrrd")
    visit = visits(SessionStore(byte_cap=2**26))
    begun: Opened = visit.upload(path, "fake", None, "me")
    assert visit.truth([shutil.copy(truth, tmp_path / "truth.nrrd")], begun.value) == "truth.nrrd"
    np.testing.assert_array_equal(begun.scan.truth, own.segmented.labels)
    moved = SimpleITK.ReadImage(str(truth))
    moved.SetOrigin((0.0, 0.0, 99.0))
    SimpleITK.WriteImage(moved, str(tmp_path / "moved.nrrd"))
    with pytest.raises(ScanError, match="lies elsewhere"):
        visit.truth([tmp_path / "moved.nrrd"], begun.value)
