"""What a beating heart's labels say in a clinic's words: volumes over the cycle, end-diastole and end-systole, ejection fraction, mass.

Arrays and plain records. Knows nothing of files of scans, of networks or of torch. docs/cardiac.md has the definitions and their limits.
"""

from vqseg.cardiac.agreement import Agreement, bland_altman
from vqseg.cardiac.function import CardiacFunction, Chamber, cardiac_function, paired, paired_curves, paired_function
from vqseg.cardiac.pairs import PHASES, Pair, PairError, pairs_of
from vqseg.cardiac.phases import Phases, find_phases
from vqseg.cardiac.tables import SummaryRow, read_curves, read_summary, write_curves, write_summary
from vqseg.cardiac.volumes import CardiacError, NoLeftVentricleError, VolumeCurves, count_voxels, curves_of, structures_of, voxel_ml

__all__ = [
    "PHASES",
    "Agreement",
    "CardiacError",
    "CardiacFunction",
    "Chamber",
    "NoLeftVentricleError",
    "Pair",
    "PairError",
    "Phases",
    "SummaryRow",
    "VolumeCurves",
    "bland_altman",
    "cardiac_function",
    "count_voxels",
    "curves_of",
    "find_phases",
    "paired",
    "paired_curves",
    "paired_function",
    "pairs_of",
    "read_curves",
    "read_summary",
    "structures_of",
    "voxel_ml",
    "write_curves",
    "write_summary",
]
