"""A run's log as a tracker shows it: the same numbers, and none but a run's own files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny import tiny_config
from vqseg.config import TrainConfig
from vqseg.extras import how_to_get
from vqseg.training.group import Group
from vqseg.training.journal import Journal
from vqseg.training.tracking import numbers, tracker_settings
from vqseg.training.trainer import Trainer, _accelerator
from vqseg.types import Share


def test_the_numbers_of_a_line_have_its_names_and_inner_records_a_path() -> None:
    line = {"step": 4, "loss": 0.5, "note": "text", "validation": {"dice": 0.8, "dice_LV": 0.9}}
    assert numbers(line) == {"loss": 0.5, "validation/dice": 0.8, "validation/dice_LV": 0.9}


def test_every_line_of_the_log_is_tracked_by_the_first_process_alone(tmp_path: Path) -> None:
    for rank in (0, 1):
        seen: list[object] = []
        journal = Journal(tmp_path / f"{rank}.jsonl", Group(share=Share(rank, 2)), seen.append)
        journal.write({"step": 1, "loss": 2.0})
        assert seen == ([{"step": 1, "loss": 2.0}] if rank == 0 else [])


def test_a_run_that_goes_on_drops_the_curves_of_steps_that_are_run_again() -> None:
    assert tracker_settings(0) == {"tensorboard": {"purge_step": None}}
    assert tracker_settings(6) == {"tensorboard": {"purge_step": 7}}


def test_a_missing_tracker_is_one_sentence_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        _accelerator(TrainConfig(tracker="tensorboard"))
    assert how_to_get(caught.value) == "tensorboard is not installed; get it by: pip install 'vqseg[trackers]'"


def test_without_a_tracker_a_run_leaves_no_curves(phantoms: Path, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(phantoms, tmp_path / "run", steps=1))
    trainer.run()
    assert not (tmp_path / "run" / "curves").exists() and not trainer.accelerator.trackers


def test_tensorboard_s_files_hold_the_log(phantoms: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install -r requirements-dev.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = tiny_config(phantoms, tmp_path / "run", steps=4, log_every=1, evaluate_every=4, checkpoint_every=2)
    config = replace(config, train=replace(config.train, tracker="tensorboard"))
    before = {path.name for path in tmp_path.iterdir()}
    Trainer(config).run()
    curves = EventAccumulator(str(tmp_path / "run" / "curves"))
    curves.Reload()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    assert [one.step for one in curves.Scalars("loss")] == [step for step, _ in losses] == [1, 2, 3, 4]
    assert [one.value for one in curves.Scalars("loss")] == pytest.approx([loss for _, loss in losses], rel=1e-6)
    [validation] = [line["validation"] for line in lines if "validation" in line]
    assert [one.value for one in curves.Scalars("validation/dice")] == pytest.approx([validation["dice"]], abs=1e-6)
    assert {path.name for path in tmp_path.iterdir()} - before == {"run"}
