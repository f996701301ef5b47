"""DICOM series as scans: voxels and geometry against SimpleITK, which reads them by another library (GDCM)."""

from __future__ import annotations

import logging
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_files import (
    AXIAL,
    COLUMNS,
    NAME,
    OBLIQUE,
    ROWS,
    SECONDARY,
    cine,
    enhanced,
    folder,
    image,
    normal,
    pixels,
    save,
    stack,
)
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from vqseg.data.scan import ScanError, list_series, read_scan

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oracle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (x, y, z) and the RAS affine of a folder with one series, by SimpleITK."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).transpose(), TO_RAS @ affine


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE, (0, 1, 0, 0, 0, -1), (-0.6, 0, 0.8, 0, -1, 0)])
@pytest.mark.parametrize("gap", [8.0, -2.5])
def test_a_shuffled_series_has_simpleitks_voxels_and_geometry(tmp_path: Path, orientation: tuple[float, ...], gap: float) -> None:
    path = folder(tmp_path / "heart", stack(pixels(7), orientation=orientation, gap=gap))
    scan, (voxels, affine) = read_scan(path), oracle(path)
    np.testing.assert_array_equal(scan.voxels, voxels)
    np.testing.assert_allclose(scan.affine, affine, atol=1e-4)
    np.testing.assert_allclose(scan.spacing, (1.25, 1.5, abs(gap)), atol=1e-4)
    assert scan.voxels.dtype == np.float32 and (scan.name, scan.frames, scan.notes) == ("heart", 1, ())


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_plain_encoding_is_read_with_and_without_a_preamble(tmp_path: Path, syntax: str, preamble: bool) -> None:
    values = pixels(3)
    series = stack(values.byteswap() if syntax == ExplicitVRBigEndian else values)
    scan = read_scan(folder(tmp_path / "heart", series, syntax=syntax, preamble=preamble))
    np.testing.assert_array_equal(scan.voxels, values.transpose(2, 1, 0) * 2.0 - 10)


def test_a_folder_a_zip_and_files_that_were_dropped_at_once_are_one_scan(tmp_path: Path) -> None:
    path = folder(tmp_path / "heart", stack(pixels(4)), names="{:d}.dcm")
    (path / "README").write_text("How to open this study")
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, file in enumerate(sorted(path.iterdir())):
            archive.write(file, f"../../deep/{number % 2}/{file.name}")
        archive.writestr("__MACOSX/._x", b"\0" * 200)
    expected = read_scan(path)
    files = sorted(path.iterdir())
    for source, name in ((tmp_path / "study.zip", "study.zip"), (files, files[0].name)):
        scan = read_scan(source)
        np.testing.assert_array_equal(scan.voxels, expected.voxels)
        np.testing.assert_array_equal(scan.affine, expected.affine)
        assert scan.name == name
    assert not (tmp_path / "deep").exists() and not (tmp_path.parent / "deep").exists()
    one = read_scan(files[1])
    assert one.shape == (COLUMNS, ROWS, 1) and one.spacing[2] == 5.0


def gdcm_syntax(source: Path, target: Path, name: str) -> Path:
    gdcm = pytest.importorskip("gdcm", reason="python-gdcm is not installed: pip install -r requirements.txt")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    return target


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless"])
def test_compression_without_loss_gives_the_same_voxels(tmp_path: Path, name: str) -> None:
    (tmp_path / "packed").mkdir()
    plain = folder(tmp_path / "plain", stack(pixels(3, shape=(40, 33)).astype(np.uint16) % 4096))
    for file in plain.iterdir():
        gdcm_syntax(file, tmp_path / "packed" / file.name, name)
    scan, expected = read_scan(tmp_path / "packed"), read_scan(plain)
    np.testing.assert_array_equal(scan.voxels, expected.voxels)
    np.testing.assert_array_equal(scan.affine, expected.affine)
    np.testing.assert_array_equal(scan.voxels, oracle(tmp_path / "packed")[0])


def test_jpeg_with_loss_is_near(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:40, :33]
    smooth = (100 + 2 * rows + columns).astype(np.uint8)
    plain = save(image(smooth), tmp_path / "plain.dcm")
    scan = read_scan(gdcm_syntax(plain, tmp_path / "packed.dcm", "JPEGBaselineProcess1"))
    np.testing.assert_allclose(scan.voxels[:, :, 0], smooth.T, atol=6)


@pytest.mark.parametrize("name", ["JPEGLosslessProcess14_1", "JPEG2000Lossless", "RLELossless"])
def test_frames_of_a_compressed_file_are_decoded_one_by_one(tmp_path: Path, name: str) -> None:
    values = np.abs(pixels(4, shape=(20, 16))).astype(np.uint16)
    plain = save(image(values, sop_class=SECONDARY, NumberOfFrames=4, FrameTime=40.0), tmp_path / "plain.dcm")
    packed = gdcm_syntax(plain, tmp_path / "packed.dcm", name)
    data = pydicom.dcmread(packed)
    # GDCM makes them up, as if the moments were slices.
    del data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence
    data.save_as(packed)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(packed, "packed.dcm")
        archive.write(plain, "plain.dcm")
    for path in (plain, packed, tmp_path / "packed.zip"):
        for moment in (0, 3):
            np.testing.assert_array_equal(read_scan(path, frame=moment).voxels[:, :, 0], values[moment].T)


def test_rle_of_pydicom_is_read_too(tmp_path: Path) -> None:
    values = pixels(1, shape=(20, 16))
    (data,) = stack(values)
    save(data, tmp_path / "plain.dcm")
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(tmp_path / "packed.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path / "packed.dcm").voxels[:, :, 0], values[0].T * 2.0 - 10)


def test_a_cine_has_moments_that_are_chosen_by_number(tmp_path: Path) -> None:
    values = np.stack([pixels(3, seed) for seed in range(4)])
    path = folder(tmp_path / "cine", cine(values))
    for moment in range(4):
        scan = read_scan(path, frame=moment)
        np.testing.assert_array_equal(scan.voxels, values[moment].transpose(2, 1, 0) * 2.0 - 10)
        assert (scan.frames, scan.notes) == (4, ())
        assert scan.frame_seconds == pytest.approx(0.04)
    np.testing.assert_array_equal(read_scan(path).voxels, read_scan(path, 0).voxels)
    with pytest.raises(ScanError, match="cine has no frame 4; accepted: 0 to 3"):
        read_scan(path, 4)


@pytest.mark.parametrize("attribute", ["TemporalPositionIdentifier", "AcquisitionNumber", "InstanceNumber"])
def test_moments_without_trigger_times_go_by_the_next_number_that_tells_them_apart(tmp_path: Path, attribute: str) -> None:
    values = np.stack([pixels(3, seed) for seed in range(4)])
    series = cine(values)
    for number, data in enumerate(series):
        del data.TriggerTime
        if attribute != "InstanceNumber":
            data.InstanceNumber = 1
            setattr(data, attribute, number // 3 + 1)
    scan = read_scan(folder(tmp_path / "cine", series), frame=2)
    np.testing.assert_array_equal(scan.voxels, values[2].transpose(2, 1, 0) * 2.0 - 10)
    said = [note for note in scan.notes if "told apart by their numbers only" in note]
    assert len(said) == (attribute != "TemporalPositionIdentifier")


def test_cine_series_of_one_slice_each_are_joined(tmp_path: Path) -> None:
    values = np.stack([pixels(3, seed) for seed in range(4)])
    series = cine(values)
    for data in series:
        place = (data.InstanceNumber - 1) // 4
        data.SeriesInstanceUID, data.SeriesNumber = f"1.2.3.{place + 10}", place + 10
    scan = read_scan(folder(tmp_path / "cine", series), frame=3)
    np.testing.assert_array_equal(scan.voxels, values[3].transpose(2, 1, 0) * 2.0 - 10)
    assert scan.notes == ("3 series of one slice each were read as one stack",)


def test_an_enhanced_file_is_read_by_its_functional_groups(tmp_path: Path) -> None:
    values = np.stack([pixels(3, seed) for seed in range(2)])
    path = save(enhanced(values), tmp_path / "enhanced.dcm")
    scan = read_scan(path, frame=1)
    # Its slices go backwards along the normal.
    np.testing.assert_array_equal(scan.voxels, values[1, ::-1].transpose(2, 1, 0) * 3.0 + 1)
    assert (scan.frames, scan.frame_seconds) == (2, pytest.approx(0.04))
    expected = np.eye(4)
    expected[:3] = np.column_stack([1.25 * np.array(OBLIQUE[:3]), 1.5 * np.array(OBLIQUE[3:]), 8 * normal(OBLIQUE), -16 * normal(OBLIQUE)])
    np.testing.assert_allclose(scan.affine, TO_RAS @ expected, atol=1e-4)
    still = save(enhanced(values[:1]), tmp_path / "still.dcm")
    read = SimpleITK.ReadImage(str(still))
    np.testing.assert_array_equal(np.flip(read_scan(still).voxels, 2), SimpleITK.GetArrayFromImage(read).transpose())


def test_the_series_with_the_most_images_is_read_and_others_by_number(tmp_path: Path) -> None:
    large, small = stack(pixels(5)), stack(pixels(2, seed=9), SeriesInstanceUID="1.2.3.9", SeriesNumber=7, Modality="CT")
    path = folder(tmp_path / "study", [*small, *large])
    assert list_series(path) == (f"series 1: 5 images, MR, {COLUMNS} x {ROWS}", f"series 2: 2 images, CT, {COLUMNS} x {ROWS}")
    scan = read_scan(path)
    assert scan.shape[2] == 5
    assert scan.notes == (f"2 series; the one with the most images was read (series 1: 5 images, MR, {COLUMNS} x {ROWS})",)
    np.testing.assert_array_equal(read_scan(path, series=2).voxels, pixels(2, seed=9).transpose(2, 1, 0) * 2.0 - 10)
    with pytest.raises(ScanError, match="study has no series 3; there are: series 1: 5 images"):
        read_scan(path, series=3)


def test_a_scout_of_three_planes_does_not_disturb_its_series(tmp_path: Path) -> None:
    sagittal = stack(pixels(1, seed=4), orientation=(0, 1, 0, 0, 0, -1))
    scan = read_scan(folder(tmp_path / "heart", [*stack(pixels(4), orientation=AXIAL), *sagittal]))
    assert scan.shape[2] == 4 and "2 series; the one with the most images" in scan.notes[0]


def test_slices_that_are_not_parallel_are_refused(tmp_path: Path) -> None:
    angle = np.radians(3)
    tilted = stack(pixels(2), orientation=(1, 0, 0, 0, np.cos(angle), np.sin(angle)))
    with pytest.raises(ScanError, match="heart has slices that are not parallel: they differ by 3 degrees"):
        read_scan(folder(tmp_path / "heart", [*stack(pixels(3), orientation=AXIAL), *tilted]))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([0, 8, 16, 32, 40], "heart lacks 1 of 6 slices: its 5 lie 8.0 to 16 mm apart"),
        ([0, 8, 19, 27], "heart has slices at irregular distances: 8.0 to 11 mm"),
        ([0, 8, 16.2, 24], "irregular distances"),
    ],
)
def test_missing_and_irregular_slices_are_refused_with_numbers(tmp_path: Path, places: list[float], message: str) -> None:
    with pytest.raises(ScanError, match=message):
        read_scan(folder(tmp_path / "heart", stack(pixels(len(places)), places=places)))


def test_slices_that_are_shifted_sideways_are_refused_and_a_tilted_gantry_is_kept(tmp_path: Path) -> None:
    series = stack(pixels(4), orientation=AXIAL)
    for number, data in enumerate(series):
        data.ImagePositionPatient = [0, 2.0 * number, 8.0 * number]
    scan = read_scan(folder(tmp_path / "tilted", series))
    np.testing.assert_allclose(scan.affine[:3, 2], [0, -2, 8])
    series[2].ImagePositionPatient = [1.0, 4.0, 16.0]
    with pytest.raises(ScanError, match=r"shifted against each other by up to 1\.0"):
        read_scan(folder(tmp_path / "shifted", series))


def test_a_doubled_slice_is_left_out_and_said(tmp_path: Path) -> None:
    values = pixels(4)
    series = stack(values)
    again = stack(values)[1]
    again.InstanceNumber = 9
    path = folder(tmp_path / "heart", [*series, again])
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.voxels, values.transpose(2, 1, 0) * 2.0 - 10)
    assert scan.notes == ("1 doubled image was left out",)
    save(series[0], folder(tmp_path / "copied", series) / "copy")
    scan = read_scan(tmp_path / "copied")
    assert scan.shape[2] == 4 and scan.notes == ("1 image came twice and was read once",)


def test_a_doubled_moment_is_left_out_and_a_missing_one_refused(tmp_path: Path) -> None:
    values = np.stack([pixels(3, seed) for seed in range(4)])
    series = cine(values)
    again = cine(values)[5]
    scan = read_scan(folder(tmp_path / "doubled", [*series, again]), frame=1)
    np.testing.assert_array_equal(scan.voxels, values[1].transpose(2, 1, 0) * 2.0 - 10)
    assert scan.notes == ("1 doubled image was left out",)
    with pytest.raises(ScanError, match="missing has 3 to 4 images at a position"):
        read_scan(folder(tmp_path / "missing", series[1:]))


def test_pictures_without_positions_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    values = pixels(3)
    series = [image(one, InstanceNumber=number, PixelSpacing=[2.0, 0.5]) for number, one in enumerate(values)]
    scan = read_scan(folder(tmp_path / "old", series))
    np.testing.assert_array_equal(scan.voxels, values.transpose(2, 1, 0))
    assert scan.notes == ("positions are unknown; the slices are in the order of their numbers",)
    assert scan.spacing == (0.5, 2.0, 1.0) and not scan.spacing_known


def test_the_size_of_a_voxel_is_known_where_positions_or_the_header_say_it(tmp_path: Path) -> None:
    assert read_scan(folder(tmp_path / "heart", stack(pixels(3)))).spacing_known
    (alone,) = stack(pixels(1))
    assert read_scan(save(alone, tmp_path / "alone.dcm")).spacing_known
    del alone.SliceThickness
    assert not read_scan(save(alone, tmp_path / "alone.dcm")).spacing_known
    del alone.PixelSpacing
    alone.SliceThickness = 5.0
    scan = read_scan(save(alone, tmp_path / "alone.dcm"))
    assert not scan.spacing_known and scan.notes == ("the size of a pixel is unknown; 1 mm was taken",)


def test_a_multi_frame_capture_with_a_frame_time_is_a_cine_of_one_slice(tmp_path: Path) -> None:
    values = pixels(5).astype(np.uint8)
    path = save(image(values, sop_class=SECONDARY, NumberOfFrames=5, FrameTime=25.0), tmp_path / "capture.dcm")
    scan = read_scan(path, frame=3)
    np.testing.assert_array_equal(scan.voxels[:, :, 0], values[3].T)
    assert (scan.shape, scan.frames, scan.frame_seconds) == ((COLUMNS, ROWS, 1), 5, 0.025)


def test_monochrome1_and_colour_are_turned_to_grey_with_a_word(tmp_path: Path) -> None:
    values = pixels(1).astype(np.uint8)[0]
    white = save(image(values, PhotometricInterpretation="MONOCHROME1"), tmp_path / "white.dcm")
    scan = read_scan(white)
    np.testing.assert_array_equal(scan.voxels[:, :, 0], 255 - values.T)
    assert any("turned over" in note for note in scan.notes)
    colour = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3), dtype=np.uint8)
    fields = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    scan = read_scan(save(image(colour, **fields), tmp_path / "colour.dcm"))
    np.testing.assert_allclose(scan.voxels[:, :, 0], (colour @ [0.299, 0.587, 0.114]).T, atol=1e-3)
    assert "colour was read as grey" in scan.notes


def test_nothing_of_a_person_is_kept_logged_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    series = stack(pixels(3))
    for data in series:
        data.ImageComments = NAME
    path = folder(tmp_path / "heart", series)
    scan = read_scan(path)
    (broken := path / "IM0000").write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(ScanError) as caught:
        read_scan(path)
    said = [*scan.notes, *list_series(path), str(caught.value), caplog.text, *capfd.readouterr(), *(str(one.message) for one in recwarn)]
    for word in ("DOE", "JANE", "1970", str(tmp_path)):
        assert word.encode() not in pickle.dumps(scan)
        assert not any(word in text for text in said)
    assert sum(NAME.encode() in file.read_bytes() for file in path.iterdir()) == 3
