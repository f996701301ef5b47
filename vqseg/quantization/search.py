"""The nearest codeword of every feature. What depends on the codewords alone is worked out once for a codebook.

Shapes: features (N, D), codewords (K, D).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Elements of the token x codeword score matrix that are held at once. On a CPU, as many as fit into its cache. An accelerator is faster
# with few large products, up to 512 MB.
_SCORES_AT_ONCE, _SCORES_ON_ACCELERATOR = 1 << 21, 1 << 27
_BLOCK = 64
# From this many codewords on a CPU goes through them in tiles: fewer of them stay in its cache while many tokens pass.
_TILED_FROM, _TILE = 1 << 14, 1 << 12
# With more threads than these NumPy's argmax, which runs on one of them, would be what the others wait for.
_THREADS_FOR_NUMPY = 4


class CodewordSearch:
    """Finds nearest codewords of one codebook in squared Euclidean distance.

    The smallest distance is the largest z.c - |c|^2 / 2; with a one appended to z, that is a single matrix product. Of codewords that are
    equally near the first is found. Holds copies of what it needs: later changes of the codewords do not reach it.
    """

    def __init__(self, codewords: Tensor) -> None:
        """Take a codebook (K, D)."""
        # Centred, so that a common offset of all codewords does not cost precision.
        self._centre = codewords.mean(0)
        codewords = codewords - self._centre
        size = len(codewords)
        table = torch.cat([codewords, codewords.square().sum(1, keepdim=True) / -2], dim=1)
        # Codewords that only fill up the last block lose against every other one.
        table = F.pad(table, (0, 0, 0, -size % _BLOCK))
        table[size:, -1] = torch.finfo(table.dtype).min / 2
        self._on_cpu = table.device.type == "cpu"
        width = _TILE if self._on_cpu and size >= _TILED_FROM else len(table)
        self._tiles = [tile.T.contiguous() for tile in table.split(width)]

    @torch.no_grad()
    def nearest(self, features: Tensor) -> Tensor:
        """Indices of the nearest codewords: (N, D), of the codewords' type and on their device -> (N,) int64."""
        width = self._tiles[0].shape[1]
        rows = max(1, (_SCORES_AT_ONCE if self._on_cpu else _SCORES_ON_ACCELERATOR) // width)
        # One piece of memory for all products stays in the cache; with new memory for each, the search takes twice as long.
        held = features.new_empty(min(rows, len(features)) * width)
        return torch.cat([self._found(part, held) for part in F.pad(features - self._centre, (0, 1), value=1.0).split(rows)])

    def _found(self, part: Tensor, held: Tensor) -> Tensor:
        """Nearest codewords of a few features (n, D + 1); `held` takes the scores of one tile."""
        first, *others = self._tiles
        best, found = _best(part, first, held)
        for number, tile in enumerate(others, 1):
            score, place = _best(part, tile, held)
            # Only what is better replaces: of equals the first one stays.
            better = score > best
            best, found = torch.where(better, score, best), torch.where(better, place + number * first.shape[1], found)
        return found


def nearest_codewords(features: Tensor, codewords: Tensor) -> Tensor:
    """Index of the nearest codeword in squared Euclidean distance.

    Args:
        features: (N, D).
        codewords: (K, D), of the same type and on the same device.

    Returns:
        (N,) int64; of codewords that are equally near the first.
    """
    with torch.no_grad():
        return CodewordSearch(codewords).nearest(features)


def _best(part: Tensor, tile: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """The highest scores of features (n, D + 1) in one tile (D + 1, M), and their first places: (n,) each."""
    scores = torch.mm(part, tile, out=held[: len(part) * tile.shape[1]].view(len(part), tile.shape[1]))
    place = _argmax(scores)
    return scores.gather(1, place[:, None]).squeeze(1), place


def _argmax(scores: Tensor) -> Tensor:
    """The first largest score of every row: (n, M), M a multiple of _BLOCK -> (n,) int64."""
    return _argmax_of_numpy(scores) if _numpy_reads(scores) else _argmax_in_blocks(scores)


def _numpy_reads(scores: Tensor) -> bool:
    plain = scores.device.type == "cpu" and scores.dtype in (torch.float32, torch.float64) and not torch.compiler.is_compiling()
    return plain and torch.get_num_threads() <= _THREADS_FOR_NUMPY


def _argmax_of_numpy(scores: Tensor) -> Tensor:
    # Four times as fast as the blocks on one thread.
    return torch.from_numpy(np.argmax(scores.numpy(), axis=1))


def _argmax_in_blocks(scores: Tensor) -> Tensor:
    # torch's argmax over all codewords is slow, its maximum is not: find the block first, then the place in it.
    blocks = scores.view(len(scores), scores.shape[1] // _BLOCK, _BLOCK)
    block = blocks.amax(2).argmax(1, keepdim=True)
    place = blocks.gather(1, block[:, :, None].expand(-1, -1, _BLOCK)).squeeze(1).argmax(1)
    return block.squeeze(1) * _BLOCK + place
