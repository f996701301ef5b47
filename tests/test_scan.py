"""Reading and writing scans against nibabel, and every damaged file we could think of. All files are made in tmp_path."""

from __future__ import annotations

import gzip
import pickle
import struct
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from vqseg.data.scan import ScanError, read_labels, read_scan, through_plane_axis, write_labels
from vqseg.types import Scan

OBLIQUE = nib.affines.from_matvec(np.array([[0.1, -1.4, 0.5], [-1.5, 0.1, 0.2], [0.1, 0.2, -8.0]]), [20.0, -31.0, 7.0])
RNG = np.random.default_rng(0)


def volume(*shape: int, dtype: type = np.int16) -> np.ndarray:
    return RNG.integers(-900, 900, shape).astype(dtype)


def save(path: Path, data: np.ndarray) -> Path:
    nib.Nifti1Image(data, OBLIQUE).to_filename(path)
    return path


def patched(path: Path, offset: int, content: bytes) -> Path:
    """Overwrite bytes of an uncompressed NIfTI header, past nibabel's own checks."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(content)] = content
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_nifti_voxels_and_affine_are_nibabels(tmp_path: Path, ending: str, dtype: type) -> None:
    path = save(tmp_path / f"scan{ending}", np.abs(volume(5, 6, 4)).astype(dtype))
    scan, oracle = read_scan(path), nib.load(path)
    assert scan.voxels.dtype == np.float32 and scan.name == path.name
    np.testing.assert_array_equal(scan.voxels, oracle.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(scan.affine, oracle.affine)
    np.testing.assert_allclose(scan.spacing, oracle.header.get_zooms())


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(volume(4, 5, 3), OBLIQUE)
    image.header.set_slope_inter(0.5, -7)
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_scan(tmp_path / "a.nii").voxels, nib.load(tmp_path / "a.nii").get_fdata(), rtol=1e-6)


def test_big_endian_and_nifti2_are_read(tmp_path: Path) -> None:
    data = volume(4, 5, 3)
    nib.Nifti1Image(data, OBLIQUE, nib.Nifti1Header(endianness=">")).to_filename(tmp_path / "big.nii")
    nib.Nifti2Image(data, OBLIQUE).to_filename(tmp_path / "two.nii.gz")
    for name in ("big.nii", "two.nii.gz"):
        scan = read_scan(tmp_path / name)
        np.testing.assert_array_equal(scan.voxels, data)
        write_labels(np.ones(scan.shape, np.uint8), scan, tmp_path / "out.nii.gz")
        np.testing.assert_allclose(nib.load(tmp_path / "out.nii.gz").affine, OBLIQUE, atol=1e-5)


def test_the_content_decides_not_the_ending(tmp_path: Path) -> None:
    data = volume(4, 5, 3)
    save(tmp_path / "a.nii.gz", data).rename(tmp_path / "a.nii")
    save(tmp_path / "c.nii", data).rename(tmp_path / "b.nii.gz")
    Image.fromarray(np.abs(data[:, :, 0]).astype(np.uint8)).save(tmp_path / "c.png")
    (tmp_path / "c.png").rename(tmp_path / "c.jpg")
    for name in ("a.nii", "b.nii.gz"):
        np.testing.assert_array_equal(read_scan(tmp_path / name).voxels, data)
    assert read_scan(tmp_path / "c.jpg").shape == (4, 5, 1)


def test_four_dimensions_take_the_frame(tmp_path: Path) -> None:
    data = volume(4, 5, 3, 6)
    path = save(tmp_path / "cine.nii.gz", data)
    np.testing.assert_array_equal(read_scan(path, frame=4).voxels, data[..., 4])
    np.testing.assert_array_equal(read_scan(path).voxels, data[..., 0])
    assert (read_scan(path).frames, read_scan(path).frame_seconds) == (6, None)
    for frame in (6, -1):
        with pytest.raises(ScanError, match=r"cine\.nii\.gz has no frame -?\d; accepted: 0 to 5"):
            read_scan(path, frame)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1), (6, 7, 4), (6, 7, 4, 3)])
@pytest.mark.parametrize("codes", [(1, 0), (0, 2), (2, 1), (0, 0)])
def test_labels_come_back_on_the_inputs_own_grid(tmp_path: Path, shape: tuple[int, ...], codes: tuple[int, int]) -> None:
    image = nib.Nifti1Image(volume(*shape), np.eye(4))
    rigid = nib.affines.from_matvec(np.diag([-1.5, -1.4, 8.0]) @ nib.eulerangles.euler2mat(0.1, 0.2, 0.3), [1, 2, 3])
    image.set_sform(OBLIQUE, code=codes[0])
    image.set_qform(rigid, code=codes[1])
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(tmp_path / "in.nii.gz")
    scan = read_scan(tmp_path / "in.nii.gz", frame=0)
    labels = RNG.integers(0, 4, scan.shape).astype(np.uint8)
    write_labels(labels, scan, tmp_path / "out.nii.gz")
    before, after = nib.load(tmp_path / "in.nii.gz"), nib.load(tmp_path / "out.nii.gz")
    assert after.shape == shape[:3] and after.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(after.dataobj).reshape(labels.shape), labels)
    for field in ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d", "qoffset_x"):
        np.testing.assert_array_equal(after.header[field], before.header[field], err_msg=field)
    np.testing.assert_allclose(after.header.get_zooms(), before.header.get_zooms()[:3])
    np.testing.assert_allclose(after.affine, before.affine)
    assert after.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_array_equal(read_labels(tmp_path / "out.nii.gz"), labels)


def test_no_text_of_the_header_survives(tmp_path: Path) -> None:
    image = nib.Nifti1Image(volume(4, 4, 2), OBLIQUE)
    for field in ("descrip", "db_name", "intent_name", "aux_file"):
        image.header[field] = b"JANE DOE"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"JANE DOE 1970"))
    image.to_filename(tmp_path / "in.nii")
    assert (tmp_path / "in.nii").read_bytes().count(b"JANE DOE") == 5
    scan = read_scan(tmp_path / "in.nii")
    assert b"JANE" not in pickle.dumps(scan)
    write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "out.nii")
    assert b"JANE" not in (tmp_path / "out.nii").read_bytes()


def test_bad_spacing_counts_as_one_and_negative_as_its_size(tmp_path: Path) -> None:
    path = patched(save(tmp_path / "a.nii", volume(4, 5, 3)), 252, struct.pack("<2h", 0, 0))
    scan = read_scan(patched(path, 80, struct.pack("<3f", -2.0, 0.0, float("nan"))))
    assert scan.spacing == (2.0, 1.0, 1.0)
    np.testing.assert_array_equal(scan.affine, np.diag([2.0, 1.0, 1.0, 1.0]))
    write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "out.nii")
    assert nib.load(tmp_path / "out.nii").header.get_zooms() == (2.0, 1.0, 1.0)


def test_a_singular_sform_gives_way_to_the_qform_then_to_the_spacing(tmp_path: Path) -> None:
    flat, rigid = np.diag([1.0, 0.0, 1.0, 1.0]), np.diag([-1.5, -1.5, 9.0, 1.0])
    image = nib.Nifti1Image(volume(4, 5, 3), np.eye(4))
    image.set_qform(rigid, code=1)
    image.set_sform(flat, code=1)
    image.to_filename(tmp_path / "a.nii")
    np.testing.assert_allclose(read_scan(tmp_path / "a.nii").affine, rigid, atol=1e-6)
    patched(tmp_path / "a.nii", 252, struct.pack("<h", 0))
    np.testing.assert_allclose(read_scan(tmp_path / "a.nii").affine, np.diag([1.5, 1.5, 9.0, 1.0]))


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    image = nib.Nifti1Image(volume(4, 5, 3), np.diag([500.0, 500.0, 2000.0, 1.0]))
    image.header.set_xyzt_units("micron")
    image.to_filename(tmp_path / "a.nii")
    scan = read_scan(tmp_path / "a.nii")
    np.testing.assert_allclose(scan.spacing, (0.5, 0.5, 2.0))
    np.testing.assert_allclose(scan.affine, np.diag([0.5, 0.5, 2.0, 1.0]))


def test_voxels_that_are_not_finite_become_the_smallest_finite_one(tmp_path: Path) -> None:
    data = np.array([[[np.nan, 3.0], [np.inf, -np.inf]], [[-5.0, 2.0], [1.0, 0.0]]], np.float32)
    for path in (save(tmp_path / "a.nii.gz", data), tmp_path / "a.npy"):
        np.save(tmp_path / "a.npy", data)
        np.testing.assert_array_equal(read_scan(path).voxels, np.where(np.isfinite(data), data, -5.0))


def test_pictures_are_read_row_column(tmp_path: Path) -> None:
    grey, deep = RNG.integers(0, 256, (5, 7), dtype=np.uint8), RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
    colour = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for ending in ("png", "tif", "bmp"):
        Image.fromarray(grey).save(tmp_path / f"grey.{ending}")
        np.testing.assert_array_equal(read_scan(tmp_path / f"grey.{ending}").voxels[:, :, 0], grey)
    for ending in ("png", "tif"):
        Image.fromarray(deep).save(tmp_path / f"deep.{ending}")
        np.testing.assert_array_equal(read_scan(tmp_path / f"deep.{ending}").voxels[:, :, 0], deep)
    luminance = 0.299 * colour[..., 0] + 0.587 * colour[..., 1] + 0.114 * colour[..., 2]
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(np.dstack([colour, grey])).save(tmp_path / "alpha.png")
    for name in ("colour.png", "alpha.png"):
        np.testing.assert_allclose(read_scan(tmp_path / name).voxels[:, :, 0], luminance, atol=1e-3)
    Image.fromarray(np.full((8, 8), 100, np.uint8)).save(tmp_path / "flat.jpg")
    np.testing.assert_allclose(read_scan(tmp_path / "flat.jpg").voxels, 100, atol=2)


def test_a_pictures_affine_has_rows_to_the_back_and_columns_to_the_left(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 1).save(tmp_path / "a.png")
    assert nib.aff2axcodes(read_scan(tmp_path / "a.png").affine) == ("P", "L", "S")


def test_a_series_says_how_far_its_moments_lie_apart(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones((4, 5, 3, 6), np.float32), np.eye(4))
    image.header.set_zooms((1, 1, 1, 40))
    image.header.set_xyzt_units("mm", "msec")
    image.to_filename(tmp_path / "cine.nii")
    assert read_scan(tmp_path / "cine.nii", frame=2).frame_seconds == pytest.approx(0.04)
    still = nib.Nifti1Image(np.ones((4, 5, 3), np.float32), np.eye(4))
    still.header.set_xyzt_units("mm", "msec")
    still.to_filename(tmp_path / "still.nii")
    assert (read_scan(tmp_path / "still.nii").frames, read_scan(tmp_path / "still.nii").frame_seconds) == (1, None)
    np.save(tmp_path / "cine.npy", np.ones((4, 5, 3, 6), np.float32))
    assert read_scan(tmp_path / "cine.npy", frame=5).frames == 6


def test_tiff_pages_are_slices_and_arrays_have_frames(tmp_path: Path) -> None:
    pages = RNG.integers(0, 65536, (3, 5, 7), dtype=np.uint16)
    first, *rest = [Image.fromarray(page) for page in pages]
    first.save(tmp_path / "stack.tif", save_all=True, append_images=rest)
    np.testing.assert_array_equal(read_scan(tmp_path / "stack.tif").voxels, pages.transpose(1, 2, 0))
    data = volume(4, 5, 3, 2)
    np.save(tmp_path / "a.npy", data)
    np.testing.assert_array_equal(read_scan(tmp_path / "a.npy", 1).voxels, data[..., 1])
    np.save(tmp_path / "b.npy", data[..., 0, 0])
    np.testing.assert_array_equal(read_scan(tmp_path / "b.npy").voxels, data[:, :, :1, 0])


def test_labels_of_a_picture_go_to_png_npy_or_nifti(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 1).save(tmp_path / "a.png")
    scan = read_scan(tmp_path / "a.png")
    labels = RNG.integers(0, 4, (5, 7, 1)).astype(np.uint8)
    for name in ("out.png", "out.npy", "out.nii.gz", "out.nii"):
        write_labels(labels, scan, tmp_path / name)
        np.testing.assert_array_equal(read_labels(tmp_path / name), labels)
    np.testing.assert_array_equal(nib.load(tmp_path / "out.nii").affine, scan.affine)


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    scan = read_scan(save(tmp_path / "a.nii", volume(4, 5, 3)))
    for labels in (np.zeros((5, 4, 3), np.uint8), np.zeros((4, 5, 3), np.int64)):
        with pytest.raises(ScanError, match=r"expected uint8 \(4, 5, 3\), the grid of a\.nii"):
            write_labels(labels, scan, tmp_path / "out.nii")
    with pytest.raises(ScanError, match="one slice"):
        write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "out.png")
    with pytest.raises(ScanError, match="accepted endings"):
        write_labels(np.zeros(scan.shape, np.uint8), scan, tmp_path / "out.txt")
    with pytest.raises(ScanError, match="whole numbers from 0 to 255"):
        read_labels(tmp_path / "a.nii")


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1.5, 1.5, 9.0), 2), ((8.0, 1.0, 1.0), 0), ((1.0, 3.0, 1.2), 1), ((1.0, 1.0, 1.0), 2), ((1.009, 1.0, 1.0), 2), ((2.0, 2.0, 1.0), 2)],
)
def test_through_plane_is_the_clearly_largest_spacing(spacing: tuple[float, float, float], axis: int) -> None:
    assert through_plane_axis(Scan(np.zeros((3, 4, 5)), np.eye(4), spacing, "a")) == axis
    assert through_plane_axis(Scan(np.zeros((3, 4, 1)), np.eye(4), spacing, "a")) == 2


def bad_files(folder: Path) -> dict[str, str]:
    """Every damaged file, written into `folder`, and what its error has to say."""
    good = save(folder / "good.nii", volume(8, 9, 5)).read_bytes()
    zipped = gzip.compress(good)
    rgb = np.zeros((4, 5, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    Image.fromarray(np.abs(volume(64, 64)).astype(np.uint8)).save(folder / "good.png")
    picture = (folder / "good.png").read_bytes()
    Image.new("L", (4, 4)).save(folder / "sizes.tif", save_all=True, append_images=[Image.new("L", (5, 4))])
    np.save(folder / "objects.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    np.save(folder / "complex.npy", np.zeros((3, 3), complex))
    np.save(folder / "line.npy", np.zeros(3))
    np.save(folder / "void.npy", np.zeros((3, 0, 2)))
    np.save(folder / "words.npy", np.array([["a", "b"]]))
    save(folder / "five.nii", volume(2, 2, 2, 2, 2))
    save(folder / "complex.nii.gz", np.zeros((4, 5, 3), np.complex64))
    save(folder / "rgb.nii.gz", rgb)
    save(folder / "nan.nii.gz", np.full((4, 5, 3), np.nan, np.float32))
    contents = {
        "empty.nii": b"",
        "notes.txt": b"not a scan",
        "scan.nii.gz": b"neither",
        "cut.nii.gz": zipped[: len(zipped) // 2],
        "flipped.nii.gz": zipped[:-6] + b"\xff\xff" + zipped[-4:],
        "noise.nii.gz": zipped[:20] + bytes(RNG.integers(0, 256, 400, dtype=np.uint8)),
        "tar.nii.gz": gzip.compress(b"a tar file" * 100),
        "cut.nii": good[:-10],
        "head.nii": good[:400],
        "pair.nii": good[:344] + b"ni1\0" + good[348:],
        "type.nii": good[:70] + struct.pack("<h", 9999) + good[72:],
        "zero.nii": good[:42] + struct.pack("<h", 0) + good[44:],
        "offset.nii": good[:108] + struct.pack("<f", float("inf")) + good[112:],
        "dims.nii": good[:40] + struct.pack("<h", 0) + good[42:],
        "study.dcm": b"\0" * 128 + b"DICM" + b"\0" * 64,
        "model.pkl": pickle.dumps({"a": 1}),
        "archive.npz": b"PK\x03\x04" + b"\0" * 50,
        "cut.png": picture[: len(picture) // 2],
        "start.png": picture[:8],
        "cut.npy": (folder / "complex.npy").read_bytes()[:-8],
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {
        "absent.nii": "cannot read",
        "empty.nii": "empty file",
        "notes.txt": "unknown type; accepted: NIfTI",
        "scan.nii.gz": "unknown type; accepted: NIfTI",
        "cut.nii.gz": "cut-off gzip",
        "flipped.nii.gz": "broken or cut-off gzip",
        "noise.nii.gz": "broken or cut-off gzip",
        "tar.nii.gz": "no NIfTI inside",
        "cut.nii": "cut off",
        "head.nii": "cut off",
        "pair.nii": r"\.hdr/\.img pair, and its \.img is not beside it",
        "type.nii": "invalid NIfTI header",
        "zero.nii": "is empty: its shape",
        "offset.nii": "invalid NIfTI header",
        "dims.nii": "1 dimension",
        "five.nii": "has 5 dimension",
        "complex.nii.gz": "complex voxels",
        "rgb.nii.gz": "colour or record voxels",
        "nan.nii.gz": "no finite voxel",
        "study.dcm": "is DICOM, but damaged or cut off",
        "model.pkl": "unknown type",
        "archive.npz": "damaged or cut-off zip",
        "cut.png": "damaged or cut-off picture",
        "start.png": "picture",
        "sizes.tif": "different sizes",
        "objects.npy": "array of Python objects",
        "complex.npy": "complex voxels",
        "line.npy": "has 1 dimension",
        "void.npy": "no readable|is empty",
        "words.npy": "expected one real number",
        "cut.npy": "no readable",
    }


def test_every_bad_file_is_named_and_explained(tmp_path: Path) -> None:
    for name, message in bad_files(tmp_path).items():
        with pytest.raises(ScanError, match=message) as caught:
            read_scan(tmp_path / name)
        assert name in str(caught.value) and str(tmp_path) not in str(caught.value), str(caught.value)


def test_a_file_that_would_unpack_too_large_is_refused_unread(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((2000, 2000, 2000))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    bomb = header.binaryblock + b"\0" * (1 << 24)
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(bomb))
    (tmp_path / "bomb.nii").write_bytes(bomb)
    np.lib.format.write_array_header_1_0(
        (tmp_path / "bomb.npy").open("wb"), {"descr": "|u1", "fortran_order": False, "shape": (40000,) * 3}
    )
    tracemalloc.start()
    for name in ("bomb.nii.gz", "bomb.nii", "bomb.npy"):
        with pytest.raises(ScanError, match=r"too large|no readable"):
            read_scan(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_voxels_after_the_promised_ones_are_not_unpacked(tmp_path: Path) -> None:
    raw = save(tmp_path / "a.nii", volume(8, 9, 5)).read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(raw + b"\0" * (1 << 26)))
    tracemalloc.start()
    np.testing.assert_array_equal(read_scan(tmp_path / "a.nii.gz").voxels, nib.load(tmp_path / "a.nii").get_fdata())
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
