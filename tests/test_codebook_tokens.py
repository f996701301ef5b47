"""A scan's codes, where they are, the codes under a region, and examples on phantoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tiny import tiny_model
from vqseg.codebook import CodebookStatistics, codes_under, phantom_patches, phantoms, scan_usage, where
from vqseg.data.phantom import phantom_volume
from vqseg.data.preprocess import to_network
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter

INDICES = arrays(np.int32, (3, 5, 4), elements=st.integers(0, 19))


@settings(max_examples=50, deadline=None)
@given(indices=INDICES, codes=st.sets(st.integers(0, 30), max_size=8))
def test_where_marks_exactly_the_tokens_with_these_codes(indices: np.ndarray, codes: set[int]) -> None:
    mask = where(indices, codes)
    assert mask.shape == indices.shape and mask.dtype == bool
    for place in np.ndindex(*indices.shape):
        assert mask[place] == (int(indices[place]) in codes)
    assert mask.sum() == scan_usage(indices, 31)[sorted(codes)].sum()


@settings(max_examples=50, deadline=None)
@given(indices=INDICES, mask=arrays(bool, (3, 5, 4)))
def test_codes_under_a_region_are_counted_and_lead_back_to_it(indices: np.ndarray, mask: np.ndarray) -> None:
    codes, counts = codes_under(indices, mask)
    assert counts.sum() == mask.sum()
    assert (np.diff(counts) <= 0).all()
    for code, count in zip(codes, counts, strict=True):
        assert count == np.sum((indices == code) & mask)
    assert where(indices, codes)[mask].all()


def test_an_index_outside_the_codebook_is_refused() -> None:
    with pytest.raises(ValueError, match="indices lie in 2 to 9; the codebook has 0 to 8"):
        scan_usage(np.array([2, 9]), 9)


def test_places_on_phantoms_carry_their_code_and_patches_are_cut_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phantoms, "SEEDS", range(500, 502))
    model = tiny_model(image_side=96)
    places = phantoms.phantom_places(model)
    assert places.shape == (64, 8, 4)
    scans = {}
    for seed in phantoms.SEEDS:
        image, _, _ = phantom_volume(seed)
        np.save(tmp_path / f"{seed}.npy", image)
        scans[seed] = Segmenter(model).open(read_scan(tmp_path / f"{seed}.npy"))
    usage = sum(scan_usage(scan.indices, 64) for scan in scans.values())
    np.testing.assert_array_equal((places[:, :, 0] >= 0).sum(1), np.minimum(usage, 8))
    for code in range(64):
        there = [tuple(place) for place in places[code] if place[0] >= 0]
        assert len(set(there)) == len(there)
        for seed, *place in there:
            assert scans[seed].indices[tuple(place)] == code

    statistics = CodebookStatistics(usage, usage[:, None], np.zeros((64, 2)), ("a",), "", 2, "", phantom_places=places)
    code = int(usage.argmax())
    patches = phantom_patches(statistics, model, code)
    assert patches.shape == (8, 40, 40) and patches.dtype == np.uint8
    np.testing.assert_array_equal(phantom_patches(statistics, Segmenter(model), code), patches)
    seed, index, row, column = places[code, 0]
    picture = to_network(np.moveaxis(scans[seed].normalised, 2, 0), model.preprocess)[index, 0].numpy()
    # The token's own pixels lie in the middle of the patch.
    own = picture[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
    np.testing.assert_allclose(patches[0, 18:22, 18:22][: own.shape[0], : own.shape[1]] / 255, own, atol=1 / 255)
    assert len(phantom_patches(statistics, model, int(usage.argmin()))) == min(8, usage.min())
