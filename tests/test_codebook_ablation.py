"""The sample that codes are taken out of, the codes that are, and labels decoded alone; pictures as a data set of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny import tiny_model
from vqseg.codebook import analyse, analysis, pca
from vqseg.codebook.ablation import Sample, ablate, codes_to_ablate, nearest_other
from vqseg.models.slicewise import decode_indices, decode_labels, decode_volume, label_volume


def sampled(total: int, depth: int) -> Sample:
    sample = Sample(total)
    for number in range(total):
        sample.offer(number, np.full((depth, 2, 2), number), (8, 8))
    return sample


@pytest.mark.parametrize(("total", "depth", "scans", "slices"), [(140, 10, 9, 10), (3, 10, 3, 10), (500, 1, 96, 1), (40, 400, 8, 16)])
def test_a_sample_is_spread_over_the_data_set_and_bounded(total: int, depth: int, scans: int, slices: int) -> None:
    found = sampled(total, depth).scans
    assert len(found) == scans
    assert {len(scan.indices) for scan in found} == {slices}
    numbers = [int(scan.indices[0, 0, 0]) for scan in found]
    assert numbers[0] == 0 and numbers[-1] == total - 1
    assert np.ptp(np.diff(numbers)) <= 1


def test_the_most_used_codes_come_first_then_those_of_the_structures() -> None:
    class_counts = np.array([[90, 0], [0, 5], [50, 1], [0, 0], [3, 20], [80, 0], [1, 2]])
    assert codes_to_ablate(class_counts, 2).tolist() == [0, 5, 4, 1]
    assert codes_to_ablate(class_counts, 4).tolist() == [0, 5, 2, 4, 1, 6]
    assert codes_to_ablate(class_counts, 100).tolist() == [0, 5, 2, 4, 1, 6]
    assert codes_to_ablate(class_counts, 0).tolist() == []


def test_the_nearest_other_codeword_is_that_of_all_distances() -> None:
    codewords = torch.randn(150, 5, generator=torch.Generator().manual_seed(0))
    distances = torch.cdist(codewords, codewords).fill_diagonal_(torch.inf)
    codes = torch.arange(149, -1, -2)
    assert nearest_other(codewords, codes).tolist() == distances.argmin(1)[codes].tolist()


def test_a_code_that_the_sample_lacks_changes_nothing() -> None:
    model, sample = tiny_model(), sampled(4, 2)
    assert ablate(model, sample.scans, np.array([63])).tolist() == [0]


@pytest.mark.parametrize("largest_region", [False, True])
def test_labels_alone_are_those_of_the_whole_decoding(largest_region: bool) -> None:
    from dataclasses import replace

    model = tiny_model(image_side=64)
    model.preprocess = replace(model.preprocess, largest_region=largest_region)
    indices = torch.randint(64, (5, 16, 12), generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(decode_labels(model, indices, (70, 50)), decode_indices(model, indices, (70, 50))[0])
    np.testing.assert_array_equal(label_volume(model, indices, (70, 50)), decode_volume(model, indices, (70, 50))[0])


def test_pictures_are_scans_of_one_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqseg.codebook.phantoms.SEEDS", range(500, 501))
    monkeypatch.setattr(analysis, "compute_layout", lambda codewords, method="umap", *, dimensions=2, **_: pca(codewords, dimensions))
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8)).save(tmp_path / "images" / f"p{number:02d}_a.png")
    model, seen = tiny_model(image_side=48), []

    def progress(items: Any, what: str, /) -> Any:
        seen.append((what, len(items)))
        return items

    found = analyse(model, tmp_path, split="all", ablated=3, progress=progress)
    assert found.scans == len(found.drift_reference) == 12
    assert found.counts.sum() == 12 * 12 * 12
    assert found.parameters["ablation"] == {"scans": 12, "slices": 12}
    assert seen == [("counting codes", 12), ("laying out", 3), ("taking codes out", len(found.ablation_codes)), ("reading phantoms", 1)]
