"""Streaming counts against a plain recount of all tokens at once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vqseg.codebook import counting
from vqseg.codebook.counting import PairCounter, TokenCounter


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
