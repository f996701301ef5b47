"""Serving: a scan is encoded once; from then on the decoders replay it at any strength of the QPM.

Arrays in, arrays out. Knows nothing of files, visitors or pictures on a screen.
Shapes: scan (X, Y, Z), slices (S, A, B) along the through-plane axis, indices (S, h, w), codewords (K, D).
"""

from vqseg.inference.agreement import changed_share, dice_by_class, label_agreement, psnr
from vqseg.inference.records import CodeNeighbours, Consistency
from vqseg.inference.segmented_scan import SegmentedScan
from vqseg.inference.segmenter import Segmenter
from vqseg.inference.swaps import Mode
from vqseg.quantization.perturbation import modes, modes_with_reach, replacements

__all__ = [
    "CodeNeighbours",
    "Consistency",
    "Mode",
    "SegmentedScan",
    "Segmenter",
    "changed_share",
    "dice_by_class",
    "label_agreement",
    "modes",
    "modes_with_reach",
    "psnr",
    "replacements",
]
