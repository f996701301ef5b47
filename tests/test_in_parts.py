"""A scan labelled in parts has the labels and the verdict of one that is opened, and takes less memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.cli.known import KnownScans
from vqseg.codebook import Reference, judge
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter, SlicePart
from vqseg.types import Scan

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(5)


def made(shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1.5, 1.5, 8.0)) -> Scan:
    voxels = np.asfortranarray(RNG.random(shape, np.float32))
    return Scan(voxels, np.diag([*spacing, 1.0]), spacing, "made.nii.gz")


@pytest.mark.parametrize("context", [0, 1])
@pytest.mark.parametrize(
    ("shape", "spacing"), [((40, 36, 9), (1.5, 1.5, 8.0)), ((40, 6, 36), (1.0, 9.0, 1.0)), ((30, 32, 1), (1.0, 1.0, 1.0))]
)
def test_labels_are_those_of_an_opened_scan_along_any_axis(
    context: int, shape: tuple[int, int, int], spacing: tuple[float, float, float]
) -> None:
    segmenter, scan = Segmenter(tiny_model(context_slices=context)), made(shape, spacing)
    opened, seen = segmenter.open(scan), []
    np.testing.assert_array_equal(segmenter.labels_in_parts(scan), opened.labels)
    np.testing.assert_array_equal(segmenter.labels_in_parts(scan, seen.append), opened.labels)
    for name, whole in (
        ("distances", opened.distances),
        ("pooled", opened.pooled),
        ("pictures", np.moveaxis(opened.reconstruction, opened.axis, 0)),
        ("images", np.moveaxis(opened.normalised, opened.axis, 0)),
    ):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in seen]), whole)


def test_the_verdict_is_that_of_an_opened_scan() -> None:
    from vqseg.checkpoint import load_model
    from vqseg.codebook import read_reference

    folder = ROOT / "checkpoints" / "lidc-10"
    segmenter = Segmenter(load_model(folder))
    reference: Reference = read_reference(folder, segmenter)
    known = KnownScans(segmenter, folder, average_views=False)
    whole = read_scan(ROOT / "assets" / "examples" / "phantom_lung-nodule.nii.gz")
    scan = replace(whole, voxels=np.ascontiguousarray(whole.voxels[..., 1::4]), header=None)
    for one in (scan, replace(scan, voxels=-scan.voxels)):
        labels, opened = known.segment(one), segmenter.open(one)
        verdict = judge(opened, segmenter.reads, reference)
        np.testing.assert_array_equal(labels, opened.labels)
        assert (known.last.verdict, known.last.reasons, known.last.places) == (verdict.verdict, verdict.reasons, verdict.places)
        assert known.last.excess == pytest.approx(verdict.excess)
    assert known.last.excess is not None and known.last.excess > 1 and known.last.verdict != "known"


def test_no_more_than_a_copy_of_a_long_volume_is_made() -> None:
    segmenter, scan = Segmenter(tiny_model(image_side=None)), made((64, 64, 150))
    look: Any = lambda _: None  # noqa: E731
    segmenter.labels_in_parts(made((64, 64, 8)), look)

    def peak(work: Any) -> float:
        tracemalloc.start()
        work()
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top / scan.voxels.nbytes

    # Numbers are 4 bytes a voxel: a copy for the percentiles; later labels and regions.
    parts, whole = peak(lambda: segmenter.labels_in_parts(scan, look)), peak(lambda: segmenter.open(scan))
    assert parts < 1.8 < whole, (parts, whole)


def test_what_is_shown_is_of_a_few_slices() -> None:
    sizes: list[int] = []

    def look(part: SlicePart) -> None:
        sizes.append(len(part.images))

    Segmenter(tiny_model()).labels_in_parts(made((32, 32, 11)), look)
    assert sum(sizes) == 11 and max(sizes) <= 4
