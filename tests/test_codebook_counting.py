"""Streaming counts against a plain recount of all tokens at once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from vqseg.codebook import counting
from vqseg.codebook.counting import PairCounter, TokenCounter
from vqseg.codebook.drift import DriftCounter, group_codewords, jensen_shannon


def pairs_of(scans: list[np.ndarray]) -> Counter[tuple[int, int]]:
    """Each pair of tokens beside each other, seen from both sides."""
    found: Counter[tuple[int, int]] = Counter()
    for scan in scans:
        for s, row, column in np.ndindex(*scan.shape):
            for down, across in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                r, c = row + down, column + across
                if 0 <= r < scan.shape[1] and 0 <= c < scan.shape[2] and scan[s, r, c] != scan[s, row, column]:
                    found[int(scan[s, row, column]), int(scan[s, r, c])] += 1
    return found


def scans_of_codes(count: int, size: int, shape: tuple[int, int, int] = (3, 7, 9), seed: int = 0) -> list[np.ndarray]:
    """Some codes are far more frequent than others, and the last never occurs."""
    rng = np.random.default_rng(seed)
    return [np.minimum(rng.geometric(4 / size, shape) - 1, size - 2) for _ in range(count)]


def test_counts_classes_and_places_are_those_of_all_tokens_together() -> None:
    size, classes = 20, 3
    rng = np.random.default_rng(1)
    counter, seen = TokenCounter(size, classes), []
    for shape in ((2, 4, 6), (1, 8, 5)):
        indices, owners = rng.integers(0, size - 1, shape), rng.integers(0, classes, shape)
        rows, columns = np.sort(rng.random(shape[1])), np.sort(rng.random(shape[2]))
        counter.add(indices, owners, rows, columns)
        for place in np.ndindex(*shape):
            seen.append((indices[place], owners[place], rows[place[1]], columns[place[2]]))
    position, spread = counter.places()
    for code in range(size):
        mine = np.array([(owner, row, column) for index, owner, row, column in seen if index == code]).reshape(-1, 3)
        assert counter.counts[code] == len(mine)
        assert counter.class_counts[code].tolist() == [int((mine[:, 0] == c).sum()) for c in range(classes)]
        if len(mine) == 0:
            assert np.isnan(position[code]).all() and np.isnan(spread[code])
        else:
            np.testing.assert_allclose(position[code], mine[:, 1:].mean(0), rtol=1e-5)
            expected = np.sqrt(((mine[:, 1:] - mine[:, 1:].mean(0)) ** 2).sum(1).mean())
            assert spread[code] == pytest.approx(expected, abs=1e-4)


def test_partners_are_the_codes_most_often_beside_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    # Small portions, so that several merges happen.
    monkeypatch.setattr(counting, "_WAITING", 300)
    monkeypatch.setattr(counting, "_SLICES_AT_ONCE", 2)
    size, scans = 24, scans_of_codes(6, 24)
    counter = PairCounter(size)
    for scan in scans:
        counter.add(scan)
    found, truth = counter.partners(), pairs_of(scans)
    assert found.error == 0
    for code in range(size):
        ranked = sorted(((-n, other) for (one, other), n in truth.items() if one == code))[:8]
        assert found.codes[code].tolist() == [other for _, other in ranked] + [-1] * (8 - len(ranked))
        assert found.counts[code].tolist() == [-n for n, _ in ranked] + [0] * (8 - len(ranked))


def test_a_code_beside_itself_is_no_partner_and_slices_do_not_touch() -> None:
    counter = PairCounter(4)
    counter.add(np.array([[[0, 0], [0, 0]], [[1, 1], [1, 2]]]))
    found = counter.partners()
    assert found.codes[0].tolist() == [-1] * 8
    assert (found.codes[1, 0], found.counts[1, 0], found.codes[1, 1]) == (2, 2, -1)
    assert (found.codes[2, 0], found.counts[2, 0]) == (1, 2)


def test_counts_that_had_to_be_cut_are_too_low_by_no_more_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", 300)
    size, scans = 60, scans_of_codes(30, 60)
    counter = PairCounter(size, limit=16)
    for scan in scans:
        counter.add(scan)
    found, truth = counter.partners(), pairs_of(scans)
    assert found.error > 0
    assert np.bincount(counter._keys // size).max() <= 16
    for code in range(size):
        for other, count in zip(found.codes[code], found.counts[code], strict=True):
            if other >= 0:
                assert truth[code, int(other)] - found.error <= count <= truth[code, int(other)]
    for (one, other), count in truth.items():
        if count > 2 * found.error + max(0, found.counts[one, -1]):
            assert other in found.codes[one]


def test_memory_does_not_grow_with_the_number_of_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_WAITING", 2000)
    size, limit = 500, 16
    tokens, pairs = TokenCounter(size, 4), PairCounter(size, limit)
    sizes, scans = [], scans_of_codes(60, size, (2, 16, 16))
    for scan in scans:
        tokens.add(scan, np.zeros_like(scan), np.arange(16) / 16, np.arange(16) / 16)
        pairs.add(scan)
        sizes.append(tokens.byte_size + pairs.byte_size)
    # Kept pairs, pairs that wait (at most one portion of slices beyond the limit), and what each code has of its own.
    bound = size * limit * 16 + (2000 + 4 * 2 * 16 * 16) * 8 + size * (4 + 3 + 1) * 8
    assert max(sizes) <= bound
    # All different pairs that occurred would not have fitted.
    assert 16 * len(pairs_of(scans)) > 2 * bound


def test_a_large_codebook_needs_no_square_of_its_size() -> None:
    size = 65536
    counter = PairCounter(size)
    rng = np.random.default_rng(0)
    for _ in range(3):
        counter.add(rng.integers(0, size, (4, 64, 64)))
    assert counter.partners().codes.shape == (size, 8)
    assert counter.byte_size < 64 * 2**20


def test_of_many_scans_a_bounded_spread_sample_is_the_drifts_reference() -> None:
    rng, groups = np.random.default_rng(0), np.arange(40, dtype=np.int32) % 7
    scans = rng.integers(0, 40, (1500, 30))
    counter = DriftCounter(groups, len(scans))
    for number, scan in enumerate(scans):
        counter.add(number, scan)
    reference = counter.reference()
    assert len(reference) == 512
    assert counter.byte_size < 512 * 7 * 4 + 1000
    histograms = np.stack([np.bincount(groups[scan], minlength=7) for scan in scans])
    total = histograms.sum(0)
    expected = [jensenshannon(histograms[n], total - histograms[n], base=2) for n in np.linspace(0, 1499, 512).round().astype(int)]
    np.testing.assert_allclose(reference, np.sort(expected), rtol=1e-5)


def test_the_jensen_shannon_distance_is_scipys_and_ends_at_one() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 5, (20, 9)), rng.integers(0, 5, (20, 9))
    expected = [jensenshannon(a, b, base=2) for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(jensen_shannon(one, other), expected, atol=1e-9)
    assert jensen_shannon(np.array([3, 0]), np.array([0, 8])) == pytest.approx(1)
    assert jensen_shannon(np.array([3, 1]), np.array([6, 2])) == pytest.approx(0, abs=1e-7)
    # Nothing to compare with lies as far as can be.
    assert jensen_shannon(np.array([0, 0]), np.array([1, 2])) == 1


def test_like_codewords_are_in_one_group_and_the_same_seed_gives_the_same_groups() -> None:
    rng = np.random.default_rng(0)
    codewords = (np.repeat(10 * np.eye(4), 25, axis=0) + rng.normal(size=(100, 4))).astype(np.float32)
    groups = group_codewords(codewords, 4)
    assert sorted(len(set(groups[start : start + 25].tolist())) for start in (0, 25, 50, 75)) == [1, 1, 1, 1]
    assert len(set(groups.tolist())) == 4 and groups.dtype == np.int32
    np.testing.assert_array_equal(group_codewords(codewords, 4), groups)
    assert set(group_codewords(codewords[:3]).tolist()) == {0, 1, 2}
