"""log.jsonl of a run: means over the steps since the last line, and what is dropped when a run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from vqseg.training.group import Group
from vqseg.training.journal import Journal
from vqseg.types import LossTerms, Share


def terms(value: float, **figures: float) -> LossTerms:
    scalars = [torch.tensor(value) for _ in range(5)]
    return LossTerms(*scalars, figures={name: torch.tensor(figure) for name, figure in figures.items()})


def lines(file: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_mean_is_taken_over_the_steps_in_which_a_term_was_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log.jsonl", Group())
    journal.begin(10)
    journal.add(torch.tensor(4.0), terms(0.0), quantizing=False)
    journal.add(torch.tensor(2.0), terms(6.0, confident_share=0.5), quantizing=True)
    means = journal.report(12, images=3, facts={"learning_rate": 0.1})
    assert means["loss"] == 3
    assert means["segmentation"] == 3
    assert means["quantizer"] == means["unlabelled_segmentation"] == 6
    assert means["confident_share"] == 0.5
    (line,) = lines(tmp_path / "log.jsonl")
    assert line["step"] == 12 and line["learning_rate"] == 0.1
    assert line["images_per_second"] / line["steps_per_second"] == pytest.approx(3, rel=0.01)
    assert journal.seconds > 0


def test_every_line_begins_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log.jsonl", Group())
    for step, loss in ((1, 4.0), (2, 2.0)):
        journal.add(torch.tensor(loss), terms(loss), quantizing=True)
        journal.report(step, images=1, facts={})
    assert [line["loss"] for line in lines(tmp_path / "log.jsonl")] == [4, 2]


def test_lines_after_a_restored_step_and_half_a_line_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    journal = Journal(file, Group())
    for step in (1, 2, 3):
        journal.write({"step": step})
    with file.open("a", encoding="utf-8") as log:
        log.write('{"step": 2')
    journal.shorten(2)
    assert [line["step"] for line in lines(file)] == [1, 2]


def test_one_process_alone_writes(tmp_path: Path) -> None:
    Journal(tmp_path / "log.jsonl", Group(Share(1, 2))).write({"step": 1})
    assert not (tmp_path / "log.jsonl").exists()
