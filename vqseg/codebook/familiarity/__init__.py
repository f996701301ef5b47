"""Whether a checkpoint knows such a scan: its card, what its training scans were like, and a verdict with reasons."""

from vqseg.codebook.familiarity.file import FILE, FamiliarityError, read_reference, write_reference
from vqseg.codebook.familiarity.fit import TrainingScan, fit
from vqseg.codebook.familiarity.measures import ReadScan, SliceMeasures, measure, measure_in_parts
from vqseg.codebook.familiarity.reference import MEASURES, TURNS, Reference
from vqseg.codebook.familiarity.training import make_reference, trained_on_turned
from vqseg.codebook.familiarity.verdict import Familiarity, Figure, judge, judge_measured, surely_known, word

__all__ = [
    "FILE",
    "MEASURES",
    "TURNS",
    "Familiarity",
    "FamiliarityError",
    "Figure",
    "ReadScan",
    "Reference",
    "SliceMeasures",
    "TrainingScan",
    "fit",
    "judge",
    "judge_measured",
    "make_reference",
    "measure",
    "measure_in_parts",
    "read_reference",
    "surely_known",
    "trained_on_turned",
    "word",
    "write_reference",
]
