"""Labels on their scan's grid: what is the same place is put into the scan's order, whatever else is refused with numbers."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_files import folder, pixels, stack
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vqseg.data.grids import GridError, on_grid_of
from vqseg.data.scan import ScanError, read_labels_of, read_scan, through_plane_axis, write_labels
from vqseg.types import Scan

RNG = np.random.default_rng(0)
SHAPE = (12, 10, 4)
LABELS = RNG.integers(0, 4, SHAPE).astype(np.uint8)
OBLIQUE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.1, 0.2, 0.3) @ np.diag([1.5, 1.25, 8.0]), [3.0, -70.0, 12.0])


def scan_of(voxels: np.ndarray, affine: np.ndarray, name: str = "scan.nii.gz") -> Scan:
    x, y, z = (float(one) for one in np.linalg.norm(affine[:3, :3], axis=0))
    return Scan(voxels, affine, (x, y, z), name)


def turned(voxels: np.ndarray, affine: np.ndarray, axes: tuple[int, ...], mirrored: tuple[bool, ...]) -> Scan:
    """The same picture in another array order, with the affine that says so."""
    image = nib.Nifti1Image(voxels, affine)
    orientation = np.array([[axes.index(axis), -1 if mirrored[axis] else 1] for axis in range(3)], float)
    moved = image.as_reoriented(orientation)
    return scan_of(np.asarray(moved.dataobj), moved.affine, "labels.nii.gz")


@given(axes=st.permutations([0, 1, 2]), mirrored=st.tuples(st.booleans(), st.booleans(), st.booleans()), oblique=st.booleans())
def test_mirrored_and_exchanged_axes_are_undone(axes: list[int], mirrored: tuple[bool, ...], oblique: bool) -> None:
    affine = OBLIQUE if oblique else np.diag([1.5, 1.5, 8.0, 1.0])
    labels = turned(LABELS, affine, tuple(axes), mirrored)
    found = on_grid_of(scan_of(np.zeros(SHAPE, np.float32), affine), labels)
    np.testing.assert_array_equal(found.voxels, LABELS)
    np.testing.assert_array_equal(found.affine, affine)


def moved(by: float) -> np.ndarray:
    affine = OBLIQUE.copy()
    affine[0, 3] += by
    return affine


TURNED = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.2, 0, 0), [0, 0, 0]) @ OBLIQUE


@pytest.mark.parametrize(
    ("affine", "shape", "complaint"),
    [
        (moved(50), SHAPE, r"labels\.nii\.gz lies elsewhere than scan\.nii\.gz: the centres are 50\.0 mm apart"),
        (
            OBLIQUE @ np.diag([0.5, 0.5, 1, 1]),
            SHAPE,
            r"has voxels of 0\.75 × 0\.625 × 8 mm; those of scan\.nii\.gz measure 1\.5 × 1\.25 × 8 mm",
        ),
        (OBLIQUE @ np.diag([-1, 1, 1, 1]), SHAPE, "lies elsewhere"),
        (TURNED, SHAPE, r"is turned by 11\.5 degrees"),
        (OBLIQUE, (12, 10, 5), r"has 12 × 10 × 5 voxels; the scan scan\.nii\.gz has 12 × 10 × 4"),
    ],
)
def test_another_grid_is_refused_with_numbers_and_a_remedy(affine: np.ndarray, shape: tuple[int, ...], complaint: str) -> None:
    labels = scan_of(np.zeros(shape, np.uint8), affine, "labels.nii.gz")
    with pytest.raises(GridError, match=complaint) as caught:
        on_grid_of(scan_of(np.zeros(SHAPE, np.float32), OBLIQUE), labels)
    assert "nearest neighbour" in str(caught.value)


def test_rounded_headers_are_the_same_grid_and_half_a_voxel_is_not() -> None:
    scan, labels = scan_of(np.zeros(SHAPE, np.float32), OBLIQUE), scan_of(LABELS, OBLIQUE.round(3), "labels.nii.gz")
    np.testing.assert_array_equal(on_grid_of(scan, labels).voxels, LABELS)
    with pytest.raises(GridError, match="lies elsewhere"):
        on_grid_of(scan, scan_of(LABELS, OBLIQUE @ nib.affines.from_matvec(np.eye(3), [0.5, 0, 0])))


def test_files_that_say_nothing_of_their_place_are_compared_by_shape_and_known_spacing(tmp_path: Path) -> None:
    Image.fromarray(LABELS[..., 0]).save(tmp_path / "labels.png")
    placed = nib.Nifti1Image(RNG.random(SHAPE[:2]).astype(np.float32), OBLIQUE)
    nib.save(placed, tmp_path / "scan.nii.gz")
    scan = read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(read_labels_of(scan, tmp_path / "labels.png").voxels[..., 0], LABELS[..., 0])
    # Without a form programs turn a NIfTI differently: nibabel's own affine for it is mirrored.
    bare = nib.Nifti1Image(RNG.random(SHAPE).astype(np.float32), None)
    bare.header.set_zooms((1.5, 1.25, 8.0))
    nib.save(bare, tmp_path / "bare.nii.gz")
    for spacing, fits in (((1.5, 1.25, 8.0), True), ((3.0, 2.5, 8.0), False)):
        labels = nib.Nifti1Image(LABELS, np.diag([*spacing, 1.0]))
        nib.save(labels, tmp_path / "labels.nii.gz")
        bare_scan = read_scan(tmp_path / "bare.nii.gz")
        if fits:
            np.testing.assert_array_equal(read_labels_of(bare_scan, tmp_path / "labels.nii.gz").voxels, LABELS)
        else:
            with pytest.raises(GridError, match=r"has voxels of 3 × 2\.5 × 8 mm"):
                read_labels_of(bare_scan, tmp_path / "labels.nii.gz")


def test_the_png_of_a_square_dicom_slice_is_read_as_it_was_written(tmp_path: Path) -> None:
    study = folder(tmp_path / "study", stack(pixels(1, shape=(20, 20))))
    scan, labels = read_scan(study), RNG.integers(0, 4, (20, 20, 1)).astype(np.uint8)
    for name in ("labels.png", "labels.npy", "labels.nii.gz"):
        write_labels(labels, scan, tmp_path / name)
        np.testing.assert_array_equal(read_labels_of(scan, tmp_path / name).voxels, labels, err_msg=name)


@pytest.mark.parametrize("row", [np.zeros(4), [np.nan, 0, 0, 0]])
def test_a_form_that_makes_no_sense_places_nothing(tmp_path: Path, row: np.ndarray) -> None:
    image = nib.Nifti1Image(RNG.random(SHAPE).astype(np.float32), None)
    image.header.set_zooms((1.5, 1.5, 8.0))
    image.header["sform_code"], image.header["srow_x"] = 1, row
    nib.save(image, tmp_path / "scan.nii")
    scan = read_scan(tmp_path / "scan.nii")
    assert any("form makes no sense" in note for note in scan.notes)
    nib.save(nib.Nifti1Image(LABELS, np.diag([-1.5, 1.5, 8.0, 1.0])), tmp_path / "labels.nii")
    np.testing.assert_array_equal(read_labels_of(scan, tmp_path / "labels.nii").voxels, LABELS)


def test_a_format_that_does_not_say_which_side_is_left_places_nothing(tmp_path: Path) -> None:
    image = nib.AnalyzeImage(RNG.random(SHAPE).astype(np.float32), np.diag([-1.5, 1.5, 8.0, 1.0]))
    image.to_filename(tmp_path / "scan.hdr")
    scan = read_scan(tmp_path / "scan.hdr")
    middle = scan.affine @ [5.5, 0, 0, 1]
    nib.save(
        nib.Nifti1Image(LABELS, np.diag([1.5, 1.5, 8.0, 1.0]) + np.outer([2 * middle[0], 0, 0, 0], [0, 0, 0, 1])), tmp_path / "labels.nii"
    )
    np.testing.assert_array_equal(read_labels_of(scan, tmp_path / "labels.nii").voxels, LABELS)


# One source of geometry


@pytest.mark.parametrize("ending", [".nii", ".hdr"])
def test_a_pair_has_the_geometry_of_a_single_file(tmp_path: Path, ending: str) -> None:
    kind = nib.Nifti1Pair if ending == ".hdr" else nib.Nifti1Image
    image = kind(RNG.random(SHAPE).astype(np.float32), np.diag([0.0015, 0.0015, 0.008, 1.0]))
    image.header.set_xyzt_units("meter")
    image.header["pixdim"][1:4] = 1
    image.to_filename(tmp_path / f"scan{ending}")
    scan = read_scan(tmp_path / f"scan{ending}")
    np.testing.assert_allclose(scan.spacing, (1.5, 1.5, 8.0), rtol=1e-6)
    assert scan.spacing_known and any("two sizes of a voxel" in note for note in scan.notes)


def test_extensions_without_an_end_are_refused_and_not_read_as_voxels(tmp_path: Path) -> None:
    image = nib.Nifti1Image(RNG.random(SHAPE).astype(np.float32), OBLIQUE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 40))
    nib.save(image, tmp_path / "scan.nii")
    np.testing.assert_array_equal(read_scan(tmp_path / "scan.nii").voxels, np.asarray(image.dataobj))
    content = bytearray((tmp_path / "scan.nii").read_bytes())
    content[108:112] = bytes(4)
    (tmp_path / "scan.nii").write_bytes(content)
    with pytest.raises(ScanError, match="does not say where its voxels begin behind them"):
        read_scan(tmp_path / "scan.nii")


def test_the_size_of_a_voxel_is_the_affines_and_a_contradiction_is_said(tmp_path: Path) -> None:
    image = nib.Nifti1Image(RNG.random(SHAPE).astype(np.float32), np.diag([1.5, 1.5, 8.0, 1.0]))
    image.header["pixdim"][1:4] = 1
    nib.save(image, tmp_path / "two.nii.gz")
    scan = read_scan(tmp_path / "two.nii.gz")
    assert scan.spacing == (1.5, 1.5, 8.0) and scan.spacing_known
    assert np.isclose(np.prod(scan.spacing), abs(np.linalg.det(scan.affine)))
    assert any("two sizes of a voxel, 1 x 1 x 1 mm and 1.5 x 1.5 x 8 mm" in note for note in scan.notes)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), np.diag([1.5, 1.5, 8.0, 1.0])), tmp_path / "one.nii.gz")
    assert read_scan(tmp_path / "one.nii.gz").notes == ()


def test_forms_that_place_a_scan_differently_are_said(tmp_path: Path) -> None:
    image = nib.Nifti1Image(RNG.random(SHAPE).astype(np.float32), np.diag([1.5, 1.5, 8.0, 1.0]))
    image.set_qform(nib.affines.from_matvec(np.diag([1.5, 1.5, 8.0]), [0, 20, 0]), 1)
    image.set_sform(np.diag([1.5, 1.5, 8.0, 1.0]), 1)
    nib.save(image, tmp_path / "both.nii.gz")
    scan = read_scan(tmp_path / "both.nii.gz")
    assert scan.notes == ("the header's sform and qform place the scan differently, by up to 20.0 mm; the sform was taken",)


@pytest.mark.parametrize(("kind", "first"), [(nib.Nifti1Image, 352), (nib.Nifti2Image, 544)])
def test_voxels_never_begin_inside_the_header(tmp_path: Path, kind: type, first: int) -> None:
    voxels = RNG.random(SHAPE).astype(np.float32)
    path = tmp_path / "scan.nii"
    nib.save(kind(voxels, OBLIQUE), path)
    content = bytearray(path.read_bytes())
    where = slice(108, 112) if first == 352 else slice(168, 176)
    for offset in (0, 1, 300):
        content[where] = np.array(offset, np.float32 if first == 352 else np.int64).tobytes()
        path.write_bytes(content)
        np.testing.assert_array_equal(read_scan(path).voxels, voxels)


# Volumes of one slice


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("ending", [".npy", ".nii"])
def test_an_axis_of_length_one_is_the_one_across_the_slice(tmp_path: Path, axis: int, ending: str) -> None:
    voxels = np.expand_dims(RNG.random((20, 30)).astype(np.float32), axis)
    path = tmp_path / f"scan{ending}"
    if ending == ".npy":
        np.save(path, voxels)
    else:
        # The largest spacing lies elsewhere.
        nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 2.0, 3.0, 1.0])), path)
    scan = read_scan(path)
    assert scan.shape == voxels.shape and through_plane_axis(scan) == axis
    labels = (voxels > 0.5).astype(np.uint8)
    for target in (f"labels{ending}", "labels.png"):
        write_labels(labels, scan, tmp_path / target)
    np.testing.assert_array_equal(read_scan(tmp_path / f"labels{ending}").voxels, labels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "labels.png")), labels.squeeze(axis))


def test_a_series_of_pictures_is_no_cine(tmp_path: Path) -> None:
    pictures = RNG.random((5, 1, 20, 30)).astype(np.float32)
    np.save(tmp_path / "series.npy", pictures)
    scan = read_scan(tmp_path / "series.npy")
    assert scan.frames == 1 and scan.shape == (20, 30, 5) and through_plane_axis(scan) == 2
    for number in range(5):
        np.testing.assert_array_equal(scan.voxels[..., number], pictures[number, 0])
    labels = (scan.voxels > 0.5).astype(np.uint8)
    write_labels(labels, scan, tmp_path / "labels.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), pictures > 0.5)


def test_every_order_of_axes_is_tried_above() -> None:
    """An oracle's oracle: `turned` moves a marked voxel to where its world coordinates stay."""
    for axes in permutations(range(3)):
        labels = turned(LABELS, OBLIQUE, axes, (True, False, True))
        index = np.array([1, 1, 1])
        world = labels.affine @ [*index, 1]
        there = np.rint(np.linalg.inv(OBLIQUE) @ world)[:3].astype(int)
        assert labels.voxels[tuple(index)] == LABELS[tuple(there)]
