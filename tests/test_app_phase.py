"""The phase diagram: every cell is the Dice of its own setting, it comes from coarse to fine, and one at a time."""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from app_server import fake_served, save_scan, save_truth
from fake_segmenter import CODES, FakeSegmenter

from app.scan.curves import STEPS
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.open_scan import OpenScan
from app.scan.phase import ROWS, SHARP, Diagram, PhaseDiagrams, answer, cells_in_order
from app.tabs.perturb.answers import phase
from vqseg.codebook import kind_effects
from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import dice_by_class, label_agreement

WHOLE = 600.0


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenScan:
    path = save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")
    truth = read_labels(save_truth(path.with_name("truth.nii.gz"), path))
    return OpenScan(FakeSegmenter().open(read_scan(path)), fake_served(), truth=truth.astype(np.uint8))


def request_of(scan: OpenScan, **changes: Any) -> FrameRequest:
    return replace(FrameRequest(scan.plane, 3, 0.3, "resample", 4), **changes)


def test_every_cell_is_the_dice_of_its_own_setting(opened: OpenScan) -> None:
    request = request_of(opened, edits=((0, 0, 63),))
    diagram, waiting = PhaseDiagrams().advance(opened, request, WHOLE)
    assert not waiting and diagram.complete and diagram.of == diagram.done
    segmented, forced = opened.segmented, {(0, 0): 63}
    clean, truth = segmented.labels[:, :, 3], opened.truth[:, :, 3]
    for number in (0, 4, ROWS - 1, ROWS, len(diagram.lines) - 1):
        line = diagram.lines[number]
        # The fake dropout does not see forced tokens, so its clean picture is another one.
        for column in (0, 1, 10, 20) if line.reach else (1, 10, 20):
            labels = segmented.labels_at(3, [float(STEPS[column])], line.mode, 4, forced, line.reach)[0]
            assert diagram.dice[number, column] == label_agreement(labels, clean)
            known = [score for score in dice_by_class(labels, truth, 4) if score is not None]
            assert diagram.against_truth[number, column] == pytest.approx(np.mean(known))


def test_rows_go_from_the_nearest_codeword_to_any_and_strips_are_what_has_no_reach(opened: OpenScan) -> None:
    diagram, _ = PhaseDiagrams().advance(opened, request_of(opened), 0)
    reaches = [line.reach for line in diagram.lines[:ROWS]]
    assert (reaches[0], reaches[-1]) == (1.0, CODES - 1.0)
    np.testing.assert_allclose(np.diff(np.log(reaches)), np.log(CODES - 1) / (ROWS - 1), rtol=0.02)
    assert [line.mode for line in diagram.lines[ROWS:]] == ["dropout", "channel_dropout"]
    assert all(line.reach is None for line in diagram.lines[ROWS:])


def test_effects_are_those_of_the_slices_own_tokens(opened: OpenScan) -> None:
    diagram, _ = PhaseDiagrams().advance(opened, request_of(opened), WHOLE)
    usage = np.bincount(opened.segmented.indices[3].ravel(), minlength=CODES)
    line = diagram.lines[8]
    temperature = opened.model.segmenter.temperature_at(line.reach)
    expected = kind_effects("resample", opened.segmented.codewords, usage, temperature, STEPS.tolist())
    np.testing.assert_allclose(diagram.effects[8], expected)
    assert expected[0] == 0 < expected[-1]


def test_cells_come_from_coarse_to_fine_each_once_and_the_clean_picture_once_for_all() -> None:
    lines = ROWS + 2
    order = cells_in_order(lines)
    cells = [(line, column) for line, columns in order for column in columns]
    assert len(cells) == len(set(cells)) == 1 + (17 + 2) * (len(STEPS) - 1)
    assert order[0] == (0, (0,)) and all(0 not in columns for _, columns in order[1:])
    assert {line for line, _ in cells[:11]} == {0, 32, 64, ROWS, ROWS + 1}
    assert {column for _, column in cells[1:11]} == {10, 20}
    assert max(len(columns) for _, columns in order) <= 4


def test_rows_between_are_decoded_only_where_dice_changes(opened: OpenScan) -> None:
    diagram, _ = PhaseDiagrams().advance(opened, request_of(opened), WHOLE)
    rows = diagram.dice[:ROWS]
    there = np.isfinite(rows).all(1)
    assert there[::4].all() and not there.all()
    for row in range(2, ROWS - 1, 4):
        assert there[row] == (np.abs(rows[row + 2] - rows[row - 2]) > SHARP).any()


def test_a_diagram_comes_a_little_at_a_time_and_is_kept_by_what_it_depends_on(opened: OpenScan) -> None:
    diagrams = PhaseDiagrams()
    first, _ = diagrams.advance(opened, request_of(opened), 0)
    lines = len(first.lines)
    # The clean picture stands in every line.
    assert first.done == lines
    second, _ = diagrams.advance(opened, request_of(opened, strength=1.0, mode="shuffle", reach=5.0), 0)
    assert second is first and second.done > lines
    assert diagrams.advance(opened, request_of(opened, seed=5), 0)[0] is not first
    other = OpenScan(opened.segmented, opened.model)
    untrue, _ = diagrams.advance(other, request_of(other), 0)
    assert untrue is not first and np.isnan(untrue.against_truth).all()


def test_one_diagram_is_decoded_at_a_time_and_another_one_says_that_it_waits(
    opened: OpenScan, gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    diagrams, decoding = PhaseDiagrams(), Event()
    labels_at = opened.segmented.labels_at

    def slow(*arguments: Any) -> np.ndarray:
        decoding.set()
        assert gate.wait(60)
        return labels_at(*arguments)

    monkeypatch.setattr(opened.segmented, "labels_at", slow)
    worker = Thread(target=diagrams.advance, args=(opened, request_of(opened), 0))
    worker.start()
    assert decoding.wait(60)
    diagram, waiting = diagrams.advance(opened, request_of(opened, seed=9), 0)
    assert waiting and diagram.done == 0
    gate.set()
    worker.join(60)
    assert not worker.is_alive()
    diagram, waiting = diagrams.advance(opened, request_of(opened, seed=9), 0)
    assert not waiting and diagram.done > 0


def test_a_visitor_who_goes_through_seeds_leaves_turns_to_others(opened: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    diagrams, labels_at, refused, done = PhaseDiagrams(), opened.segmented.labels_at, [], 0

    def other() -> tuple[Diagram, bool]:
        return diagrams.advance(opened, request_of(opened, seed=1), 0, "other")

    def meanwhile(*arguments: Any) -> np.ndarray:
        refused.append(other()[1])
        return labels_at(*arguments)

    for seed in range(10, 14):
        # While the eager visitor's cells are decoded, the other one asks; then the eager one asks at once for a new diagram.
        with monkeypatch.context() as patched:
            patched.setattr(opened.segmented, "labels_at", meanwhile)
            assert not diagrams.advance(opened, request_of(opened, seed=seed), 0, "eager")[1]
        diagram, waiting = diagrams.advance(opened, request_of(opened, seed=seed + 100), 0, "eager")
        assert waiting and diagram.done == 0
        diagram, waiting = other()
        assert not waiting and diagram.done > done
        done = diagram.done
    assert refused == [True] * 4


def test_the_browser_gets_numbers_and_none(opened: OpenScan) -> None:
    diagram, waiting = PhaseDiagrams().advance(opened, request_of(opened), 0)
    told = answer(diagram, waiting)
    assert told["strengths"] == STEPS.tolist()
    assert len(told["rows"]) == ROWS and [strip["title"] for strip in told["strips"]] == ["dropout", "dropout of channels"]
    assert told["rows"][0]["dice"][0] == 1.0 and told["rows"][0]["dice"][1] is None
    assert (told["done"], told["has_truth"], told["waiting"]) == (diagram.done, True, False)
    assert told["of"] == 17 * 21 + 2 * 21 + ROWS - 17


def test_only_acquired_slices_have_a_diagram(opened: OpenScan) -> None:
    with pytest.raises(RequestError, match="choose plane axial"):
        phase(opened, {"plane": "coronal", "index": 0, "strength": 0.0, "mode": "resample", "seed": 0})
