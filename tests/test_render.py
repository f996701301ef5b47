"""Pictures and planes against arrays written out by hand."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from app.scan.planes import acquisition_plane, closest_axes, plane_views
from app.scan.render import absolute_difference, css_colour, greyscale, label_colours, label_picture, outline, overlay, packed
from vqseg.data.formats.axial import axial_scan
from vqseg.types import Scan

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 64]], np.uint8)
LABELS = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 2, 2], [0, 0, 0, 0, 2]], np.uint8)
GREY = np.full((5, 5), 100, np.uint8)


def scan_of(affine: np.ndarray, shape: tuple[int, int, int] = (3, 4, 5), header: object = "a grid") -> Scan:
    spacing = tuple(float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return Scan(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), affine, spacing, "scan.nii.gz", header)


def test_greyscale_maps_the_window_to_the_whole_range() -> None:
    np.testing.assert_array_equal(greyscale(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])), [0, 0, 128, 255, 255])
    np.testing.assert_array_equal(greyscale(np.array([-160.0, 40.0, 240.0]), low=-160, high=240), [0, 128, 255])
    with pytest.raises(ValueError, match="lower bound first"):
        greyscale(np.zeros(1), low=1, high=1)


def test_outline_is_the_inner_border_of_every_structure() -> None:
    expected = [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 1]]
    np.testing.assert_array_equal(outline(LABELS), np.array(expected, bool))


def test_outline_closes_at_the_edge_of_the_picture() -> None:
    expected = np.ones((3, 3), bool)
    expected[1, 1] = False
    np.testing.assert_array_equal(outline(np.ones((3, 3), np.uint8)), expected)


def test_overlay_blends_structures_and_leaves_the_background() -> None:
    picture = overlay(GREY, LABELS, COLOURS, opacity=0.5)
    np.testing.assert_array_equal(picture[0, 0], [100, 100, 100])
    np.testing.assert_array_equal(picture[2, 2], [178, 50, 50])  # (100 + 255) / 2 and 100 / 2, halves upwards
    np.testing.assert_array_equal(picture[3, 3], [50, 114, 82])


@pytest.mark.parametrize(("opacity", "expected"), [(0.0, [100, 100, 100]), (1.0, [255, 0, 0])])
def test_overlay_reaches_both_ends(opacity: float, expected: list[int]) -> None:
    np.testing.assert_array_equal(overlay(GREY, LABELS, COLOURS, opacity=opacity)[2, 2], expected)


def test_overlay_draws_outlines_and_visible_classes_only() -> None:
    outlined = overlay(GREY, LABELS, COLOURS, opacity=1, outline_only=True)
    np.testing.assert_array_equal(outlined[2, 2], [100, 100, 100])
    np.testing.assert_array_equal(outlined[1, 1], [255, 0, 0])
    hidden = overlay(GREY, LABELS, COLOURS, opacity=1, visible=np.array([True, False, True]))
    np.testing.assert_array_equal((hidden != 100).any(-1), LABELS == 2)


def test_difference_is_absolute_and_does_not_wrap_round() -> None:
    one, other = np.array([[0, 250, 7]], np.uint8), np.array([[255, 3, 7]], np.uint8)
    np.testing.assert_array_equal(absolute_difference(one, other), [[255, 247, 0]])


def test_label_picture_is_colour_on_black() -> None:
    np.testing.assert_array_equal(label_picture(np.array([[0, 2]], np.uint8), COLOURS), [[[0, 0, 0], [0, 128, 64]]])


def test_class_colours_are_distinct_and_the_background_is_black() -> None:
    colours = label_colours(8)
    assert colours.shape == (8, 3)
    assert css_colour(colours[0]) == "#000000"
    assert css_colour(colours[1]) == "#56b4e9"
    assert len({tuple(colour) for colour in colours}) == 8
    assert label_colours(12).shape == (12, 3)


def test_packed_bytes_come_back_in_row_order() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::-1]
    assert zlib.decompress(base64.b64decode(packed(picture))) == picture.tobytes()


def test_planes_of_an_array_in_ras_order() -> None:
    views = plane_views(scan_of(np.diag([2.0, 3.0, 4.0, 1.0])))
    assert {plane: (view.axis, view.count) for plane, view in views.items()} == {"axial": (2, 5), "coronal": (1, 4), "sagittal": (0, 3)}
    assert views["axial"].letters == ("A", "L", "P", "R")
    assert views["coronal"].letters == ("S", "L", "I", "R")
    assert views["sagittal"].letters == ("S", "P", "I", "A")
    assert views["axial"].shape == (4, 3)
    assert views["axial"].ratio == pytest.approx(6 / 12)
    assert views["coronal"].shape == (5, 3)
    assert views["coronal"].ratio == pytest.approx(6 / 20)


def test_axial_slice_is_shown_with_anterior_up_and_right_on_the_left() -> None:
    scan = scan_of(np.eye(4), shape=(2, 3, 1))
    # voxels[x, y, 0] = 3 x + y; x grows to the patient's right, y to the front.
    np.testing.assert_array_equal(plane_views(scan)["axial"].cut(scan.voxels, 0), [[5, 2], [4, 1], [3, 0]])


def test_the_same_anatomy_is_shown_whatever_the_order_and_signs_of_the_axes() -> None:
    world = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    straight = Scan(world, np.eye(4), (1, 1, 1), "a.nii", "a grid")
    stored = world.transpose(2, 0, 1)[::-1, :, ::-1]
    affine = np.array([[0, 1, 0, 0], [0, 0, -1, 2], [-1, 0, 0, 3], [0, 0, 0, 1]], float)
    turned = Scan(stored, affine, (1, 1, 1), "b.nii", "a grid")
    for plane, view in plane_views(straight).items():
        other = plane_views(turned)[plane]
        index = 0
        opposite = index if plane == "sagittal" else view.count - 1 - index
        np.testing.assert_array_equal(other.cut(stored, opposite), view.cut(world, index))
        assert other.letters == view.letters


def test_slice_index_keeps_the_order_of_the_array() -> None:
    scan = scan_of(np.diag([1.0, 1.0, -1.0, 1.0]))
    np.testing.assert_array_equal(plane_views(scan)["axial"].cut(scan.voxels, 4), scan.voxels[::-1, ::-1, 4].T)


def test_oblique_affine_takes_the_closest_axes_and_names_every_leaning() -> None:
    angle = np.deg2rad(30)
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ np.diag([1.0, 1.0, 8.0])
    scan = scan_of(affine)
    assert closest_axes(affine) == (0, 1, 2)
    views = plane_views(scan)
    assert views["axial"].letters == ("AS", "L", "PI", "R")
    assert acquisition_plane(views, 2) == "axial"


def test_axes_are_used_once_even_halfway_between_two() -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.7, -0.72, 0], [0.714, 0.694, 0], [0, 0, 1]])
    assert sorted(closest_axes(affine)) == [0, 1, 2]


def test_a_picture_without_geometry_gets_no_letters() -> None:
    assert plane_views(axial_scan("picture.png", np.ones((4, 5, 1), np.float32)))["axial"].letters == ("", "", "", "")
