"""What a label file may hold: every kind becomes the right map, or a message with file, value and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from vqseg.data.case_files import CasesError, read_case_files, read_every
from vqseg.data.datasets import DatasetError, find_cases
from vqseg.data.label_maps import LabelError
from vqseg.data.scan import ScanError, read_label_map, read_labels, read_scan
from vqseg.types import UNSURE

RNG = np.random.default_rng(1)
NAMES = ("background", "RV", "MYO", "LV")
LABELS = RNG.integers(0, 4, (9, 8, 3)).astype(np.uint8)
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])


def saved(path: Path, values: Any, slope: float | None = None) -> Path:
    image = nib.Nifti1Image(np.asarray(values), AFFINE)
    if slope is not None:
        image.header.set_slope_inter(slope, 0)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_any_type_of_number_gives_the_same_labels(tmp_path: Path, dtype: type) -> None:
    np.testing.assert_array_equal(read_labels(saved(tmp_path / "a.nii.gz", LABELS.astype(dtype)), NAMES), LABELS)


@pytest.mark.parametrize("factor", [1.0000153, 0.99999])
def test_values_that_a_slope_has_rounded_are_whole_numbers(tmp_path: Path, factor: float) -> None:
    np.testing.assert_array_equal(read_labels(saved(tmp_path / "a.nii.gz", LABELS.astype(np.float32) * factor), NAMES), LABELS)
    scaled = tmp_path / "b.nii"
    saved(scaled, LABELS)
    content = bytearray(scaled.read_bytes())
    content[112:116] = np.float32(factor).tobytes()
    scaled.write_bytes(content)
    np.testing.assert_array_equal(read_labels(scaled, NAMES), LABELS)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (np.nan, "has 1 voxels that are NaN or infinite"),
        (np.inf, "has 1 voxels that are NaN or infinite"),
        (0.5, r"is no label file: it holds the value 0\.5"),
        (-1, "is no label file: it holds the value -1"),
        (300, "is no label file: it holds the value 300"),
        (5, r"has the label 5; expected whole numbers from 0 to 3 \(background, RV, MYO, LV\)"),
        (UNSURE, "has the label 255"),
    ],
)
def test_a_value_that_is_no_label_is_named_with_its_file(tmp_path: Path, value: float, complaint: str) -> None:
    values = LABELS.astype(np.float32)
    values[1, 2, 0] = value
    with pytest.raises(LabelError, match=rf"^P1\.nii\.gz {complaint}") as caught:
        read_labels(saved(tmp_path / "P1.nii.gz", values), NAMES)
    assert str(tmp_path) not in str(caught.value)


def test_a_background_of_nan_does_not_become_a_structure(tmp_path: Path) -> None:
    values = np.where(LABELS == 0, np.nan, LABELS)
    path = saved(tmp_path / "a.nii.gz", values.astype(np.float32))
    with pytest.raises(LabelError, match="write 0 for the background"):
        read_labels(path, NAMES)
    # In a scan NaN is no fault, but it is said.
    assert read_scan(path).notes == (f"{(LABELS == 0).sum()} voxels hold no finite number; the smallest value of the others was taken",)


def test_a_mask_of_0_and_255_is_one_of_0_and_1_where_there_are_two_classes(tmp_path: Path) -> None:
    mask = (LABELS > 1).astype(np.uint8) * 255
    found = read_label_map(saved(tmp_path / "a.nii.gz", mask), ("background", "nodule"))
    np.testing.assert_array_equal(found.voxels, mask // 255)
    assert found.notes == ("255 was read as 1, nodule",)
    with pytest.raises(LabelError, match=r"has the label 255.*write the number of its class instead of 255"):
        read_labels(tmp_path / "a.nii.gz", NAMES)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.nii.gz", NAMES, ignore=UNSURE).voxels, mask)


def test_one_volume_a_class_becomes_one_volume_and_a_series_is_refused(tmp_path: Path) -> None:
    channels = (LABELS[..., None] == np.arange(4)).astype(np.uint8)
    np.testing.assert_array_equal(read_labels(saved(tmp_path / "a.nii.gz", channels), NAMES), LABELS)
    np.save(tmp_path / "a.npy", channels)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy"), LABELS)
    for wrong in (np.stack([LABELS, LABELS], -1), channels[..., :2], np.ones_like(channels)):
        with pytest.raises(LabelError, match=r"^b\.nii\.gz holds \d volumes; expected one volume of labels"):
            read_labels(saved(tmp_path / "b.nii.gz", wrong), NAMES)


def test_one_channel_a_class_becomes_one_volume(tmp_path: Path) -> None:
    channels = (LABELS[..., None, None] == np.arange(4)).astype(np.uint8)
    np.testing.assert_array_equal(read_labels(saved(tmp_path / "five.nii.gz", channels), NAMES), LABELS)
    image = SimpleITK.GetImageFromArray(channels[..., 0, :].transpose(2, 1, 0, 3), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "vector.nrrd"))
    np.testing.assert_array_equal(read_labels(tmp_path / "vector.nrrd", NAMES), LABELS)


# Pictures


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif"])
def test_the_indices_of_a_palette_count_and_not_its_colours(tmp_path: Path, ending: str) -> None:
    picture = Image.fromarray(LABELS[..., 0], mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / f"mask{ending}")
    np.testing.assert_array_equal(read_labels(tmp_path / f"mask{ending}", NAMES)[..., 0], LABELS[..., 0])


def test_pictures_of_one_bit_and_of_grey_in_colours_are_read(tmp_path: Path) -> None:
    plane = LABELS[..., 0]
    Image.fromarray(plane > 1).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "bits.png", NAMES)[..., 0], plane > 1)
    Image.fromarray(np.stack([plane] * 3, -1)).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([plane] * 3 + [np.full_like(plane, 255)], -1)).save(tmp_path / "opaque.png")
    Image.fromarray(plane.astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(plane).save(tmp_path / "lossless.webp", lossless=True)
    for name in ("grey.png", "opaque.png", "deep.png", "lossless.webp"):
        np.testing.assert_array_equal(read_labels(tmp_path / name, NAMES)[..., 0], plane, err_msg=name)


def test_colours_and_lossy_pictures_are_refused(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)[LABELS[..., 0]]
    Image.fromarray(colours).save(tmp_path / "mask.png")
    with pytest.raises(ScanError, match=r"^mask\.png is coloured, .* 4 colours, \(0, 0, 0\), \(0, 0, 255\).*indexed or grey PNG"):
        read_labels(tmp_path / "mask.png", NAMES)
    plane = Image.fromarray(np.kron(LABELS[..., 0], np.ones((4, 4), np.uint8)))
    for name, options in (("mask.jpg", {}), ("mask.webp", {"quality": 50}), ("mask.tif", {"compression": "jpeg"})):
        plane.save(tmp_path / name, **options)
        with pytest.raises(ScanError, match=rf"^{name} is a .*compression has changed its values"):
            read_labels(tmp_path / name, NAMES)


def test_of_an_archive_with_image_and_labels_the_labels_are_read(tmp_path: Path) -> None:
    image = RNG.random(LABELS.shape)
    np.savez(tmp_path / "both.npz", image=image, labels=LABELS)
    np.testing.assert_array_equal(read_labels(tmp_path / "both.npz", NAMES), LABELS)
    scan = read_scan(tmp_path / "both.npz")
    np.testing.assert_array_equal(scan.voxels, image.astype(np.float32))
    assert scan.notes == ("of 2 arrays in the file the one called image was read",)
    np.savez(tmp_path / "two.npz", one=image, other=LABELS)
    with pytest.raises(ScanError, match=r"holds 2 arrays; expected one, or one that is called labels, label, mask or arr_0"):
        read_labels(tmp_path / "two.npz")


# What of a picture is not in its grey values


def test_what_a_picture_holds_beside_its_grey_values_is_said(tmp_path: Path) -> None:
    plane = LABELS[..., 0] * 60
    grey, clear = Image.fromarray(plane), np.stack([plane, plane + 9], -1)
    turned = Image.Exif()
    turned[0x112] = 6
    Image.fromarray(clear, mode="LA").save(tmp_path / "clear.png")
    Image.fromarray(np.where([False, True], 255, clear).astype(np.uint8), mode="LA").save(tmp_path / "opaque.png")
    grey.save(tmp_path / "moving.png", save_all=True, append_images=[Image.fromarray(plane.T.copy().reshape(plane.shape))])
    grey.save(tmp_path / "turned.tif", exif=turned)
    said = {name: read_scan(tmp_path / name).notes for name in ("clear.png", "opaque.png", "moving.png", "turned.tif")}
    assert said == {
        "clear.png": ("transparency was left out",),
        "opaque.png": (),
        "moving.png": ("picture 1 of 2 in the file was read",),
        "turned.tif": ("the file asks to be shown turned or mirrored; its rows and columns were read as they are stored",),
    }


# Cases of a data set


def data_set(folder: Path, count: int = 2) -> Path:
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        saved(folder / "imagesTr" / f"p{number}_1_0000.nii.gz", RNG.random(LABELS.shape).astype(np.float32))
        saved(folder / "labelsTr" / f"p{number}_1.nii.gz", LABELS)
    (folder / "dataset.json").write_text(json.dumps({"labels": {name: value for value, name in enumerate(NAMES)}}))
    return folder


def test_labels_mirrored_with_a_matching_affine_are_read_in_the_scans_order(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data", 1)
    (case,) = find_cases(folder)
    mirrored = nib.Nifti1Image(LABELS[::-1], AFFINE @ np.array([[-1.0, 0, 0, 8], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    nib.save(mirrored, folder / "labelsTr" / "p0_1.nii.gz")
    np.testing.assert_array_equal(read_case_files(case, NAMES)[1], LABELS)


def test_a_case_names_itself_and_a_series_is_no_case(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data", 1)
    saved(folder / "labelsTr" / "p0_1.nii.gz", LABELS + 3)
    (case,) = find_cases(folder)
    with pytest.raises(DatasetError, match=r"^p0_1: p0_1\.nii\.gz has the label"):
        read_case_files(case, NAMES)
    saved(folder / "imagesTr" / "p0_1_0000.nii.gz", RNG.random((9, 8, 3, 12)))
    with pytest.raises(DatasetError, match=r"^p0_1: .* holds 12 volumes"):
        read_case_files(case, NAMES)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data", 9)
    for number in range(8):
        saved(folder / "labelsTr" / f"p{number}_1.nii.gz", LABELS + 9)
    with pytest.raises(CasesError) as caught:
        read_every(find_cases(folder), lambda case: read_case_files(case, NAMES))
    lines = str(caught.value).splitlines()
    assert lines[0] == "8 of 9 cases cannot be used:" and lines[-2] == "  and 3 more" and len(lines) == 8
    assert [line.split(":")[0].strip() for line in lines[1:6]] == [f"p{number}_1" for number in range(5)]
