"""Statistics of a codebook against a recount of what serving gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import tiny_model
from vqseg.codebook import CodebookStatistics, analyse, analysis, codebook_key, token_classes
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter
from vqseg.models.vqseg import VQSeg


@pytest.fixture(scope="module")
def model() -> VQSeg:
    # 96 pixels of the longer side: the phantoms' other side is no multiple of 16, so that some tokens are padding.
    return tiny_model(image_side=96)


@pytest.fixture(scope="module")
def statistics(model: VQSeg, phantoms: Path) -> CodebookStatistics:
    with pytest.MonkeyPatch.context() as patch:
        # The projection has a test of its own; UMAP compiles for seconds.
        patch.setattr(analysis, "project", lambda codewords, *, seed: np.asarray(codewords[:, :2], np.float32))
        return analyse(model, phantoms, split="val", seed=3)


def test_counts_are_those_of_the_indices(model: VQSeg, phantoms: Path, statistics: CodebookStatistics) -> None:
    counts = np.zeros(64, int)
    for frame in (1, 2):
        opened = Segmenter(model).open(read_scan(phantoms / "imagesTr" / f"phantom004_frame{frame:02d}_0000.nii.gz"))
        counts += np.bincount(opened.indices.ravel(), minlength=64)
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


def test_statistics_say_what_they_belong_to(model: VQSeg, phantoms: Path, statistics: CodebookStatistics) -> None:
    assert statistics.key == codebook_key(model)
    assert statistics.source == f"{phantoms.name} (val)"
    assert statistics.classes == model.config.classes
    assert statistics.parameters["seed"] == 3
    assert statistics.projection.shape == (64, 2)


def test_phantoms_stand_in_for_a_data_set(model: VQSeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_PHANTOMS", range(500, 501))
    monkeypatch.setattr(analysis, "project", lambda codewords, *, seed: np.zeros((len(codewords), 2), np.float32))
    counted = analyse(model, None)
    assert (counted.source, counted.scans) == ("phantoms", 1)
    assert counted.counts.sum() > 0


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
