"""What a codebook has learnt, counted over a data set. One file, codebook.npz, lies beside the checkpoint."""

from vqseg.codebook.analysis import ABLATED, analyse, token_classes
from vqseg.codebook.drift import Drift
from vqseg.codebook.familiarity import (
    Familiarity,
    FamiliarityError,
    Reference,
    judge,
    judge_measured,
    make_reference,
    measure_in_parts,
    read_reference,
    surely_known,
    trained_on_turned,
    write_reference,
)
from vqseg.codebook.file import FILE, VERSION, read_statistics, write_statistics
from vqseg.codebook.keys import codebook_key, codewords_of
from vqseg.codebook.kinds import Kind, KindCurve, kind_curves, kind_effects, kinds
from vqseg.codebook.phantoms import phantom_patches
from vqseg.codebook.projection import METHODS, METRICS, cache_folder, compute_layout, kept_layout, layout, pca
from vqseg.codebook.radius import Radii, radii
from vqseg.codebook.spacing import nearest_others, nearest_outside
from vqseg.codebook.statistics import CodebookError, CodebookStatistics, perplexity, share_in_use
from vqseg.codebook.summary import summary
from vqseg.codebook.tokens import codes_under, scan_usage, where

__all__ = [
    "ABLATED",
    "FILE",
    "METHODS",
    "METRICS",
    "VERSION",
    "CodebookError",
    "CodebookStatistics",
    "Drift",
    "Familiarity",
    "FamiliarityError",
    "Kind",
    "KindCurve",
    "Radii",
    "Reference",
    "analyse",
    "cache_folder",
    "codebook_key",
    "codes_under",
    "codewords_of",
    "compute_layout",
    "judge",
    "judge_measured",
    "kept_layout",
    "kind_curves",
    "kind_effects",
    "kinds",
    "layout",
    "make_reference",
    "measure_in_parts",
    "nearest_others",
    "nearest_outside",
    "pca",
    "perplexity",
    "phantom_patches",
    "radii",
    "read_reference",
    "read_statistics",
    "scan_usage",
    "share_in_use",
    "summary",
    "surely_known",
    "token_classes",
    "trained_on_turned",
    "where",
    "write_reference",
    "write_statistics",
]
