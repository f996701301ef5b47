"""Statistics of a codebook against a recount of what serving gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from tests.tiny import tiny_model
from vqseg.codebook import (
    CodebookError,
    CodebookStatistics,
    analyse,
    analysis,
    codebook_key,
    codewords_of,
    evolution,
    pca,
    token_classes,
)
from vqseg.data.scan import read_scan
from vqseg.inference import SegmentedScan, Segmenter
from vqseg.models.vqseg import VQSeg
from vqseg.training.snapshots import gather_snapshots, take_snapshot


@pytest.fixture(scope="module")
def model() -> VQSeg:
    # 96 pixels of the longer side: the phantoms' other side is no multiple of 16, so that some tokens are padding.
    return tiny_model(image_side=96)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder that holds the snapshots of two moments."""
    folder = tmp_path_factory.mktemp("training")
    for step in (10, 20):
        take_snapshot(tiny_model(step), torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0)), step, folder / "snapshots")
    gather_snapshots(folder / "snapshots", folder)
    return folder


def quick_layout(codewords: np.ndarray, method: str = "umap", *, dimensions: int = 2, **_: Any) -> np.ndarray:
    """UMAP has tests of its own; it compiles for seconds."""
    return pca(codewords, dimensions)


@pytest.fixture(scope="module")
def statistics(model: VQSeg, phantoms: Path, snapshots: Path) -> CodebookStatistics:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "compute_layout", quick_layout)
        patch.setattr(evolution, "compute_layout", quick_layout)
        patch.setattr("vqseg.codebook.phantoms.SEEDS", range(500, 501))
        return analyse(model, phantoms, split="val", seed=3, ablated=5, checkpoint=snapshots)


@pytest.fixture(scope="module")
def opened(model: VQSeg, phantoms: Path) -> list[SegmentedScan]:
    """The two scans of the split, as the app opens them."""
    names = [phantoms / "imagesTr" / f"phantom004_frame{frame:02d}_0000.nii.gz" for frame in (1, 2)]
    return [Segmenter(model).open(read_scan(name)) for name in names]


def test_counts_are_those_of_the_indices(opened: list[SegmentedScan], statistics: CodebookStatistics) -> None:
    counts = np.bincount(np.concatenate([scan.indices.ravel() for scan in opened]), minlength=64)
    np.testing.assert_array_equal(statistics.counts, counts)
    assert statistics.counts.dtype == np.int64
    assert statistics.scans == 2
    share = counts[counts > 0] / counts.sum()
    assert statistics.utilisation == pytest.approx((counts > 0).mean())
    assert statistics.perplexity == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_class_counts_split_the_counts_and_give_purity(statistics: CodebookStatistics) -> None:
    assert statistics.class_counts.shape == (64, 4)
    np.testing.assert_array_equal(statistics.class_counts.sum(1), statistics.counts)
    assert (statistics.class_counts.sum(0) > 0).sum() >= 2
    for code in range(64):
        if statistics.counts[code] == 0:
            assert statistics.majority_class[code] == -1
            assert np.isnan(statistics.purity[code])
        else:
            row = statistics.class_counts[code]
            assert statistics.class_counts[code, statistics.majority_class[code]] == row.max()
            assert statistics.purity[code] == pytest.approx(row.max() / row.sum())


def test_positions_are_the_mean_of_the_tokens_centres(opened: list[SegmentedScan], statistics: CodebookStatistics) -> None:
    assert statistics.position is not None and statistics.spread is not None
    code = int(statistics.counts.argmax())
    places = []
    for scan in opened:
        # Pixels of the slice that a token covers, as the app places tokens on a scan.
        share = np.array(scan.cell_size) / scan.slice_size
        places.append(np.minimum((np.argwhere(scan.indices == code)[:, 1:] + 0.5) * share, 1))
    found = np.concatenate(places)
    np.testing.assert_allclose(statistics.position[code], found.mean(0), rtol=1e-5)
    assert statistics.spread[code] == pytest.approx(np.sqrt(((found - found.mean(0)) ** 2).sum(1).mean()), rel=1e-4)
    assert np.isnan(statistics.position[statistics.dead]).all()


def test_partners_are_those_of_the_indices(opened: list[SegmentedScan], statistics: CodebookStatistics) -> None:
    assert statistics.partners is not None and statistics.partner_counts is not None
    code, found = int(statistics.counts.argmax()), Counter[int]()
    for scan in opened:
        for index in scan.indices:
            for one, other in ((index[1:], index[:-1]), (index[:, 1:], index[:, :-1])):
                found.update(other[one == code].tolist() + one[other == code].tolist())
    found.pop(code)
    ranked = sorted((-count, other) for other, count in found.items())[:8]
    assert statistics.partners[code].tolist() == [other for _, other in ranked]
    assert statistics.partner_counts[code].tolist() == [-count for count, _ in ranked]
    assert statistics.parameters["partners"]["largest_error"] == 0


def test_ablation_is_the_dice_lost_when_the_nearest_codeword_stands_in(
    model: VQSeg, opened: list[SegmentedScan], statistics: CodebookStatistics
) -> None:
    codes, changes = statistics.ablation_codes, statistics.ablation_dice
    assert codes is not None and changes is not None
    ranked = np.argsort(-statistics.counts, kind="stable")
    structures = [code for code in ranked if statistics.majority_class[code] > 0][:5]
    assert codes.tolist() == [*ranked[:5], *(code for code in structures if code not in ranked[:5])]
    assert (changes <= 0).all() and (changes < 0).any()
    worst = int(changes.argmin())
    distances = ((codewords_of(model) - codewords_of(model)[codes[worst]]) ** 2).sum(1)
    distances[codes[worst]] = np.inf
    scores = []
    for scan in opened:
        swapped = torch.from_numpy(np.where(scan.indices == codes[worst], distances.argmin(), scan.indices).astype(np.int64))
        before, after = (analysis_labels(model, part, scan) for part in (torch.from_numpy(scan.indices.astype(np.int64)), swapped))
        dices = []
        for label in (1, 2, 3):
            one, other = before == label, after == label
            if one.any() or other.any():
                dices.append(2 * (one & other).sum() / (one.sum() + other.sum()))
        scores.append(np.mean(dices))
    assert changes[worst] == pytest.approx(np.mean(scores) - 1, abs=1e-6)


def analysis_labels(model: VQSeg, indices: torch.Tensor, scan: SegmentedScan) -> np.ndarray:
    from vqseg.models.slicewise import decode_indices

    return decode_indices(model, indices, scan.slice_size)[0]


def test_the_drifts_reference_is_each_scan_against_the_others(opened: list[SegmentedScan], statistics: CodebookStatistics) -> None:
    groups = statistics.drift_groups
    assert groups is not None and statistics.drift_reference is not None
    one, other = (np.bincount(groups[scan.indices.ravel()], minlength=groups.max() + 1) for scan in opened)
    expected = jensenshannon(one / one.sum(), other / other.sum(), base=2)
    # Two scans: each is measured against the other one.
    np.testing.assert_allclose(statistics.drift_reference, [expected, expected], rtol=1e-5)
    inside = statistics.drift(opened[0].indices)
    total = one + other
    assert inside.distance == pytest.approx(jensenshannon(one / one.sum(), total / total.sum(), base=2), rel=1e-5)
    assert not inside.outside and inside.quantile == 0


def test_tokens_that_no_scan_has_lie_outside(statistics: CodebookStatistics) -> None:
    rare = int(statistics.counts.argmin())
    found = statistics.drift(np.full((2, 24, 20), rare))
    assert found.outside and found.quantile == 1
    assert 0.5 < found.distance <= 1
    with pytest.raises(ValueError, match="indices lie in 64 to 64; the codebook has 0 to 63"):
        statistics.drift(np.full((1, 4, 4), 64))


def test_without_a_reference_a_drift_is_refused(statistics: CodebookStatistics) -> None:
    from dataclasses import replace

    with pytest.raises(CodebookError, match="no reference"):
        replace(statistics, drift_reference=None).drift(np.zeros((1, 4, 4), int))


def test_the_evolution_is_that_of_the_snapshots_in_one_projection(statistics: CodebookStatistics, snapshots: Path) -> None:
    with np.load(snapshots / "snapshots.npz") as content:
        codewords, counts = content["codewords"].astype(np.float32), content["counts"]
    assert statistics.evolution_steps is not None and statistics.evolution_steps.tolist() == [10, 20]
    np.testing.assert_array_equal(statistics.evolution_counts, counts)
    assert statistics.evolution is not None and statistics.evolution.shape == (2, 64, 2)
    np.testing.assert_allclose(statistics.evolution, pca(codewords.reshape(128, -1)).reshape(2, 64, 2), atol=1e-5)


def test_broken_snapshots_are_named(tmp_path: Path) -> None:
    assert evolution.read_evolution(tmp_path) is None
    (tmp_path / "snapshots.npz").write_bytes(b"no archive")
    with pytest.raises(CodebookError, match=r"snapshots.npz of checkpoint .* is broken"):
        evolution.read_evolution(tmp_path)
    np.savez(tmp_path / "snapshots.npz", steps=np.arange(3), codewords=np.zeros((2, 8, 4)), counts=np.zeros((2, 8)))
    with pytest.raises(CodebookError, match="do not belong together"):
        evolution.read_evolution(tmp_path)


def test_statistics_say_what_they_belong_to(model: VQSeg, phantoms: Path, statistics: CodebookStatistics) -> None:
    assert statistics.key == codebook_key(model)
    assert statistics.source == f"{phantoms.name} (val)"
    assert statistics.classes == model.config.classes
    assert statistics.parameters["projection"]["seed"] == 3
    assert statistics.projection.shape == statistics.tsne.shape == (64, 2)
    assert statistics.projection3.shape == (64, 3)


def test_phantoms_stand_in_for_a_data_set(model: VQSeg, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()

    def greedy_layout(*arguments: Any, **named: Any) -> np.ndarray:
        # As UMAP does: OpenMP's number of threads is the whole process's.
        torch.set_num_threads(threads + 1)
        return quick_layout(*arguments, **named)

    monkeypatch.setattr("vqseg.codebook.phantoms.SEEDS", range(500, 501))
    monkeypatch.setattr(analysis, "compute_layout", greedy_layout)
    counted = analyse(model, None, ablated=0)
    assert torch.get_num_threads() == threads
    assert (counted.source, counted.scans) == ("phantoms", 1)
    assert counted.counts.sum() > 0
    assert counted.ablation_codes is None and counted.evolution is None


@pytest.mark.parametrize("stride", [4, 8])
def test_a_tokens_class_is_that_of_most_of_its_pixels(stride: int) -> None:
    labels = torch.randint(4, (2, 21, 30), generator=torch.Generator().manual_seed(0))
    grid = (32 // stride, 32 // stride)
    found = token_classes(labels, grid, stride, 4)
    assert found.shape == (2, *grid)
    padded = np.zeros((2, 32, 32), int)
    padded[:, :21, :30] = labels
    for s, row, column in np.ndindex(2, *grid):
        votes = np.bincount(padded[s, row * stride : (row + 1) * stride, column * stride : (column + 1) * stride].ravel(), minlength=4)
        assert int(found[s, row, column]) == int(votes.argmax())


def test_the_key_follows_the_mapped_codewords() -> None:
    first, same, other, mapped = tiny_model(0), tiny_model(0), tiny_model(1), tiny_model(0)
    with torch.no_grad():
        mapped.quantizer.mapping.weight.mul_(1.01)
    assert codebook_key(first) == codebook_key(same)
    assert len({codebook_key(one) for one in (first, other, mapped)}) == 3
