"""The tables that perturb the labelled branch and the paired unlabelled one: what they share, how they run, and what they report."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from tests.tiny import tiny_config, tiny_model_config
from vqseg.checkpoint import load_model, save_model
from vqseg.cli import main
from vqseg.config import Config, ConfigError, load_config, save_config, to_mapping
from vqseg.data.augmentation import Mixing
from vqseg.data.sampler import ViewSampler, view_generator
from vqseg.experiments.cells import Cell
from vqseg.experiments.differences import differences, differences_text
from vqseg.experiments.frame import START, second_stage, supervised_start
from vqseg.experiments.make import chosen
from vqseg.experiments.methods import changed
from vqseg.experiments.rows import Row
from vqseg.experiments.runs import Run, known_result, run_cell
from vqseg.experiments.several import planned_runs, run_all
from vqseg.experiments.tables import scaled, table
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.perturbation import PERTURBATIONS
from vqseg.training import step as step_module
from vqseg.training.trainer import Trainer
from vqseg.types import Batch

ROOT = Path(__file__).parents[1]


# The same images for every method


def images_seen(config: Config, monkeypatch: pytest.MonkeyPatch) -> list[list[torch.Tensor]]:
    """The views and mixing masks of every step of a run."""
    seen: list[list[torch.Tensor]] = []
    draw, draw_mixing = ViewSampler.draw, step_module.draw_mixing

    def drawing(sampler: ViewSampler, step: int, *arguments: Any) -> Batch:
        batch = draw(sampler, step, *arguments)
        seen.append([batch.images, *(view for view in (batch.weak, batch.strong) if view is not None)])
        return batch

    def mixing(*arguments: Any) -> Mixing:
        drawn = draw_mixing(*arguments)
        seen[-1] += [drawn.partner, drawn.inside]
        return drawn

    with monkeypatch.context() as patch:
        patch.setattr(ViewSampler, "draw", drawing)
        patch.setattr(step_module, "draw_mixing", mixing)
        Trainer(config).run()
    return seen


def unplaced(seen: list[list[torch.Tensor]], steps: int) -> list[list[torch.Tensor]]:
    """Without the images that codewords were placed on: only the draws that the losses see, one a step, are as large as a batch."""
    of_steps = [drawn for drawn in seen if len(drawn[0]) == 2]
    assert len(of_steps) == steps
    return of_steps


def test_no_perturbation_shifts_a_crop_or_a_mixing_mask(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny_config(phantoms, tmp_path / "base")
    runs = []
    for number, (name, strength, labelled) in enumerate((("none", 0.0, False), ("qpm", 0.7, False), ("channel_dropout", 0.5, True))):
        changes = {"objective.perturbation": name, "objective.strength": strength, "objective.perturb_labelled": labelled}
        config = changed(base, {**changes, "train.output": str(tmp_path / str(number))})
        runs.append(unplaced(images_seen(config, monkeypatch), base.train.steps))
    continuous = changed(base, {"model.continuous": True, "objective.strength": 0.0, "train.output": str(tmp_path / "continuous")})
    runs.append(unplaced(images_seen(continuous, monkeypatch), base.train.steps))
    assert len(runs[0][-1]) == 5
    for other in runs[1:]:
        for mine, theirs in zip(runs[0], other, strict=True):
            assert len(mine) == len(theirs)
            assert all(torch.equal(one, two) for one, two in zip(mine, theirs, strict=True))


def test_views_differ_between_steps_seeds_and_purposes() -> None:
    places: list[Any] = [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (0, 0, "placing"), (0, 1, "placing")]
    drawn = [torch.rand(8, generator=view_generator(*place)) for place in places]
    assert len({tuple(values.tolist()) for values in drawn}) == len(drawn)
    assert torch.equal(torch.rand(8, generator=view_generator(0, 1)), drawn[1])


# The rows


def test_the_rows_of_a_frame_differ_in_the_perturbation_or_in_what_they_say() -> None:
    config = load_config(ROOT / "configs" / "frame.yaml")
    rows = {cell.row: to_mapping(changed(config, cell.changes)) for cell in table("frame", config).cells}
    free = {"perturbation", "strength", "strength_schedule", "strength_steps", "mode", "reach", "temperature"}
    for name, values in rows.items():
        view = "weak" if name.endswith("weak views") else "strong"
        base = rows[f"nothing perturbed, {view} views"]
        told = {
            "no image branch": "reconstruction", "no unlabelled": "unlabelled", "lambda_u 4": "unlabelled",
            "every pixel counts": "confidence", "not clipped": "clip_norm", "decay 0.9": "ema_decay",
            "alignment": "alignment", "centred": "alignment_centred",
        }  # fmt: skip
        wider = free | {key for text, key in told.items() if text in name}
        for room in base:
            different = {key for key in base[room] if base[room][key] != values[room][key]}
            assert different <= wider, name
        assert values["objective"]["student_view"] == view
    assert {name.endswith("weak views") for name in rows} == {True, False}


def test_every_row_of_a_comparison_names_a_row_of_the_table() -> None:
    for name in ("fig1", "frame"):
        cells = table(name).cells
        rows = {cell.row for cell in cells}
        assert {cell.against for cell in cells} - rows == {""}
        # What others are compared with comes before them, so that a finished part of a block has its differences.
        order = [cell.row for cell in cells]
        assert all(order.index(cell.against) < order.index(cell.row) for cell in cells if cell.against)


@pytest.mark.parametrize("size", [16, 64, 1024, 4096])
def test_the_reaches_go_from_the_nearest_codeword_to_any(size: int) -> None:
    config = changed(Config(), {"model.codebook_size": size})
    for name in ("fig1", "frame"):
        cells = table(name, config).cells
        reaches = {changed(config, cell.changes).model.reach for cell in cells} - {None}
        assert min(reaches) == 1 and max(reaches) == size - 1
        assert all(changed(config, cell.changes).model.temperature is None for cell in cells if "model.reach" in cell.changes)


def test_the_labelled_table_perturbs_nothing_but_the_labelled_branch() -> None:
    config = load_config(ROOT / "configs" / "fig1.yaml")
    cells = [changed(config, cell.changes) for cell in table("fig1", config).cells]
    assert all(cell.objective.perturb_labelled and cell.objective.unlabelled == 0 for cell in cells)
    assert {cell.objective.strength for cell in cells if cell.objective.perturbation != "none"} == {0.1, 0.3, 0.5, 0.7, 0.9}
    assert config.train.decoders_alone


def test_the_two_stages_are_the_steps_before_and_after_the_unlabelled_branch_begins() -> None:
    config = load_config(ROOT / "configs" / "frame.yaml")
    start, rest = supervised_start(config), second_stage(config)
    assert start.train.steps == config.objective.unlabelled_start
    assert start.train.steps + rest.train.steps == config.train.steps
    assert start.objective.unlabelled == 0 and start.objective.perturbation == "none"
    assert rest.objective.unlabelled_start == 0 and rest.objective.unlabelled == config.objective.unlabelled
    for wrong in (0, config.train.steps):
        with pytest.raises(ConfigError, match="unlabelled_start"):
            supervised_start(changed(config, {"objective.unlabelled_start": wrong}))


def test_seeds_are_outermost_and_a_start_comes_one_seed_ahead() -> None:
    config = load_config(ROOT / "configs" / "frame.yaml")
    plan = table("frame", config)
    items = planned_runs(plan, plan.cells[:2], config, 3)
    first, second = (cell.row for cell in plan.cells[:2])
    assert [(item.cell.row, item.run.config.train.seed) for item in items] == [
        (START.row, 0), (START.row, 1), (first, 0), (second, 0), (START.row, 2), (first, 1), (second, 1), (first, 2), (second, 2),
    ]  # fmt: skip
    starts = {item.run.key for item in items if item.cell is START}
    assert {Run(item.run.start).key for item in items if item.run.start is not None} == starts
    assert len({item.run.key for item in items}) == len(items)


# Runs


def tiny_frame(phantoms: Path, tmp_path: Path) -> Path:
    config = tiny_config(phantoms, tmp_path / "unused", steps=6, codebook_start=1, snapshots=0)
    file = tmp_path / "tiny.yaml"
    save_config(replace(config, objective=replace(config.objective, unlabelled_start=4, unlabelled_ramp=1)), file)
    return file


def frame_command(config: Path, tmp_path: Path, *rest: object) -> int:
    places = ["--output", str(tmp_path / "results"), "--work", str(tmp_path / "cells")]
    return main(["table", "frame", "--config", str(config), *places, *map(str, rest)])


ROWS = ("nothing perturbed, strong views", "dropout 0.5, strong views")


def test_a_frame_runs_several_at_a_time_from_one_start_a_seed_and_reports_differences(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_frame(phantoms, tmp_path)
    assert frame_command(config, tmp_path, "--seeds", 2, "--jobs", 2, "--only", *ROWS) == 0
    found = json.loads((tmp_path / "results" / "frame.json").read_text())
    rows = {row["row"]: row["results"] for row in found["rows"]}
    assert list(rows) == [START.row, *ROWS]
    assert all([result["seed"] for result in results] == [0, 1] for results in rows.values())
    assert [result["steps"] for result in rows[START.row]] == [4, 4]
    assert [result["steps"] for result in rows[ROWS[1]]] == [2, 2]
    assert rows[ROWS[0]][0]["effect"] == 0
    # A rate of one half doubles what is left: the squared displacement is that of the mean square.
    assert rows[ROWS[1]][0]["effect"] >= 1
    (difference,) = found["differences"]
    values = [theirs["mean"]["dice"] - mine["mean"]["dice"] for mine, theirs in zip(rows[ROWS[0]], rows[ROWS[1]], strict=True)]
    assert difference["values"] == pytest.approx(values)
    text = (tmp_path / "results" / "frame.md").read_text()
    assert "Differences within a seed" in text and "supervised start (4 steps" in text
    assert (tmp_path / "results" / "frame.png").is_file()

    # Alone in this process, nothing is run again, and the table comes out the same.
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("a finished cell was run again"))
    assert frame_command(config, tmp_path, "--seeds", 2, "--only", *ROWS) == 0
    assert json.loads((tmp_path / "results" / "frame.json").read_text()) == found
    # What is finished can be written while the rest is not.
    assert frame_command(config, tmp_path, "--seeds", 3, "--finished") == 0
    partly = json.loads((tmp_path / "results" / "frame.json").read_text())
    assert [row["row"] for row in partly["rows"]] == [START.row, *ROWS]
    assert len(partly["not_run_yet"]) == len(table("frame", load_config(config)).cells) - len(ROWS)
    assert "Not run yet: no unlabelled branch" in (tmp_path / "results" / "frame.md").read_text()


def test_the_methods_of_a_seed_start_from_the_same_weights(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_config(tiny_frame(phantoms, tmp_path))
    plan = table("frame", base)
    items = planned_runs(plan, [cell for cell in plan.cells if cell.row in ROWS], base, 1)
    begun: list[dict[str, torch.Tensor]] = []
    train = Trainer._train
    monkeypatch.setattr(
        Trainer,
        "_train",
        lambda trainer: (begun.append({name: value.clone() for name, value in trainer.network.state_dict().items()}), train(trainer)),
    )
    # A row brings its start along.
    run_cell(items[1].run, tmp_path / "cells")
    run_cell(items[2].run, tmp_path / "cells")
    assert len(begun) == 3
    start = load_model(tmp_path / "cells" / items[0].run.key / "checkpoint").state_dict()
    for name, value in start.items():
        assert torch.equal(begun[1][name], value) and torch.equal(begun[2][name], value), name
    assert known_result(items[0].run, tmp_path / "cells") is not None


def test_a_run_is_known_by_the_weights_it_starts_from_and_not_by_where_they_lie(phantoms: Path, tmp_path: Path) -> None:
    base = load_config(tiny_frame(phantoms, tmp_path))
    start = supervised_start(base)
    key = Run(second_stage(base), start).key
    assert Run(second_stage(base), changed(start, {"train.seed": 1})).key != key
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        torch.manual_seed(seed)
        save_model(VQSeg(base.model, base.preprocess), tmp_path / name)
    one, two, three = (Run(changed(base, {"train.initial": str(tmp_path / name)})).key for name in ("one", "two", "three"))
    assert one == two != three


def test_a_second_process_waits_for_a_run_and_does_not_repeat_it(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Thread

    config = tiny_config(phantoms, tmp_path / "unused", steps=4, codebook_start=2)
    run, began = Trainer.run, []
    monkeypatch.setattr(Trainer, "run", lambda trainer, **options: (began.append(trainer.step), run(trainer, **options))[1])
    results: list[Any] = []
    threads = [Thread(target=lambda: results.append(run_cell(config, tmp_path / "cells")), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not any(thread.is_alive() for thread in threads)
    assert len(began) == 1
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fig1", []),
        ("frame", ["--train.initial", "somewhere"]),
        ("frame", ["--jobs", "0"]),
        ("frame", ["--objective.unlabelled-start", "0"]),
    ],
)
def test_what_would_spoil_a_comparison_is_refused(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: list[str]
) -> None:
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("ran"))
    places = ["--output", str(tmp_path / "results"), "--work", str(tmp_path / "cells")]
    assert main(["table", name, "--config", str(tiny_frame(phantoms, tmp_path)), *places, *arguments]) == 2


def test_the_labelled_table_trains_decoders_on_the_codes_of_a_checkpoint(phantoms: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    save_model(VQSeg(tiny_model_config(), load_config(tiny_frame(phantoms, tmp_path)).preprocess), tmp_path / "codes")
    config = changed(
        load_config(tiny_frame(phantoms, tmp_path)),
        {"train.initial": str(tmp_path / "codes"), "train.decoders_alone": True, "train.revive_every": 0},
    )
    save_config(config, tmp_path / "fig1.yaml")
    places = ["--output", str(tmp_path / "results"), "--work", str(tmp_path / "cells")]
    rows = ["--seeds", "1", "--only", "nothing", "dropout 0.5", "reach 8 0.5"]
    assert main(["table", "fig1", "--config", str(tmp_path / "fig1.yaml"), *places, *rows]) == 0
    found = json.loads((tmp_path / "results" / "fig1.json").read_text())["rows"]
    assert len(found) == 3
    assert found[0]["results"][0]["effect"] == 0 and all(row["results"][0]["effect"] > 0 for row in found[1:])
    before = load_model(tmp_path / "codes").state_dict()
    for row in found:
        after = load_model(tmp_path / "cells" / row["results"][0]["key"] / "checkpoint").state_dict()
        for name, value in before.items():
            # Encoder and codebook are frozen; the decoders began anew and were trained.
            still = torch.equal(after[name], value)
            assert still == name.startswith(("encoder.", "quantizer.")) or value.numel() <= 64, name


def test_a_budget_scales_both_stages() -> None:
    config = load_config(ROOT / "configs" / "frame.yaml")
    small = scaled(config, 0.02)
    assert supervised_start(small).train.steps == round(supervised_start(config).train.steps * 0.02)
    assert second_stage(small).train.steps == round(second_stage(config).train.steps * 0.02)


# Differences


def row(name: str, dice: dict[int, float], against: str = "") -> Row:
    results: Any = tuple({"seed": seed, "mean": {"dice": value}} for seed, value in dice.items())
    return Row(Cell(name, {}, against=against), results)


def test_differences_are_taken_and_tested_over_the_seeds_that_both_rows_have() -> None:
    base, other = {0: 0.70, 1: 0.72, 2: 0.68, 3: 0.71}, {1: 0.75, 2: 0.70, 3: 0.70, 4: 0.9}
    (found,) = differences([row("base", base), row("other", other, "base"), row("alone", {7: 0.5}, "base")])
    mine, theirs = [other[seed] for seed in (1, 2, 3)], [base[seed] for seed in (1, 2, 3)]
    assert found["seeds"] == [1, 2, 3]
    assert found["mean"] == pytest.approx(np.mean(mine) - np.mean(theirs))
    assert found["t_test"] == pytest.approx(stats.ttest_rel(mine, theirs).pvalue)
    assert found["wilcoxon"] == pytest.approx(stats.wilcoxon(np.subtract(mine, theirs)).pvalue)
    # The interval from its formula.
    values = np.subtract(mine, theirs)
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert (found["low"], found["high"]) == (pytest.approx(values.mean() - half), pytest.approx(values.mean() + half))
    assert "| other | base | 1, 2, 3 |" in differences_text([found])


def test_a_single_difference_has_no_interval_and_equal_ones_no_test() -> None:
    for seeds in ([0], [0, 1, 2]):
        (found,) = differences([row("base", dict.fromkeys(seeds, 0.5)), row("other", dict.fromkeys(seeds, 0.75), "base")])
        assert found["mean"] == 0.25
        assert found["low"] is found["high"] is found["t_test"] is found["wilcoxon"] is None
    assert differences_text([]) == ""


def test_a_row_keeps_its_results_in_the_order_of_the_seeds_and_its_first_failure() -> None:
    results: list[Any] = [{"seed": seed, "mean": {"dice": 0.5}, "effect": float(seed)} for seed in (2, 0, 1)]
    found = Row(Cell("row", {}), ())
    for outcome in (results[0], "first reason", results[1], "second reason", results[2]):
        found = found.having(outcome)
    assert [result["seed"] for result in found.results] == [0, 1, 2]
    assert found.failure == "first reason"
    assert found.effect == 1.0
    assert all(one["seed"] < two["seed"] for one, two in pairwise(found.results))


def test_every_perturbation_of_the_frame_is_in_the_registry() -> None:
    named = {cell.changes["objective.perturbation"] for cell in table("frame").cells} - {"qpm"}
    assert named <= set(PERTURBATIONS)


def test_schedules_keep_their_share_of_a_shorter_run() -> None:
    config = load_config(ROOT / "configs" / "frame.yaml")
    for budget in (1.0, 0.1):
        base = scaled(config, budget)
        steps = base.train.steps - base.objective.unlabelled_start
        found = {cell.row: cell.changes for cell in table("frame", base).cells if "objective.strength_schedule" in cell.changes}
        assert found["QPM 0.7 ramp, reach 64, strong views"]["objective.strength_steps"] == round(steps / 2)
        assert found["QPM 0.7 periodic, reach 64, weak views"]["objective.strength_steps"] == round(steps / 5)


def test_a_row_that_cannot_be_configured_is_refused_alone(tmp_path: Path) -> None:
    config = changed(Config(), {"model.reach": 64.0, "model.temperature": None})
    plan = table("codebook-size", config)
    items = planned_runs(plan, plan.cells[:2], config, 1)
    assert [item.run is None for item in items] == [True, False]
    ((_, outcome),) = run_all(items[:1], tmp_path, 1)
    assert isinstance(outcome, str) and "reach must lie in [1, 63]" in outcome


def test_a_full_name_chooses_its_row_alone() -> None:
    cells = table("frame", load_config(ROOT / "configs" / "frame.yaml")).cells
    name = "QPM 0.7, reach 64, strong views"
    assert sum(name in cell.row for cell in cells) == 5
    assert [cell.row for cell in chosen(cells, [name])] == [name]
    assert {cell.row for cell in chosen(cells, ["alignment 0.5", name])} == {
        name,
        f"{name}, alignment 0.5",
        f"{name}, alignment 0.5, centred targets",
    }
