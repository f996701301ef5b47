"""DICOM segmentations as they are written, and what becomes of damaged files."""

from __future__ import annotations

import tracemalloc
import zipfile
import zlib
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_files import NAME, OBLIQUE, cine, enhanced, folder, image, pixels, save, stack
from PIL import Image
from test_dicom import gdcm_syntax

from vqseg.data.formats.dicom.pixels import jpeg2000_size, jpeg_size
from vqseg.data.scan import ScanError, read_scan, write_labels
from vqseg.types import Scan

RNG = np.random.default_rng(1)
CLASSES = ("background", "left ventricle", "myocardium")


def some_labels(scan: Scan) -> np.ndarray:
    """Every class, and a slice without any."""
    labels = RNG.integers(0, 3, scan.shape).astype(np.uint8)
    labels[:, :, 1] = 0
    return labels


def test_a_segmentation_has_the_masks_and_refers_to_their_images(tmp_path: Path) -> None:
    series = stack(pixels(4), gap=-8.0)
    scan = read_scan(folder(tmp_path / "heart", series))
    labels = some_labels(scan)
    write_labels(labels, scan, tmp_path / "labels.dcm", CLASSES)
    read = highdicom.seg.segread(tmp_path / "labels.dcm")
    # Slices run backwards along the normal: the last file is the first slice.
    sops = [data.SOPInstanceUID for data in series[::-1]]
    masks = read.get_pixels_by_source_instance(
        sops, combine_segments=True, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    np.testing.assert_array_equal(masks, labels.transpose(2, 1, 0))
    assert [one.SegmentLabel for one in read.SegmentSequence] == list(CLASSES[1:])
    assert (read.StudyInstanceUID, read.FrameOfReferenceUID) == ("1.2.3", "1.2.3.5")
    (referenced,) = read.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == "1.2.3.4"
    assert {one.ReferencedSOPInstanceUID for one in referenced.ReferencedInstanceSequence} <= set(sops)
    volume = read.get_volume(combine_segments=True)
    np.testing.assert_allclose(volume.spacing, (8.0, 1.5, 1.25), atol=1e-5)


def test_a_segmentation_of_a_phase_refers_to_the_images_of_that_phase(tmp_path: Path) -> None:
    values = np.stack([pixels(3, seed) for seed in range(4)])
    series = cine(values)
    scan = read_scan(folder(tmp_path / "cine", series), frame=2)
    write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / "labels.dcm")
    read = pydicom.dcmread(tmp_path / "labels.dcm")
    frames = [
        one.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID for one in read.PerFrameFunctionalGroupsSequence
    ]
    assert set(frames) == {data.SOPInstanceUID for data in series if data.TriggerTime == 80}


def test_a_segmentation_of_a_multi_frame_file_names_the_file_and_its_frames(tmp_path: Path) -> None:
    data = enhanced(np.stack([pixels(3, seed) for seed in range(2)]))
    scan = read_scan(save(data, tmp_path / "enhanced.dcm"), frame=1)
    write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / "labels.dcm")
    read = highdicom.seg.segread(tmp_path / "labels.dcm")
    sources = [one.DerivationImageSequence[0].SourceImageSequence[0] for one in read.PerFrameFunctionalGroupsSequence]
    assert {one.ReferencedSOPInstanceUID for one in sources} == {data.SOPInstanceUID}
    assert {one.ReferencedSOPClassUID for one in sources} == {data.SOPClassUID}
    # Of the second moment, whose slices are frames 4 to 6, the last of them the first along the normal.
    assert sorted(int(one.ReferencedFrameNumber) for one in sources) == [4, 5, 6]
    (instance,) = read.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert instance.ReferencedSOPInstanceUID == data.SOPInstanceUID


def test_no_segmentation_names_a_person(tmp_path: Path) -> None:
    scan = read_scan(folder(tmp_path / "heart", stack(pixels(3), StudyDate="20200101", AccessionNumber="JANE77")))
    write_labels(some_labels(scan), scan, tmp_path / "labels.dcm", CLASSES)
    content = (tmp_path / "labels.dcm").read_bytes()
    assert not [word for word in (NAME, "JANE", "1970", "20200101", str(tmp_path)) if word.encode() in content]
    read = pydicom.dcmread(tmp_path / "labels.dcm")
    assert not read.PatientName and not read.PatientID and not read.StudyDate
    with pytest.raises(ScanError, match=r"labels\.dcm holds no DICOM image"):
        read_scan(tmp_path / "labels.dcm")


def test_an_empty_segmentation_is_written_too(tmp_path: Path) -> None:
    scan = read_scan(folder(tmp_path / "heart", stack(pixels(3))))
    write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "labels.dcm", CLASSES)
    assert pydicom.dcmread(tmp_path / "labels.dcm").pixel_array.max() == 0


def test_labels_of_a_dicom_series_also_go_to_nifti_nrrd_and_a_slice_to_png(tmp_path: Path) -> None:
    scan = read_scan(folder(tmp_path / "heart", stack(pixels(3))))
    labels = some_labels(scan)
    for name in ("labels.nii.gz", "labels.nrrd", "labels.mha"):
        write_labels(labels, scan, tmp_path / name)
        back = read_scan(tmp_path / name)
        np.testing.assert_array_equal(back.voxels, labels)
        np.testing.assert_allclose(back.affine, scan.affine, atol=1e-4)
    one = read_scan(next((tmp_path / "heart").iterdir()))
    write_labels(labels[:, :, :1], one, tmp_path / "slice.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "slice.png")), labels[:, :, 0].T)


def test_only_a_dicom_scan_with_a_frame_of_reference_becomes_a_segmentation(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 1).save(tmp_path / "a.png")
    other = read_scan(tmp_path / "a.png")
    old = image(pixels(1)[0])
    del old.FrameOfReferenceUID
    for scan, message in ((other, "a.png is none"), (read_scan(save(old, tmp_path / "old.dcm")), "old.dcm lacks what")):
        with pytest.raises(ScanError, match=message):
            write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "labels.dcm")


# Damaged and hostile files


def mutations(content: bytes, count: int, seed: int) -> list[bytes]:
    """Cut off, with changed bytes, or with a piece moved; the same ones every time."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        changed = bytearray(content)
        # Most of them in the header, where they do more harm than in the pixels.
        reach = len(changed) if number % 4 == 0 else min(len(changed), 1500)
        if number % 5 == 0:
            changed = changed[: random.integers(1, reach)]
        else:
            for at in random.integers(0, reach, 1 + number % 7):
                changed[at] = random.integers(0, 256)
        made.append(bytes(changed))
    return made


def outcome(path: Path) -> str:
    """Reads a damaged file: either it is still a scan, or the error is ours and names the file alone."""
    try:
        scan = read_scan(path, most_bytes=1 << 24)
    except ScanError as error:
        said = str(error)
        return "refused" if path.name in said and str(path.parent) not in said and "JANE" not in said else said
    assert scan.voxels.dtype == np.float32 and np.isfinite(scan.voxels).all() and np.isfinite(scan.affine).all()
    return "read"


@pytest.mark.parametrize(
    ("kind", "count"), [("plain", 50), ("enhanced", 50), ("JPEGLosslessProcess14_1", 6), ("JPEGLSLossless", 40), ("JPEG2000Lossless", 40)]
)
def test_a_damaged_dicom_file_is_refused_by_our_own_error_or_read(tmp_path: Path, kind: str, count: int) -> None:
    (whole,) = stack(pixels(1, shape=(20, 16)).astype(np.uint16))
    path = save(enhanced(np.stack([pixels(3)])) if kind == "enhanced" else whole, tmp_path / "one.dcm")
    if kind.startswith("JPEG"):
        path = gdcm_syntax(path, tmp_path / "packed.dcm", kind)
    assert outcome(path) == "read"
    outcomes = []
    for content in mutations(path.read_bytes(), count, seed=len(kind)):
        path.write_bytes(content)
        outcomes.append(outcome(path))
    assert {"refused"} <= set(outcomes) <= {"read", "refused"}


def test_a_picture_that_ends_its_decoder_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    plain = save(stack(pixels(1, shape=(20, 16)).astype(np.uint16))[0], tmp_path / "plain.dcm")
    whole = gdcm_syntax(plain, tmp_path / "whole.dcm", "JPEGLosslessProcess14_1").read_bytes()
    scan_header = whole.index(b"\xff\xda")
    # The table that the scan asks for does not exist: GDCM throws where nobody can catch it.
    (tmp_path / "broken.dcm").write_bytes(whole[: scan_header + 6] + b"\x77" + whole[scan_header + 7 :])
    with pytest.raises(ScanError, match=r"broken\.dcm holds a DICOM image that is damaged or cut off"):
        read_scan(tmp_path / "broken.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path / "whole.dcm").voxels, read_scan(plain).voxels)


def test_a_damaged_zip_is_refused_by_our_own_error_or_read(tmp_path: Path) -> None:
    source = folder(tmp_path / "heart", stack(pixels(3)))
    path = tmp_path / "heart.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in source.iterdir():
            archive.write(file, file.name)
    outcomes = []
    for content in mutations(path.read_bytes(), 60, seed=5):
        path.write_bytes(content)
        outcomes.append(outcome(path))
    assert {"refused"} <= set(outcomes) <= {"read", "refused"}


def test_a_header_that_promises_more_than_is_allowed_is_refused_unread(tmp_path: Path) -> None:
    large = image(pixels(1)[0], Rows=40000, Columns=40000)
    many = image(pixels(1)[0], Rows=4000, Columns=4000, NumberOfFrames=500)
    tracemalloc.start()
    for data, name in ((large, "large.dcm"), (many, "many.dcm")):
        with pytest.raises(ScanError, match=f"{name} is too large"):
            read_scan(save(data, tmp_path / name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_a_deflated_file_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    path = save(image(pixels(1)[0]), tmp_path / "deflated.dcm")
    meta = pydicom.dcmread(path).file_meta
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    with path.open("wb") as file:
        file.write(bytes(128) + b"DICM")
        pydicom.filewriter.write_file_meta_info(file, meta, enforce_standard=False)
        file.write(zlib.compress(bytes(1 << 26))[2:])
    tracemalloc.start()
    with pytest.raises(ScanError, match=r"deflated\.dcm is DICOM, but deflated"):
        read_scan(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_compressed_picture_of_another_size_than_its_header_is_refused(tmp_path: Path) -> None:
    (data,) = stack(pixels(1, shape=(20, 16)).astype(np.uint16))
    plain = save(data, tmp_path / "plain.dcm")
    for syntax, measure in (("JPEGLosslessProcess14_1", jpeg_size), ("JPEGLSLossless", jpeg_size), ("JPEG2000Lossless", jpeg2000_size)):
        packed = pydicom.dcmread(gdcm_syntax(plain, tmp_path / "packed.dcm", syntax))
        assert measure(pydicom.encaps.get_frame(packed.PixelData, 0, number_of_frames=1)) == (20, 16)
        packed.Rows = 10
        packed.save_as(tmp_path / "packed.dcm")
        with pytest.raises(ScanError, match=r"packed\.dcm holds a DICOM image that is damaged"):
            read_scan(tmp_path / "packed.dcm")


def test_one_damaged_file_of_a_series_is_said_or_makes_a_gap(tmp_path: Path) -> None:
    path = folder(tmp_path / "heart", stack(pixels(4)), names="IM{}", seed=0)
    order = np.random.default_rng(0).permutation(4).tolist()
    last, middle = path / f"IM{order.index(3)}", path / f"IM{order.index(1)}"
    whole = last.read_bytes()
    last.write_bytes(whole[:200])
    scan = read_scan(path)
    assert scan.shape[2] == 3 and scan.notes == ("1 damaged DICOM file was left out",)
    last.write_bytes(whole)
    middle.write_bytes(whole[:200])
    with pytest.raises(ScanError, match="heart lacks 1 of 4 slices"):
        read_scan(path)


def test_orientations_without_an_end_are_refused(tmp_path: Path) -> None:
    data = enhanced(np.stack([pixels(520, shape=(2, 2))]), orientation=OBLIQUE)
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        angle = number * 0.01
        turned = [np.cos(angle), np.sin(angle), 0, -np.sin(angle), np.cos(angle), 0]
        frame.PlaneOrientationSequence = [pydicom.Dataset()]
        frame.PlaneOrientationSequence[0].ImageOrientationPatient = [f"{value:.6f}" for value in turned]
    with pytest.raises(ScanError, match="more than 500 series or planes"):
        read_scan(save(data, tmp_path / "fan.dcm"))
