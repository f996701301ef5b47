"""Volumes, phases and ejection fraction against shapes of known volume and curves of known phases."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqseg.cardiac import (
    CardiacError,
    CardiacFunction,
    Chamber,
    NoLeftVentricleError,
    Pair,
    PairError,
    SummaryRow,
    VolumeCurves,
    bland_altman,
    cardiac_function,
    count_voxels,
    curves_of,
    find_phases,
    paired,
    pairs_of,
    read_curves,
    read_summary,
    structures_of,
    voxel_ml,
    write_curves,
    write_summary,
)
from vqseg.data.phantom_cine import contraction_at
from vqseg.types import Scan

CLASSES = ("background", "RV", "MYO", "LV")
SPACING = (1.25, 1.25, 8.0)


def ellipsoid(radii_mm: tuple[float, float, float], spacing: tuple[float, float, float], label: int = 3) -> np.ndarray:
    """Labels of an ellipsoid, wholly inside its grid, its centre between voxels."""
    shape = [2 * int(np.ceil(radius / step) + 1) for radius, step in zip(radii_mm, spacing, strict=True)]
    axes = [((np.arange(n) - (n - 1) / 2) * step / radius) ** 2 for n, step, radius in zip(shape, spacing, radii_mm, strict=True)]
    inside = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :] <= 1
    return (inside * label).astype(np.uint8)


def scan(labels: np.ndarray, spacing: tuple[float, float, float] = SPACING, *, known: bool = True) -> Scan:
    return Scan(labels.astype(np.float32), np.diag([*spacing, 1.0]), spacing, "heart.nii.gz", spacing_known=known)


def curve(values: np.ndarray | list[float], voxel: float | None = 0.0125, **others: list[int]) -> VolumeCurves:
    """A cine whose left ventricle has these numbers of voxels."""
    voxels = {"LV": tuple(int(value) for value in values)} | {name: tuple(counts) for name, counts in others.items()}
    return VolumeCurves(voxels=voxels, voxel_ml=None if voxel is None else (voxel,) * len(values), frame_seconds=None)


def beat(frames: int, diastole: float = 12000, systole: float = 4800, shift: int = 0) -> np.ndarray:
    """A smooth curve with its end-diastole in frame `shift`."""
    return np.roll([round(diastole - (diastole - systole) * contraction_at(k / frames)) for k in range(frames)], shift)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.25, 1.25, 4.0), (1.4, 1.4, 8.0)])
def test_discs_of_an_ellipsoid_and_of_a_cylinder_add_up_to_their_volumes(spacing: tuple[float, float, float]) -> None:
    ball = ellipsoid((27.0, 24.0, 45.0), spacing)
    volume = count_voxels(ball, CLASSES)["LV"] * voxel_ml(scan(ball, spacing))
    assert volume == pytest.approx(4 / 3 * np.pi * 2.7 * 2.4 * 4.5, rel=0.01)
    rows, columns = (((np.arange(80) - 39.5) * step / radius) ** 2 for step, radius in zip(spacing[:2], (27.0, 24.0), strict=True))
    cylinder = (3 * (rows[:, None, None] + columns[None, :, None] <= 1)).repeat(10, 2)
    volume = count_voxels(cylinder, CLASSES)["LV"] * voxel_ml(scan(cylinder, spacing))
    assert volume == pytest.approx(np.pi * 2.7 * 2.4 * spacing[2], rel=0.01)


def test_the_mass_is_that_of_the_shells_volume() -> None:
    outer, inner = ellipsoid((36.0, 36.0, 50.0), (1.0, 1.0, 2.0), 2), ellipsoid((27.0, 27.0, 44.0), (1.0, 1.0, 2.0), 3)
    pad = [((a - b) // 2, (a - b) // 2) for a, b in zip(outer.shape, inner.shape, strict=True)]
    labels = np.maximum(outer, np.pad(inner, pad))
    record = paired(labels, labels, CLASSES, scan(labels, (1.0, 1.0, 2.0)), scan(labels, (1.0, 1.0, 2.0)))
    shell = 4 / 3 * np.pi * (3.6**2 * 5.0 - 2.7**2 * 4.4)
    assert record.myocardial_mass_g == pytest.approx(1.05 * shell, rel=0.01)


def test_the_ejection_fraction_of_two_ellipsoids_is_within_a_point() -> None:
    full, empty = ellipsoid((26.0, 26.0, 44.0), SPACING), ellipsoid((18.0, 18.0, 40.0), SPACING)
    record = paired(full, empty, CLASSES, scan(full), scan(empty))
    assert record.lv.ejection_fraction_percent == pytest.approx(100 * (1 - 18**2 * 40 / (26**2 * 44)), abs=1)
    assert record.lv.stroke_volume_ml == pytest.approx(4 / 3 * np.pi * (2.6**2 * 4.4 - 1.8**2 * 4.0), rel=0.03)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flipped", [(), (0,), (1, 2)])
def test_mirrored_and_permuted_axes_give_the_same_record(order: tuple[int, int, int], flipped: tuple[int, ...]) -> None:
    pair = [ellipsoid((24.0, 22.0, 40.0), SPACING), ellipsoid((17.0, 16.0, 36.0), SPACING)]
    turned = [np.flip(labels, flipped).transpose(order) for labels in pair]
    there, here = (
        paired(*labels, CLASSES, *(scan(one, spacing) for one in labels))
        for labels, spacing in ((pair, SPACING), (turned, tuple(SPACING[axis] for axis in order)))
    )
    assert json.dumps(here.to_json()) == json.dumps(there.to_json())


@given(frames=st.integers(10, 40), data=st.data())
def test_one_bad_frame_chooses_neither_phase(frames: int, data: st.DataObject) -> None:
    shift, bad = data.draw(st.integers(0, frames - 1)), data.draw(st.integers(0, frames - 1))
    clean = beat(frames, shift=shift)
    spoiled = clean.copy()
    spoiled[bad] = data.draw(st.sampled_from([0.0, 1000.0, 20000.0, 60000.0]))
    found = find_phases(spoiled)
    assert bad not in (found.end_diastole, found.end_systole) or abs(spoiled[bad] - clean[bad]) < 0.3 * np.ptp(clean)
    volumes = spoiled[[found.end_diastole, found.end_systole]]
    if bad in found.left_out:
        # Beside the bad frame the true extreme may be a little less far.
        nearest = [abs(clean[found.end_diastole] - clean.max()), abs(clean[found.end_systole] - clean.min())]
        assert max(nearest) < 0.3 * np.ptp(clean) and volumes[0] > volumes[1]


def test_a_frame_in_which_the_ventricle_is_lost_is_said_and_changes_nothing() -> None:
    clean, spoiled = beat(20), beat(20)
    spoiled[13] = 0
    there, here = cardiac_function(curve(clean)), cardiac_function(curve(spoiled))
    assert (here.ed_frame, here.es_frame, here.lv) == (there.ed_frame, there.es_frame, there.lv) == (0, 7, there.lv)
    assert any("frame 13" in note for note in here.notes) and not there.notes


@given(frames=st.integers(3, 60), shift=st.integers(0, 59))
def test_a_clean_curve_keeps_its_own_extremes(frames: int, shift: int) -> None:
    volumes = beat(frames, shift=shift % frames)
    found = find_phases(volumes)
    assert found.left_out == ()
    assert volumes[found.end_diastole] == volumes.max() and volumes[found.end_systole] == volumes.min()


def test_noise_in_all_frames_leaves_most_of_them_in() -> None:
    rng = np.random.default_rng(0)
    for level in (500, 5000):
        for _ in range(20):
            assert len(find_phases(beat(20) + rng.normal(0, level, 20)).left_out) <= 4


def test_of_equal_frames_end_systole_is_the_first_after_end_diastole() -> None:
    assert find_phases([3, 1, 5, 4, 1, 2]) == find_phases([3.0, 1.0, 5.0, 4.0, 1.0, 2.0])
    found = find_phases([3, 1, 5, 4, 1, 2])
    assert (found.end_diastole, found.end_systole) == (2, 4)
    with pytest.raises(ValueError, match="no frame"):
        find_phases([])


def test_a_constant_curve_has_an_ejection_fraction_of_zero() -> None:
    record = cardiac_function(curve([5000] * 12))
    assert record.lv.ejection_fraction_percent == 0 and record.lv.stroke_volume_ml == 0
    assert record.ed_frame != record.es_frame and not record.notes


@pytest.mark.parametrize(("values", "reason"), [([0] * 9, "no voxel is labelled as left ventricle"), ([700], "there is one frame")])
def test_what_cannot_be_measured_is_none_with_a_reason(values: list[float], reason: str) -> None:
    record = cardiac_function(curve(values, RV=[5] * len(values)))
    assert record.lv == record.rv == Chamber()
    assert record.ed_frame is record.es_frame is record.myocardial_mass_g is None
    assert reason in record.notes[0]


def test_a_ventricle_that_is_lost_at_end_systole_is_not_said_to_eject_all() -> None:
    full, empty = ellipsoid((24.0, 22.0, 40.0), SPACING), np.zeros((4, 4, 4), np.uint8)
    record = paired(full, empty, CLASSES, scan(full), scan(empty))
    assert record.lv.ejection_fraction_percent is None and record.lv.edv_ml > 80
    assert "no voxel is labelled as LV at end-systole, so its ejection fraction is unknown" in record.notes


def test_without_spacing_there_are_ratios_and_no_millilitres() -> None:
    volumes = beat(20)
    known, unknown = (cardiac_function(curve(volumes, voxel, MYO=[900] * 20, RV=[800, *[500] * 19])) for voxel in (0.0125, None))
    assert unknown.lv.ejection_fraction_percent == pytest.approx(known.lv.ejection_fraction_percent)
    assert unknown.rv.ejection_fraction_percent == pytest.approx(37.5)
    assert known.myocardial_mass_g == pytest.approx(900 * 0.0125 * 1.05) and unknown.myocardial_mass_g is None
    assert (unknown.lv.edv_ml, unknown.lv.esv_ml, unknown.lv.stroke_volume_ml) == (None, None, None)
    assert not unknown.spacing_known and any("unknown spacing" in note for note in unknown.notes)
    assert voxel_ml(scan(np.zeros((2, 2, 2)), known=False)) is None


def test_a_cine_of_one_slice_has_areas() -> None:
    record = cardiac_function(replace(curve(beat(20)), flat=True))
    assert record.lv.ejection_fraction_percent == pytest.approx(59.9, abs=0.1) and record.lv.edv_ml is None
    assert any("single slices" in note for note in record.notes)


def test_a_pair_without_spacing_needs_one_grid() -> None:
    full, other = ellipsoid((24.0, 22.0, 40.0), SPACING), ellipsoid((17.0, 16.0, 36.0), SPACING)
    with pytest.raises(CardiacError, match="cannot be compared"):
        paired(full, other, CLASSES, scan(full, known=False), scan(other, known=False))
    with pytest.raises(CardiacError, match="cannot be compared"):
        paired(full, full, CLASSES, scan(full), scan(full, known=False))
    assert paired(full, full, CLASSES, scan(full, known=False), scan(full, known=False)).lv.ejection_fraction_percent == 0


def test_a_pair_of_two_spacings_is_compared_in_millilitres() -> None:
    fine, coarse = ellipsoid((24.0, 22.0, 40.0), (1.0, 1.0, 4.0)), ellipsoid((24.0, 22.0, 40.0), SPACING)
    record = paired(fine, coarse, CLASSES, scan(fine, (1.0, 1.0, 4.0)), scan(coarse))
    assert abs(record.lv.ejection_fraction_percent) < 1


def test_exchanged_phases_are_noted() -> None:
    small, large = ellipsoid((17.0, 16.0, 36.0), SPACING), ellipsoid((24.0, 22.0, 40.0), SPACING)
    record = paired(small, large, CLASSES, scan(small), scan(large))
    assert record.lv.ejection_fraction_percent < 0 and any("exchanged" in note for note in record.notes)


def test_the_heart_rate_is_that_of_one_cycle() -> None:
    assert cardiac_function(replace(curve(beat(20)), frame_seconds=0.04)).heart_rate_bpm == pytest.approx(75)
    assert cardiac_function(curve(beat(20))).heart_rate_bpm is None


def test_structures_are_found_by_name_and_the_left_ventricle_is_needed() -> None:
    assert structures_of(("background", "lv")) == {"LV": 1} and structures_of(CLASSES) == {"LV": 3, "RV": 1, "MYO": 2}
    assert cardiac_function(curve(beat(20))).rv is None
    with pytest.raises(NoLeftVentricleError, match="nodule"):
        count_voxels(np.zeros((2, 2, 2)), ("background", "nodule"))
    with pytest.raises(CardiacError, match="same structures"):
        curves_of([{"LV": 1}, {"LV": 1, "RV": 2}], None)
    with pytest.raises(CardiacError, match="at least one frame"):
        curves_of([], None)


@pytest.mark.parametrize("voxel", [0.0125, None])
@pytest.mark.parametrize("seconds", [0.05, None])
def test_curves_survive_their_file(voxel: float | None, seconds: float | None, tmp_path: Path) -> None:
    curves = replace(curve([*beat(20)[:19], 0], voxel, RV=list(range(20)), MYO=[0] * 20), frame_seconds=seconds)
    write_curves(curves, tmp_path / "heart.csv")
    back = read_curves(tmp_path / "heart.csv")
    assert back.voxels == curves.voxels and back.frame_seconds == seconds and back.spacing_known == curves.spacing_known
    for name in curves.voxels:
        assert curves.ml(name) is None if voxel is None else curves.ml(name) == pytest.approx(back.ml(name), rel=1e-5)
    assert cardiac_function(back).lv.ejection_fraction_percent == pytest.approx(cardiac_function(curves).lv.ejection_fraction_percent)


def test_the_summary_survives_its_file(tmp_path: Path) -> None:
    records = [
        cardiac_function(curve(beat(20), RV=[800, *[500] * 19], MYO=[900] * 20)),
        cardiac_function(curve(beat(20), None)),
        cardiac_function(curve([0] * 3)),
    ]
    rows = [SummaryRow(f'heart, "{number}"', record) for number, record in enumerate(records)]
    write_summary(rows, tmp_path / "summary.csv")
    back = read_summary(tmp_path / "summary.csv")
    assert [row.name for row in back] == [row.name for row in rows]
    for row, record in zip(back, records, strict=True):
        assert numbers(row.function) == pytest.approx(numbers(record), rel=1e-5)
        assert (row.function.notes, row.function.spacing_known) == (record.notes, record.spacing_known)


def numbers(record: CardiacFunction) -> list[float]:
    """All numbers of a record in their order, -1 for what is unknown."""
    chambers = [asdict(chamber or Chamber()).values() for chamber in (record.lv, record.rv)]
    single = (record.frames, record.ed_frame, record.es_frame, record.myocardial_mass_g, record.heart_rate_bpm)
    return [-1 if value is None else value for value in (*single, *chambers[0], *chambers[1])]


@pytest.mark.parametrize("content", ["", "frame,seconds\n0,1\n", "frame,seconds,LV_ml,LV_voxels\n0,,1,many\n", "\0", "a,b\n1,2,3\n"])
def test_a_file_that_is_no_table_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(content)
    for read in (read_curves, read_summary):
        with pytest.raises(CardiacError, match=r"^table\.csv "):
            read(tmp_path / "table.csv")


def test_names_pair_by_their_words() -> None:
    names = ["scn06_es_0000", "scn05_ed_0000", "scn05_es_0000", "scn06_ed_0000"]
    assert pairs_of(names) == [Pair("scn05", 1, 2), Pair("scn06", 3, 0)]
    assert pairs_of(["a.ED.v2", "a.es.v2"]) == [Pair("a.v2", 0, 1)]
    assert pairs_of(["p1_frame02", "p1_frame01"], ("frame01", "frame02")) == [Pair("p1", 1, 0)]
    assert pairs_of(["ed", "es"]) == [Pair("pair", 0, 1)]
    # Without the words, two files stand in their order; a word within a word is none.
    assert pairs_of(["rested", "stress"], by_order=True) == [Pair("rested-stress", 0, 1)]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["a_ed", "b_ed"], "has no file for 'es'"),
        (["a_ed", "a_ed_0000"], "are both 'ed' of a"),
        (["a_ed", "b"], "b has neither"),
        (["a", "b", "c"], "a has neither"),
        (["a"], "a has neither"),
        (["rested", "stress"], "rested has neither"),
    ],
)
def test_names_that_do_not_pair_are_refused(names: list[str], complaint: str) -> None:
    with pytest.raises(PairError, match=complaint):
        pairs_of(names)


def test_agreement_is_that_of_the_differences() -> None:
    reference, measured = np.array([60.0, 50.0, 30.0, 40.0]), np.array([58.0, 53.0, 31.0, 36.0])
    found, differences = bland_altman(measured, reference), measured - reference
    assert found["count"] == 4 and found["mean_absolute_error"] == 2.5 and found["bias"] == -0.5
    sd = np.sqrt(((differences + 0.5) ** 2).sum() / 3)
    assert (found["lower"], found["upper"]) == pytest.approx((-0.5 - 1.96 * sd, -0.5 + 1.96 * sd))
    for wrong in (([1.0], [1.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError, match="same length"):
            bland_altman(*wrong)
