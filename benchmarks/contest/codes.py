"""Races of the codebook's work: swaps, the search for the nearest codeword, the quantizer, the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from contest.race import FLOOR, OURS, Entry, Race
from vqseg import QuantizedPerturbation, VectorQuantizer
from vqseg.codebook.projection import MIN_DIST, NEIGHBORS, compute_layout, pca
from vqseg.quantization.perturbation import HeldTemperature
from vqseg.quantization.quantizer import nearest_codewords

SEED, DIM, STRENGTH = 0, 64, 0.7


def swaps(tokens: int = 4608, size: int = 4096) -> Iterator[Race]:
    """The QPM at a fixed temperature, at the adaptive one and at a reach, against the matrix product of the rows that it needs.

    Args:
        tokens: Of one call, as an image.
        size: K.
    """
    codewords, indices = _codewords(size), torch.randint(size, (1, tokens), generator=_generator())
    moved = torch.rand(tokens, generator=_generator()) < STRENGTH
    rows = codewords[indices[0, moved].unique()]
    floor = Entry("product of the rows that move", lambda: rows @ codewords.T, FLOOR)
    modes = {"temperature 1": (1.0, None), "adaptive temperature": ("adaptive", None), "reach 64": (None, 64.0)}
    entries = [Entry(f"QPM, {name}", _swapping(indices, codewords, *mode), OURS) for name, mode in modes.items()]
    what = f"{tokens} tokens, epsilon {STRENGTH}, K = {size}, D = {DIM}; weights as in evaluation, so that temperatures are kept"
    most = min(tokens, 256)
    # Of the first tokens only, and reckoned for all: it is slow.
    loop = Entry("one token after the other", _one_by_one(indices, codewords, most), per=most / tokens)
    yield Race("Quantized perturbation", what, [*entries, floor, loop])


def _swapping(indices: Tensor, codewords: Tensor, temperature: float | str | None, reach: float | None) -> Callable[[], Tensor]:
    held = HeldTemperature(temperature, reach).eval()  # type: ignore[arg-type]
    swap = QuantizedPerturbation().kind.swapped

    def work() -> Tensor:
        return swap(indices, codewords, STRENGTH, held(codewords, "kept"), _generator())

    return work


def _one_by_one(indices: Tensor, codewords: Tensor, most: int) -> Callable[[], list[int]]:
    """A loop over tokens, each with its own softmax and draw, as one writes Eq. 4 down."""
    codes = indices[0, :most].tolist()

    def work() -> list[int]:
        generator, found = _generator(), []
        for code in codes:
            if torch.rand((), generator=generator) >= STRENGTH:
                found.append(code)
                continue
            distances = (codewords - codewords[code]).square().sum(1)
            distances[code] = torch.inf
            found.append(int(torch.multinomial(torch.softmax(-distances, 0), 1, generator=generator)))
        return found

    return work


def searches(sizes: tuple[int, ...] = (1024, 4096, 16384, 65536), scores: int = 2**25) -> Iterator[Race]:
    """The nearest codeword, against the matrix product of all scores and, where it is installed, faiss.

    Args:
        sizes: Each a K.
        scores: Tokens times K, so that every size takes about as long.
    """
    for size in sizes:
        codewords, tokens = _codewords(size), max(64, scores // size)
        features = torch.randn(tokens, DIM, generator=_generator(1))
        entries = [
            Entry("nearest_codewords", lambda f=features, c=codewords: nearest_codewords(f, c), OURS),
            Entry("product of all scores", lambda f=features, c=codewords: f @ c.T, FLOOR),
            Entry("torch.cdist and argmin", lambda f=features, c=codewords: torch.cdist(f, c).argmin(1)),
            *_faiss(features, codewords),
        ]
        yield Race(f"Codeword search, K = {size}", f"{tokens} tokens, D = {DIM}", entries)


def _faiss(features: Tensor, codewords: Tensor) -> list[Entry]:
    if find_spec("faiss") is None:
        return []
    import faiss

    faiss.omp_set_num_threads(1)
    index, asked = faiss.IndexFlatL2(DIM), features.numpy()
    index.add(codewords.numpy())
    return [Entry("faiss IndexFlatL2", lambda: index.search(asked, 1))]


def swaps_by_tokens(counts: tuple[int, ...], size: int = 4096) -> Iterator[Race]:
    """How the QPM grows with the tokens of a picture.

    Args:
        counts: Tokens.
        size: K.
    """
    codewords = _codewords(size)
    drawn = {count: torch.randint(size, (1, count), generator=_generator()) for count in counts}
    entries = [Entry(f"{count} tokens", _swapping(indices, codewords, "adaptive", None), OURS) for count, indices in drawn.items()]
    yield Race("Quantized perturbation by tokens", f"adaptive temperature, K = {size}, D = {DIM}", entries)


def searches_by_size(sizes: tuple[int, ...], tokens: int = 1024) -> Iterator[Race]:
    """How the search grows with the codebook.

    Args:
        sizes: Each a K.
        tokens: That are searched for.
    """
    features = torch.randn(tokens, DIM, generator=_generator(1))
    books = {size: _codewords(size) for size in sizes}
    entries = [Entry(f"K = {size}", lambda book=book: nearest_codewords(features, book), OURS) for size, book in books.items()]
    yield Race("Codeword search by codewords", f"{tokens} tokens, D = {DIM}", entries)


def quantizers(side: int = 56, size: int = 4096) -> Iterator[Race]:
    """The quantizer's forward pass in evaluation, against vector-quantize-pytorch.

    Args:
        side: Of the square grid of tokens.
        size: K.
    """
    torch.manual_seed(SEED)
    ours, features = VectorQuantizer(size, DIM).eval(), torch.randn(1, DIM, side, side, generator=_generator())
    entries = [Entry("VectorQuantizer", lambda: _quiet(ours, features), OURS)]
    if find_spec("vector_quantize_pytorch") is not None:
        from vector_quantize_pytorch import SimVQ, VectorQuantize

        tokens = features.flatten(2).transpose(1, 2).contiguous()
        sim, plain = SimVQ(dim=DIM, codebook_size=size).eval(), VectorQuantize(dim=DIM, codebook_size=size).eval()
        entries += [
            Entry("vector-quantize-pytorch SimVQ", lambda: _quiet(sim, tokens)),
            Entry("vector-quantize-pytorch VectorQuantize", lambda: _quiet(plain, tokens)),
        ]
    yield Race("Quantizer", f"{side} x {side} tokens, K = {size}, D = {DIM}, forward pass in evaluation", entries)


def maps(size: int = 4096) -> Iterator[Race]:
    """The map of a codebook, against umap-learn itself and the principal components.

    Args:
        size: K.
    """
    import umap

    codewords = _codewords(size).numpy()

    def plain() -> np.ndarray:
        settings = {"n_neighbors": NEIGHBORS, "min_dist": MIN_DIST, "random_state": SEED, "n_jobs": 1}
        return np.asarray(umap.UMAP(**settings).fit_transform(codewords))

    entries = [
        Entry("compute_layout", lambda: compute_layout(codewords, seed=SEED), OURS),
        Entry("umap-learn", plain, FLOOR),
        Entry("principal components", lambda: pca(codewords)),
    ]
    yield Race("Map of the codebook", f"K = {size}, D = {DIM}, two dimensions", entries, slow=True)


@torch.no_grad()
def _quiet(module: torch.nn.Module, values: Tensor) -> object:
    return module(values)


def _codewords(size: int) -> Tensor:
    return torch.randn(size, DIM, generator=_generator()) * 0.3


def _generator(more: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(SEED + more)
