"""Both decoders of one slice at the same time, each on a core of its own.

A slice is small: threads within one convolution wait for each other more than they gain, above all where other work has a core. The two
decoders share nothing but what they read. Results do not depend on it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import torch
from torch import Tensor

from vqseg.models.slicewise import decode_feature_labels, decode_feature_pictures, decode_features
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array

# One thread for all networks. Whoever finds it taken decodes one after the other: then the cores have work anyway.
_HELPER = ThreadPoolExecutor(1, "decoder")
_FREE = Lock()


def decode_side_by_side(model: VQSeg, features: Tensor, size: tuple[int, int]) -> tuple[Array, Array]:
    """What `decode_features` gives, sooner where a second core is free.

    Args:
        model: The network.
        features: (S, D, h, w), post-VQ, on the network's device.
        size: (A, B), that of a slice on the scan's grid.

    Returns:
        Labels (S, A, B) uint8 and reconstruction (S, A, B) float32 in [0, 1].
    """
    if features.device.type != "cpu" or torch.get_num_threads() < 2 or not _FREE.acquire(blocking=False):
        return decode_features(model, features, size)
    try:
        pictures = _HELPER.submit(decode_feature_pictures, model, features, size)
        return decode_feature_labels(model, features, size), pictures.result()
    finally:
        _FREE.release()
