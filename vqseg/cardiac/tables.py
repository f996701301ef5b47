"""CSV files for people who go on calculating: the curves of one cine, and a summary with a row for each cine or pair.

Units stand in the columns' names. A cell is empty where a value is unknown, and the summary says why in its last column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqseg.cardiac.function import CardiacFunction, Chamber
from vqseg.cardiac.volumes import STRUCTURES, CardiacError, VolumeCurves
from vqseg.files import write_whole

_CHAMBER = ("edv_ml", "esv_ml", "stroke_volume_ml", "ejection_fraction_percent")
_SUMMARY = ("name", "frames", "ed_frame", "es_frame", "spacing", *(f"{side}_{field}" for side in ("lv", "rv") for field in _CHAMBER))
_SUMMARY += ("myocardial_mass_g", "heart_rate_bpm", "notes")
_BETWEEN_NOTES = "; "


@dataclass(frozen=True)
class SummaryRow:
    """One cine, or one pair of files, by its name."""

    name: str
    function: CardiacFunction


def write_curves(curves: VolumeCurves, file: Path) -> None:
    """Write a row for each frame: frame (from 0), seconds, and each structure in millilitres and in voxels.

    Args:
        curves: Of one cine, or of a pair.
        file: Its name, in a folder that exists.
    """
    names = [name for name in STRUCTURES if name in curves.voxels]
    rows = [["frame", "seconds", *(f"{name}_ml" for name in names), *(f"{name}_voxels" for name in names)]]
    volumes = {name: curves.ml(name) for name in names}
    for frame in range(curves.frames):
        seconds = _cell(None if curves.frame_seconds is None else frame * curves.frame_seconds)
        millilitres = [_cell(None if (found := volumes[name]) is None else found[frame]) for name in names]
        rows.append([str(frame), seconds, *millilitres, *(str(curves.voxels[name][frame]) for name in names)])
    write_whole(file, _as_csv(rows))


def read_curves(file: Path) -> VolumeCurves:
    """What `write_curves` wrote, to the six digits of the file. Whether the frames are single slices is not in it.

    Raises:
        CardiacError: The file is no such table.
    """
    rows = _read(file, ("frame", "seconds", "LV_voxels"))
    try:
        names = [name for name in STRUCTURES if f"{name}_voxels" in rows[0]]
        voxels = {name: tuple(int(row[f"{name}_voxels"]) for row in rows) for name in names}
        volumes = [_voxel_ml(row, names) for row in rows]
        seconds = [_number(row["seconds"]) for row in rows]
    except ValueError as error:
        raise CardiacError(f"{file.name} is no table of volumes: a cell holds no number") from error
    known = [volume for volume in volumes if volume is not None]
    # A frame without any voxel does not say how large one is.
    same = known[0] if known else None
    step = None if len(rows) < 2 or seconds[1] is None or seconds[0] is None else seconds[1] - seconds[0]
    filled = None if same is None else tuple(same if volume is None else volume for volume in volumes)
    return VolumeCurves(voxels=voxels, voxel_ml=filled, frame_seconds=step)


def write_summary(rows: Iterable[SummaryRow], file: Path) -> None:
    """Write a row for each cine or pair: its phases, volumes, ejection fractions, mass, and what is unknown and why.

    Args:
        rows: In their order.
        file: Its name, in a folder that exists.
    """
    write_whole(file, _as_csv([_SUMMARY, *(_summary_cells(row) for row in rows)]))


def read_summary(file: Path) -> list[SummaryRow]:
    """What `write_summary` wrote, to the six digits of the file.

    Raises:
        CardiacError: The file is no such table.
    """
    try:
        return [_summary_row(row) for row in _read(file, _SUMMARY)]
    except ValueError as error:
        raise CardiacError(f"{file.name} is no summary of cines: a cell holds no number") from error


def _summary_cells(row: SummaryRow) -> list[str]:
    record = row.function
    cells = [row.name, str(record.frames), _cell(record.ed_frame), _cell(record.es_frame), "known" if record.spacing_known else "unknown"]
    for chamber in (record.lv, record.rv or Chamber()):
        cells += [_cell(getattr(chamber, field)) for field in _CHAMBER]
    return [*cells, _cell(record.myocardial_mass_g), _cell(record.heart_rate_bpm), _BETWEEN_NOTES.join(record.notes)]


def _summary_row(row: Mapping[str, str]) -> SummaryRow:
    lv, rv = (Chamber(**{field: _number(row[f"{side}_{field}"]) for field in _CHAMBER}) for side in ("lv", "rv"))
    record = CardiacFunction(
        frames=int(row["frames"]),
        ed_frame=_whole(row["ed_frame"]),
        es_frame=_whole(row["es_frame"]),
        spacing_known=row["spacing"] == "known",
        lv=lv,
        # A right ventricle that is no class and one that was not found are both empty cells.
        rv=None if rv == Chamber() else rv,
        myocardial_mass_g=_number(row["myocardial_mass_g"]),
        heart_rate_bpm=_number(row["heart_rate_bpm"]),
        notes=tuple(note for note in row["notes"].split(_BETWEEN_NOTES) if note),
    )
    return SummaryRow(row["name"], record)


def _voxel_ml(row: Mapping[str, str], names: Sequence[str]) -> float | None:
    """Millilitres of a voxel, from the structure with most voxels, whose digits say most."""
    most = max(names, key=lambda name: int(row[f"{name}_voxels"]))
    volume, count = _number(row[f"{most}_ml"]), int(row[f"{most}_voxels"])
    return volume / count if volume is not None and count else None


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None


def _as_csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _read(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has these columns, and at least one row."""
    try:
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CardiacError(f"{file.name} is no CSV file") from error
    if not rows or any(column not in rows[0] for column in columns) or any(None in row or None in row.values() for row in rows):
        raise CardiacError(f"{file.name} has not the columns {', '.join(columns)}, or no row")
    return rows
