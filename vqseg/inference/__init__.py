"""Serving: a scan is encoded once; from then on the decoders replay it at any strength of the QPM.

Arrays in, arrays out. Knows nothing of files, visitors or pictures on a screen.
Shapes: scan (X, Y, Z), slices (S, A, B) along the through-plane axis, indices (S, h, w), codewords (K, D).
"""

from vqseg.inference.agreement import changed_share, dice_by_class, label_agreement, psnr, vote_disagreement
from vqseg.inference.cine import Cine, SegmentedCine, labelled_frames, segment_cine
from vqseg.inference.labelled_scan import LabelledScan
from vqseg.inference.opening import Opening, borrowing, open_here, open_on_gpu, seconds_on_gpu
from vqseg.inference.records import CodeNeighbours, Consistency
from vqseg.inference.segmented_scan import SegmentedScan
from vqseg.inference.segmenter import Segmenter
from vqseg.inference.swaps import Mode
from vqseg.models.views import VIEWS
from vqseg.quantization.perturbation import modes, modes_with_reach, replacements

__all__ = [
    "VIEWS",
    "Cine",
    "CodeNeighbours",
    "Consistency",
    "LabelledScan",
    "Mode",
    "Opening",
    "SegmentedCine",
    "SegmentedScan",
    "Segmenter",
    "borrowing",
    "changed_share",
    "dice_by_class",
    "label_agreement",
    "labelled_frames",
    "modes",
    "modes_with_reach",
    "open_here",
    "open_on_gpu",
    "psnr",
    "replacements",
    "seconds_on_gpu",
    "segment_cine",
    "vote_disagreement",
]
