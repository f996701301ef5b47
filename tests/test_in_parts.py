"""A scan labelled in parts has the labels and the verdict of one that is opened, and takes less memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.cli.known import KnownScans
from vqseg.codebook import Reference, judge, measure_in_parts
from vqseg.codebook.familiarity import measure
from vqseg.config import PreprocessConfig
from vqseg.data.preprocess import normalise, normalised_slices
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter
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
def test_labels_and_measures_are_those_of_an_opened_scan_along_any_axis(
    context: int, shape: tuple[int, int, int], spacing: tuple[float, float, float]
) -> None:
    segmenter, scan = Segmenter(tiny_model(context_slices=context)), made(shape, spacing)
    opened, read = segmenter.open(scan), segmenter.label(scan)
    np.testing.assert_array_equal(read.labels, opened.labels)
    np.testing.assert_array_equal(segmenter.labels(scan), opened.labels)
    np.testing.assert_array_equal(read.normalised, opened.normalised)
    parts, whole = measure_in_parts(read), measure(opened)
    for name in ("psnr", "distances", "texture", "layout"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-5, err_msg=name)


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
        assert verdict.excess is not None
        # Of a scan that is surely known, the pictures of three slices are enough.
        assert known.last.excess == pytest.approx(verdict.excess, rel=1e-4 if verdict.excess > 1 else 0.5)
    assert known.last.excess is not None and known.last.excess > 1 and known.last.verdict != "known"


def test_no_more_than_a_copy_of_a_long_volume_is_made() -> None:
    segmenter, scan = Segmenter(tiny_model(image_side=None)), made((64, 64, 150))

    def in_parts(scan: Scan) -> None:
        measure_in_parts(read := segmenter.label(scan))
        assert read.labels.any()

    def peak(work: Callable[[Scan], object]) -> float:
        work(made((64, 64, 8)))
        tracemalloc.start()
        work(scan)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top / scan.voxels.nbytes

    # Numbers are 4 bytes a voxel: a copy for the percentiles; later labels and regions.
    parts, whole = peak(in_parts), peak(segmenter.open)
    assert parts < 1.8 < whole, (parts, whole)


def test_a_volume_of_which_nothing_is_normalised_gives_the_slices_of_one_that_is() -> None:
    voxels = np.moveaxis(made((12, 10, 7)).voxels, 2, 0)
    for config in (PreprocessConfig(), PreprocessConfig(intensity="window", window=(0.2, 0.7))):
        lazy, whole = normalised_slices(voxels, config), normalise(voxels, config)
        assert (lazy.shape, len(lazy)) == (whole.shape, len(whole))
        for wanted in (slice(2, 5), slice(None), np.array([6, 0, 6])):
            np.testing.assert_array_equal(lazy[wanted], whole[wanted])
    assert not normalised_slices(np.full((3, 4, 4), 7, np.float32), PreprocessConfig())[1:].any()
