"""The work of opening a scan, here or on a GPU that is lent for a moment, as ZeroGPU Spaces lend theirs. Who lends is the caller's affair.

Shapes: slices (S, A, B) or (S, A, B, C), normalised to [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from math import prod

from vqseg.data.preprocess import network_size
from vqseg.models.slicewise import decode_volume, encode_with_measures
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Encoded

Work = tuple[Encoded, Array, Array]
"""The tokens with their measures, the labels (S, A, B) and the reconstruction, of the shape of the slices."""
Opening = Callable[[VQSeg, Array, int, Callable[[float], None]], Work]
"""(network, slices, step as for `encode_slices`, progress) -> the work."""
Lender = Callable[[VQSeg, Array, int], Work]
"""The same without progress, on a GPU, in another process."""

WORTH = 60 * 288 * 288
"""Pixels as the network reads them, from which on a GPU is asked for: five seconds of one core. Fetching a GPU takes about as long."""
# Encoding's part of the work, for the progress; the rest is decoding.
_ENCODING = 0.7
_DEVICE = "cuda"


def open_here(model: VQSeg, slices: Array, step: int, progress: Callable[[float], None]) -> Work:
    """Encode and decode a volume on the network's own device.

    Args:
        model: A network with a codebook, in evaluation mode.
        slices: The volume.
        step: As for `encode_slices`.
        progress: Called with the share done, in [0, 1]; an exception that it raises cancels.

    Returns:
        The work.
    """
    encoded = encode_with_measures(model, slices, lambda share: progress(_ENCODING * share), step=step)
    rest = decode_volume(model, encoded.indices, slices.shape[1:3], lambda share: progress(_ENCODING + (1 - _ENCODING) * share))
    return encoded, *rest


def open_on_gpu(model: VQSeg, slices: Array, step: int) -> Work:
    """What runs where the GPU is. Arguments and answer are those of `open_here`; the caller's network stays where it is."""
    return open_here(deepcopy(model).to(_DEVICE), slices, step, lambda _: None)


def seconds_on_gpu(model: VQSeg, slices: Array, step: int) -> int:
    """For how long to ask for a GPU: a short time comes first in the queue. Arguments are those of `open_on_gpu`."""
    return min(60, 10 + len(slices) // 20)


def borrowing(lent: Lender, refused: Callable[[Exception], bool]) -> Opening:
    """Open large volumes on a lent GPU, and small ones here, as fetching a GPU would take longer.

    Args:
        lent: Runs `open_on_gpu` where the GPU is.
        refused: Whether an error says that there is no GPU to be had. The volume is then opened here.

    Returns:
        The way to open volumes.
    """

    def opening(model: VQSeg, slices: Array, step: int, progress: Callable[[float], None]) -> Work:
        if len(slices) * prod(network_size(slices.shape[1:3], model.preprocess)) < WORTH:
            return open_here(model, slices, step, progress)
        progress(0.0)
        try:
            work = lent(model, slices, step)
        except Exception as error:
            if not refused(error):
                raise
            return open_here(model, slices, step, progress)
        progress(1.0)
        return work

    return opening
