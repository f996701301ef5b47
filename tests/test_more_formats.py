"""NRRD, MetaImage, Analyze, .npz, WebP and zips against the libraries that wrote them; channels, colours, and files that name others."""

from __future__ import annotations

import gzip
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from dicom_files import folder, image, pixels, save, stack
from PIL import Image

from vqseg.data.scan import ScanError, label_name, list_series, read_labels, read_scan, write_labels
from vqseg.data.sources import sources_of

RNG = np.random.default_rng(2)
VOXELS = RNG.integers(-900, 900, (4, 5, 3)).astype(np.int16)
AFFINE = np.array([[-1.2, 0.5, 2.0, 9.0], [0.6, -1.3, 1.0, -3.0], [0.2, 0.6, 7.5, 4.0], [0, 0, 0, 1]])


def itk_image(voxels: np.ndarray = VOXELS, vector: bool = False) -> SimpleITK.Image:
    """Oblique: a rotation with other spacings, as SimpleITK has no others."""
    made = SimpleITK.GetImageFromArray(voxels.transpose(*range(voxels.ndim - 1 - vector, -1, -1), *([voxels.ndim - 1] * vector)), vector)
    if made.GetDimension() == 3:
        made.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, -1))
        made.SetSpacing((1.5, 1.25, 8.0))
        made.SetOrigin((-12.0, 30.0, 7.0))
    return made


def ras(made: SimpleITK.Image) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array(made.GetDirection()).reshape(3, 3) * np.array(made.GetSpacing())
    affine[:3, 3] = made.GetOrigin()
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("ending", ["nrrd", "nhdr", "mha", "mhd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_what_simpleitk_writes_is_read_with_its_geometry(tmp_path: Path, ending: str, dtype: type, compressed: bool) -> None:
    made = itk_image(np.abs(VOXELS).astype(dtype))
    path = tmp_path / f"heart.{ending}"
    SimpleITK.WriteImage(made, str(path), compressed)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.voxels, np.abs(VOXELS).astype(dtype))
    np.testing.assert_allclose(scan.affine, ras(made), atol=1e-6)
    np.testing.assert_allclose(scan.spacing, (1.5, 1.25, 8.0))
    assert scan.notes == () and scan.voxels.dtype == np.float32
    labels = RNG.integers(0, 4, scan.shape).astype(np.uint8)
    write_labels(labels, scan, tmp_path / label_name("labels." + ending))
    back = SimpleITK.ReadImage(str(tmp_path / label_name("labels." + ending)))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(back).transpose(), labels)
    np.testing.assert_allclose(ras(back), scan.affine, atol=1e-6)


def test_a_sheared_scan_gives_labels_with_its_geometry_in_nrrd(tmp_path: Path) -> None:
    nib.Nifti1Image(VOXELS, AFFINE).to_filename(tmp_path / "heart.nii")
    scan = read_scan(tmp_path / "heart.nii")
    write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / "labels.nrrd")
    np.testing.assert_allclose(read_scan(tmp_path / "labels.nrrd").affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_a_fourth_axis_has_frames_and_channels_are_chosen(tmp_path: Path, ending: str) -> None:
    moments = RNG.integers(0, 900, (4, 5, 3, 12)).astype(np.int16)
    path = tmp_path / f"cine.{ending}"
    SimpleITK.WriteImage(itk_image(moments), str(path))
    scan = read_scan(path, 7)
    np.testing.assert_array_equal(scan.voxels, moments[..., 7])
    assert (scan.frames, scan.notes) == (12, ())
    SimpleITK.WriteImage(itk_image(moments[..., :3], vector=True), str(path))
    with pytest.raises(ScanError, match=rf"cine\.{ending} holds 3 channels a voxel; choose one of them as its frame, 0 to 2"):
        read_scan(path)
    np.testing.assert_array_equal(read_scan(path, 1).voxels, moments[..., 1])


def test_few_frames_without_a_time_may_be_channels_and_vectors_are_refused(tmp_path: Path) -> None:
    data = RNG.integers(0, 900, (4, 5, 3, 4)).astype(np.int16)
    nib.Nifti1Image(data, AFFINE).to_filename(tmp_path / "four.nii.gz")
    said = ("frame 1 of 4 was read; if the fourth axis holds channels rather than moments, choose one",)
    assert read_scan(tmp_path / "four.nii.gz").notes == said
    assert read_scan(tmp_path / "four.nii.gz", 2).notes == ()
    np.save(tmp_path / "four.npy", data)
    assert read_scan(tmp_path / "four.npy").notes == said
    timed = nib.Nifti1Image(data, AFFINE)
    timed.header.set_xyzt_units("mm", "msec")
    timed.header.set_zooms((*timed.header.get_zooms()[:3], 40))
    timed.to_filename(tmp_path / "timed.nii.gz")
    assert read_scan(tmp_path / "timed.nii.gz").notes == ()
    for name, array, intent in (("warp.nii", data[:, :, :, None], "displacement vector"), ("colour.nii", data, "vector")):
        vector = nib.Nifti1Image(array, AFFINE)
        vector.header.set_intent(intent, allow_unknown=True)
        vector.to_filename(tmp_path / name)
        with pytest.raises(ScanError, match="holds 4 channels a voxel"):
            read_scan(tmp_path / name)
        np.testing.assert_array_equal(read_scan(tmp_path / name, 3).voxels, data[..., 3])


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Spm2AnalyzeImage, nib.Spm99AnalyzeImage, nib.AnalyzeImage])
def test_a_pair_of_header_and_voxels_is_nibabels_under_either_name(tmp_path: Path, kind: type) -> None:
    diagonal = np.diag([-1.5, 1.25, 8.0, 1.0])
    kind(VOXELS, diagonal).to_filename(tmp_path / "heart.img")
    (tmp_path / "heart.mat").unlink(missing_ok=True)
    oracle = nib.load(tmp_path / "heart.img")
    for name in ("heart.img", "heart.hdr"):
        scan = read_scan(tmp_path / name)
        np.testing.assert_array_equal(scan.voxels, VOXELS)
        np.testing.assert_allclose(scan.affine, oracle.affine, atol=1e-5)
        assert bool(scan.notes) == (kind is not nib.Nifti1Pair)
    for path in (tmp_path / "heart.hdr", tmp_path / "heart.img"):
        shutil.copy(path, tmp_path / f"alone{path.suffix}")
    (tmp_path / "alone.img").unlink()
    with pytest.raises(ScanError, match=r"its \.img is not beside it"):
        read_scan(tmp_path / "alone.hdr")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.mhd", "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {}\n"),
        ("b.mha", "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile={}\n"),
        ("c.nhdr", "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {}\n\n"),
        ("d.nrrd", "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndatafile: {}\n\n"),
    ],
)
def test_a_header_opens_only_a_file_beside_it(tmp_path: Path, name: str, lines: str) -> None:
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / name
    for beyond in (tmp_path / "secret.raw", tmp_path / "deep" / "own.raw"):
        beyond.write_bytes(bytes(range(1, 9)))
    path.write_text(lines.format("own.raw"))
    assert read_scan(path).voxels.sum() == 36
    for named in (
        "../secret.raw",
        str(tmp_path / "secret.raw"),
        "LIST",
        "LIST 2",
        "own%d.raw 1 2 1",
        "own.raw other.raw",
        "..\\secret.raw",
    ):
        path.write_text(lines.format(named))
        with pytest.raises(ScanError) as caught:
            read_scan(path)
        assert name in str(caught.value) and "secret" not in str(caught.value)
    path.write_text(lines.format("gone.raw"))
    with pytest.raises(ScanError, match="which is not beside it"):
        read_scan(path)


def test_a_comment_cannot_hide_where_the_voxels_are(tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_text(
        "ObjectType = Image\nComment = ElementDataFile = LOCAL\nNDims = 3\nDimSize = 2 2 2\n"
        "ElementType = MET_UCHAR\nElementDataFile = /etc/hostname\n"
    )
    with pytest.raises(ScanError, match="does not say where the voxels are"):
        read_scan(tmp_path / "a.mha")


def test_damaged_voxels_of_nrrd_and_metaimage_are_refused(tmp_path: Path) -> None:
    for name in ("a.nrrd", "a.mha"):
        for compressed in (True, False):
            SimpleITK.WriteImage(itk_image(), str(tmp_path / name), compressed)
            content = (tmp_path / name).read_bytes()
            (tmp_path / name).write_bytes(content[:-9])
            with pytest.raises(ScanError, match=rf"{name}.* cut"):
                read_scan(tmp_path / name)
        SimpleITK.WriteImage(itk_image(), str(tmp_path / name), True)
        changed = bytearray((tmp_path / name).read_bytes())
        changed[-30] ^= 0xFF
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(ScanError, match="damaged"):
            read_scan(tmp_path / name)


def test_headers_of_too_large_scans_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_bytes(
        b"ObjectType = Image\nNDims = 3\nDimSize = 4000 4000 4000\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + bytes(100)
    )
    (tmp_path / "a.nrrd").write_bytes(
        b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4000 4000 4000\nencoding: gzip\n\n" + gzip.compress(bytes(1 << 20))
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("arr_0.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (4000,) * 3})
        member.write(bytes(1 << 20))
    for name in ("a.mha", "a.nrrd", "a.npz"):
        with pytest.raises(ScanError, match=r"too large|no readable"):
            read_scan(tmp_path / name)


def test_npz_gives_its_only_array_or_the_one_that_is_called_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for arrays in ({"scan": VOXELS}, {"image": VOXELS, "label": VOXELS > 0}, {"arr_0": VOXELS, "arr_1": VOXELS}):
        for write in (np.savez, np.savez_compressed):
            write(path, **arrays)
            np.testing.assert_array_equal(read_scan(path).voxels, VOXELS)
    assert read_scan(path).name == "a.npz"
    np.savez(path, one=VOXELS, other=VOXELS)
    with pytest.raises(ScanError, match=r"a\.npz holds 2 arrays; expected one"):
        read_scan(path)
    np.savez(path, image=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ScanError, match=r"a\.npz is no readable .npy file"):
        read_scan(path)


def test_webp_is_a_picture_and_colour_is_said(tmp_path: Path) -> None:
    grey = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "grey.webp", lossless=True)
    scan = read_scan(tmp_path / "grey.webp")
    np.testing.assert_allclose(scan.voxels[:, :, 0], grey, atol=1e-3)
    assert scan.notes == ()
    for ending in ("webp", "png", "tif"):
        Image.fromarray(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(tmp_path / f"colour.{ending}")
        assert read_scan(tmp_path / f"colour.{ending}").notes == ("colour was read as grey",)


def test_a_zip_may_hold_one_scan_of_any_format_with_its_voxels(tmp_path: Path) -> None:
    SimpleITK.WriteImage(itk_image(), str(tmp_path / "heart.mhd"), False)
    nib.AnalyzeImage(VOXELS, np.eye(4)).to_filename(tmp_path / "pair.img")
    nib.Nifti1Image(VOXELS, AFFINE).to_filename(tmp_path / "one.nii.gz")
    for names in (("heart.mhd", "heart.raw"), ("pair.hdr", "pair.img"), ("one.nii.gz",)):
        with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
            for name in names:
                archive.write(tmp_path / name, f"/deep/../{name}")
            archive.writestr("read me.txt", "hello")
            archive.writestr("inner.zip", b"PK\x03\x04 never opened")
        scan = read_scan(tmp_path / "sent.zip")
        np.testing.assert_array_equal(scan.voxels, VOXELS)
        assert scan.name == "sent.zip"
        np.testing.assert_array_equal(read_scan([tmp_path / name for name in names]).voxels, VOXELS)
    with zipfile.ZipFile(tmp_path / "sent.zip", "a") as archive:
        archive.write(tmp_path / "one.nii.gz", "again.nii.gz")
    with pytest.raises(ScanError, match=r"sent\.zip holds 2 scans; expected one"):
        read_scan(tmp_path / "sent.zip")


def test_zips_that_are_too_large_encrypted_or_without_a_scan_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("heart.nii", bytes(1 << 20))
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    promised = whole[: directory + 24] + (0xFFFFFF00).to_bytes(4, "little") + whole[directory + 28 :]
    locked = whole[: directory + 8] + b"\1" + whole[directory + 9 :]
    tracemalloc.start()
    for content, message in (
        (promised, "too large unpacked"),
        (locked, "is encrypted"),
        (whole, "holds no scan"),
        (whole[:60], "cut-off zip"),
    ):
        path.write_bytes(content)
        with pytest.raises(ScanError, match=rf"a\.zip .*{message}"):
            read_scan(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_only_dicom_has_series(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VOXELS)
    assert list_series(tmp_path / "a.npy") == ()
    with pytest.raises(ScanError, match=r"a\.npy has no series"):
        read_scan(tmp_path / "a.npy", series=1)
    with pytest.raises(ScanError, match="cannot read absent"):
        list_series(tmp_path / "absent")
    with pytest.raises(ScanError, match="no file was named"):
        read_scan([])


# Which scans an input holds


def test_a_folder_of_dicom_is_one_scan_and_any_other_holds_a_scan_a_file(tmp_path: Path) -> None:
    study = folder(tmp_path / "study", stack(pixels(3)))
    folder(study / "deeper", stack(pixels(2), SeriesInstanceUID="1.9"))
    assert [(one.files, one.name) for one in sources_of([study])] == [(study, "study")]
    np.save(tmp_path / "a.npy", VOXELS)
    nib.AnalyzeImage(VOXELS, np.eye(4)).to_filename(tmp_path / "pair.img")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "empty").mkdir()
    assert [one.name for one in sources_of([tmp_path])] == ["a.npy", "pair.hdr", "study"]
    (tmp_path / "AUTORUN.INF").write_text("a viewer's")
    assert "AUTORUN.INF" not in [one.name for one in sources_of([tmp_path])]
    shutil.rmtree(study)
    assert [one.name for one in sources_of([tmp_path])] == ["AUTORUN.INF", "a.npy", "pair.hdr"]


def test_dicom_files_that_are_named_one_by_one_are_sorted_into_their_series(tmp_path: Path) -> None:
    study = folder(tmp_path / "study", [*stack(pixels(3)), *stack(pixels(2, seed=1), SeriesInstanceUID="1.9", SeriesNumber=2)])
    (single := tmp_path / "single").mkdir()
    save(image(pixels(1)[0], SeriesInstanceUID="1.10", SeriesNumber=3), single / "one.dcm")
    found = sources_of([*sorted(study.iterdir()), single / "one.dcm"])
    assert [one.name for one in found] == ["study_series-1", "study_series-2", "one.dcm"]
    assert [read_scan(one.files).shape[2] for one in found] == [3, 2, 1]
    np.testing.assert_array_equal(read_scan(found[1].files).voxels, pixels(2, seed=1).transpose(2, 1, 0) * 2.0 - 10)


def test_labels_in_every_format_come_back(tmp_path: Path) -> None:
    nib.Nifti1Image(VOXELS, AFFINE).to_filename(tmp_path / "heart.nii")
    scan = read_scan(tmp_path / "heart.nii")
    labels = RNG.integers(0, 4, scan.shape).astype(np.uint8)
    for name in ("a.nrrd", "a.mha", "a.npz", "a.npy", "a.nii.gz"):
        write_labels(labels, scan, tmp_path / name)
        np.testing.assert_array_equal(read_labels(tmp_path / name), labels)
    moments = np.stack([labels] * 2 + [labels[::-1]] * 10, axis=3)
    for name in ("b.nrrd", "b.mha", "b.npz"):
        write_labels(moments, scan, tmp_path / name)
        for frame in (1, 2):
            np.testing.assert_array_equal(read_scan(tmp_path / name, frame).voxels, moments[..., frame])
        np.testing.assert_allclose(read_scan(tmp_path / "b.nrrd", 1).affine, scan.affine, atol=1e-5)
