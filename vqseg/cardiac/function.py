"""From volume curves to what a report says: EDV, ESV, stroke volume, ejection fraction, myocardial mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from vqseg.cardiac.phases import find_phases
from vqseg.cardiac.volumes import CardiacError, VolumeCurves, count_voxels, voxel_ml
from vqseg.plain import JsonObject
from vqseg.types import Array, Scan

MYOCARDIAL_DENSITY = 1.05
"""Grams a millilitre."""


@dataclass(frozen=True, kw_only=True)
class Chamber:
    """One ventricle. Millilitres are None where the spacing is unknown, and whatever a phase without a labelled voxel would give."""

    edv_ml: float | None = None
    esv_ml: float | None = None
    stroke_volume_ml: float | None = None
    ejection_fraction_percent: float | None = None


@dataclass(frozen=True, kw_only=True)
class CardiacFunction:
    """What one heart cycle shows. None stands for what is not known; `notes` say why.

    frames: how many there are. ed_frame, es_frame: from 0; None where there is no left ventricle, or no second frame. lv, rv: at the
    frames of the left ventricle; rv is None where it is no class of the labels. myocardial_mass_g: at end-diastole. heart_rate_bpm: if the
    frames cover one heart cycle. notes: one sentence each.
    """

    frames: int
    ed_frame: int | None
    es_frame: int | None
    spacing_known: bool
    lv: Chamber
    rv: Chamber | None
    myocardial_mass_g: float | None
    heart_rate_bpm: float | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """Plain values, None where something is unknown."""
        values = asdict(self)
        return {**values, "notes": list(self.notes)}


def cardiac_function(curves: VolumeCurves) -> CardiacFunction:
    """Find end-diastole and end-systole of a cine and measure both.

    Args:
        curves: One heart cycle, as `curves_of` gives them.

    Returns:
        The record. Where something cannot be measured, the field is None and a note says why.
    """
    volumes = curves.sizes("LV")
    if not any(volumes):
        return _unmeasured(curves, "no voxel is labelled as left ventricle in any frame")
    if curves.frames == 1:
        return _unmeasured(curves, "there is one frame; an ejection fraction needs end-diastole and end-systole")
    phases = find_phases(volumes)
    notes = [
        f"frame {frame} could not be end-diastole or end-systole: its volume does not fit the frames beside it" for frame in phases.left_out
    ]
    return _measured(curves, phases.end_diastole, phases.end_systole, notes)


def paired(ed_labels: Array, es_labels: Array, classes: Sequence[str], ed_scan: Scan, es_scan: Scan) -> CardiacFunction:
    """The record of two single volumes of one patient, frame 0 being end-diastole and frame 1 end-systole.

    Args:
        ed_labels: At end-diastole, (X, Y, Z).
        es_labels: At end-systole.
        classes: Names in the order of the labels.
        ed_scan: The scan of ed_labels: its spacing is read.
        es_scan: The scan of es_labels.

    Raises:
        NoLeftVentricleError: "LV" is not among the classes.
        CardiacError: The scans differ in what makes volumes without spacing comparable.
    """
    return paired_function(paired_curves(ed_labels, es_labels, classes, ed_scan, es_scan))


def paired_curves(ed_labels: Array, es_labels: Array, classes: Sequence[str], ed_scan: Scan, es_scan: Scan) -> VolumeCurves:
    """The curves of end-diastole and end-systole, two frames; arguments and errors as those of `paired`."""
    volumes = voxel_ml(ed_scan), voxel_ml(es_scan)
    known = volumes[0] is not None and volumes[1] is not None
    if not known and (volumes[0] is not volumes[1] or ed_labels.shape != es_labels.shape):
        raise CardiacError("the spacing is unknown and the grids differ, so the two volumes cannot be compared")
    counts = count_voxels(ed_labels, classes), count_voxels(es_labels, classes)
    return VolumeCurves(
        voxels={name: (counts[0][name], counts[1][name]) for name in counts[0]},
        voxel_ml=tuple(volume for volume in volumes if volume is not None) if known else None,
        flat=1 in ed_labels.shape,
    )


def paired_function(curves: VolumeCurves) -> CardiacFunction:
    """The record of two frames whose phases are known: end-diastole, then end-systole."""
    volumes = curves.sizes("LV")
    if not any(volumes):
        return _unmeasured(curves, "no voxel is labelled as left ventricle at either phase")
    notes = ["the left ventricle is larger at end-systole than at end-diastole: are the two exchanged?"] if volumes[1] > volumes[0] else []
    return _measured(curves, 0, 1, notes)


def _measured(curves: VolumeCurves, ed: int, es: int, notes: Sequence[str]) -> CardiacFunction:
    muscle = curves.ml("MYO")
    found = list(notes)
    chambers = {name: _chamber(curves, name, ed, es, found) for name in ("LV", "RV") if name in curves.voxels}
    record = CardiacFunction(
        frames=curves.frames,
        ed_frame=ed,
        es_frame=es,
        spacing_known=curves.spacing_known,
        lv=chambers["LV"],
        rv=chambers.get("RV"),
        myocardial_mass_g=MYOCARDIAL_DENSITY * muscle[ed] if muscle and muscle[ed] and not curves.flat else None,
        heart_rate_bpm=60 / (curves.frames * curves.frame_seconds) if curves.frame_seconds else None,
    )
    return replace(record, notes=(*found, *_general_notes(curves)))


def _chamber(curves: VolumeCurves, name: str, ed: int, es: int, notes: list[str]) -> Chamber:
    """A ventricle at both phases; what keeps it from being measured is added to the notes."""
    sizes = curves.sizes(name)
    millilitres = None if curves.flat else curves.ml(name)
    if not sizes[ed] or not sizes[es]:
        notes.append(
            f"no voxel is labelled as {name} at {'end-systole' if sizes[ed] else 'end-diastole'}, so its ejection fraction is unknown"
        )
        return Chamber(edv_ml=millilitres[ed] if millilitres and sizes[ed] else None)
    return Chamber(
        edv_ml=millilitres[ed] if millilitres else None,
        esv_ml=millilitres[es] if millilitres else None,
        stroke_volume_ml=millilitres[ed] - millilitres[es] if millilitres else None,
        ejection_fraction_percent=100 * (sizes[ed] - sizes[es]) / sizes[ed],
    )


def _unmeasured(curves: VolumeCurves, reason: str) -> CardiacFunction:
    return CardiacFunction(
        frames=curves.frames,
        ed_frame=None,
        es_frame=None,
        spacing_known=curves.spacing_known,
        lv=Chamber(),
        rv=Chamber() if "RV" in curves.voxels else None,
        myocardial_mass_g=None,
        heart_rate_bpm=None,
        notes=(reason, *_general_notes(curves)),
    )


def _general_notes(curves: VolumeCurves) -> list[str]:
    notes = []
    if not curves.spacing_known:
        notes.append("unknown spacing: no volume in millilitres and no mass, only ratios")
    if curves.flat:
        notes.append("the frames are single slices: the ejection fraction is one of areas, and there are no volumes")
    return notes
