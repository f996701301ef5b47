"""vqseg.data.regions: an organ in one piece, in its volume and slice by slice."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from vqseg.data.regions import largest_region, largest_regions, of_usual_size, replayed_slice, surroundings

VOLUMES = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 0, 1, 2])
)


def test_only_the_largest_region_stays_with_all_its_structures() -> None:
    labels = np.zeros((2, 8, 8), np.uint8)
    labels[0, 1:4, 1:4], labels[0, 2, 2], labels[1, 3, 3] = 1, 2, 3  # One piece over two slices.
    labels[1, 7, 0] = 1
    labels[1, 4, 4] = 3  # Touches by edges and corners only.
    expected = labels.copy()
    expected[1, 7, 0] = expected[1, 4, 4] = 0
    np.testing.assert_array_equal(largest_region(labels), expected)


def test_nothing_to_drop_leaves_the_labels_as_they_are() -> None:
    empty = np.zeros((2, 3, 3), np.uint8)
    np.testing.assert_array_equal(largest_region(empty), empty)
    for each in (False, True):
        np.testing.assert_array_equal(largest_region(empty, each=each), empty)
        np.testing.assert_array_equal(replayed_slice(empty[0], empty, 0, each=each), empty[0])


def test_each_structure_is_in_one_piece_where_that_is_asked_for() -> None:
    """A second ventricle whose wall hangs on the first one's."""
    labels = np.zeros((2, 9, 16), np.uint8)
    labels[:, 1:8, 1:8], labels[:, 3:6, 3:6] = 2, 3
    labels[1, 2:7, 8:13], labels[1, 4, 10] = 2, 3
    labels[0, 0, 15] = 1  # Alone, though the largest of its kind: no part of the heart.
    expected = labels.copy()
    expected[0, 0, 15] = 0
    np.testing.assert_array_equal(largest_region(labels), expected)
    expected[1, 4, 10] = 0
    np.testing.assert_array_equal(largest_region(labels, each=True), expected)


def test_pieces_of_an_unusual_size_go_where_a_usual_one_remains() -> None:
    labels = np.zeros((5, 10, 10), np.uint8)
    labels[0, :4, :4], labels[0, 6:8, 6], labels[0, 9, 9] = 1, 1, 2  # Too large, usual, too small.
    labels[1, :4, :4] = 1  # All there is.
    labels[2, :4, :4], labels[2, 9, 9] = 1, 2  # Neither is usual.
    labels[3, :2, :5], labels[3, 2:4, 5] = 1, 1  # As large as the bounds; they touch by a corner alone.
    expected = labels.copy()
    expected[0, :4, :4] = expected[0, 9, 9] = 0
    kept = of_usual_size(labels, (0.02, 0.1))
    np.testing.assert_array_equal(kept, expected)
    assert kept.dtype == np.uint8 and labels[0, 0, 0] == 1, "what is handed over is not changed"
    assert of_usual_size(labels[:0], (0.02, 0.1)).shape == (0, 10, 10)


@settings(deadline=None)
@given(labels=VOLUMES, bounds=st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda pair: pair[0] < pair[1]))
def test_what_is_dropped_for_its_size_is_whole_pieces_and_never_all_of_them(labels: np.ndarray, bounds: tuple[float, float]) -> None:
    kept = of_usual_size(labels, bounds)
    np.testing.assert_array_equal(kept, of_usual_size(kept, bounds))
    for before, after in zip(labels, kept, strict=True):
        assert (before > 0).any() == (after > 0).any()
        pieces, count = ndimage.label(before > 0)
        for piece in range(1, count + 1):
            stays = np.array_equal(before[pieces == piece], after[pieces == piece])
            assert stays or not after[pieces == piece].any()
            if not stays:
                assert not bounds[0] <= (pieces == piece).sum() / before.size <= bounds[1]


@settings(deadline=None)
@given(VOLUMES)
def test_each_structure_is_the_largest_of_its_kind_in_the_largest_region(labels: np.ndarray) -> None:
    kept, whole = largest_region(labels, each=True), largest_region(labels)
    for structure in (1, 2):
        sizes = np.bincount(ndimage.label(whole == structure)[0].ravel())[1:]
        assert (kept == structure).sum() == max(sizes, default=0)
        assert not ((kept == structure) & (whole != structure)).any()


@settings(deadline=None)
@given(VOLUMES, st.booleans())
def test_a_clean_slice_alone_keeps_what_it_keeps_in_its_volume(labels: np.ndarray, each: bool) -> None:
    kept = largest_region(labels, each=each)
    for index, part in enumerate(labels):
        np.testing.assert_array_equal(replayed_slice(part, kept, index, each=each), kept[index])


@settings(deadline=None)
@given(VOLUMES)
def test_the_surroundings_are_the_region_and_its_neighbours_by_faces(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(surroundings(labels), ndimage.binary_dilation(labels > 0))


def test_an_island_that_reaches_the_region_of_the_next_slice_stays() -> None:
    clean = np.zeros((3, 5, 5), np.uint8)
    clean[0, 0, 0] = 2
    part = np.zeros((5, 5), np.uint8)
    part[0:2, 0:2], part[4, 4] = 2, 1
    expected = part.copy()
    expected[4, 4] = 0
    for each in (False, True):
        np.testing.assert_array_equal(replayed_slice(part, clean, 1, each=each), expected)
        # Two slices away it is out of reach.
        assert not replayed_slice(part, clean, 2, each=each).any()


def test_a_replayed_structure_has_to_reach_its_own_kind() -> None:
    clean, part = np.zeros((1, 4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    clean[0, :, :3] = 2
    part[:, :3], part[1, 3] = 2, 3
    np.testing.assert_array_equal(replayed_slice(part, clean, 0), part)
    expected = np.where(part == 2, part, 0)
    np.testing.assert_array_equal(replayed_slice(part, clean, 0, each=True), expected)


def test_a_batch_of_pictures_is_cleaned_one_by_one() -> None:
    labels = torch.zeros((2, 6, 6), dtype=torch.int64)
    labels[0, 0:3, 0:3], labels[0, 5, 5], labels[1, 4, 4] = 1, 2, 3
    expected = labels.clone()
    expected[0, 5, 5] = 0
    cleaned = largest_regions(labels)
    assert cleaned.dtype == labels.dtype
    assert torch.equal(cleaned, expected)
