"""Distances between codewords, against all of them at once in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqseg.codebook import nearest_others, nearest_outside


def codewords_of(size: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(size, 5)) + 100).astype(np.float32)


def all_distances(codewords: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(codewords[:, None].astype(np.float64) - codewords[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances


@given(size=st.integers(2, 600), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_nearest_other_codeword_is_that_of_all_distances(size: int, seed: int) -> None:
    codewords = codewords_of(size, seed)
    codes, distances = nearest_others(codewords)
    expected = all_distances(codewords)
    # Of two that are equally near either may be found.
    np.testing.assert_allclose(expected[np.arange(size), codes], expected.min(1), rtol=1e-3)
    np.testing.assert_allclose(distances, expected[np.arange(size), codes], rtol=1e-5)


@given(size=st.integers(2, 80), seed=st.integers(0, 99), share=st.floats(0.01, 0.99))
@settings(max_examples=30, deadline=None)
def test_a_removed_code_gives_way_to_the_nearest_one_that_stays(size: int, seed: int, share: float) -> None:
    codewords, random = codewords_of(size, seed), np.random.default_rng(seed)
    codes = random.choice(size, min(size - 1, max(1, int(share * size))), replace=False)
    found = nearest_outside(codewords, codes)
    assert not np.isin(found, codes).any()
    left = all_distances(codewords)[codes]
    left[:, codes] = np.inf
    np.testing.assert_allclose(left[np.arange(len(codes)), found], left.min(1), rtol=1e-3)


def test_no_codeword_takes_the_place_of_all_of_them() -> None:
    with pytest.raises(ValueError, match="at least one codeword"):
        nearest_outside(codewords_of(4, 0), np.arange(4))
