"""Methods and tables: what a comparison changes and what it leaves alone, runs that are not repeated, and what a report says."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from tests.tiny import tiny_config
from vqseg.cli import main
from vqseg.config import Config, ConfigError, from_mapping, load_config, save_config, to_mapping
from vqseg.experiments.evolution import draw_evolution
from vqseg.experiments.methods import METHODS, changed, with_method
from vqseg.experiments.report import Row, markdown, paired_test
from vqseg.experiments.runs import cell_key, hardware, run_cell
from vqseg.experiments.tables import TABLES, Cell, scaled, table
from vqseg.training.schedule import codebook_start
from vqseg.training.trainer import Trainer

# What must be the same for a table to compare one thing at a time.
SHARED = ("preprocess", "augmentation", "train")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_changes_neither_views_nor_schedule_nor_network_sizes(name: str) -> None:
    base, other = to_mapping(Config()), to_mapping(with_method(Config(), name))
    assert all(base[room] == other[room] for room in SHARED)
    assert {key for key in base["model"] if base["model"][key] != other["model"][key]} <= {"continuous"}
    assert {key for key in base["data"] if base["data"][key] != other["data"][key]} == set()


BASES = {"defaults": Config(), "usage": changed(Config(), {"objective.usage": 0.1, "objective.feature_stream": True})} | {
    file.stem: load_config(file)
    for file in (Path(__file__).parents[1] / "configs").glob("*.yaml")
    if not file.name.endswith(".recipe.yaml")
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", TABLES)
def test_every_cell_of_every_table_is_a_valid_configuration_of_its_own(name: str, base: str) -> None:
    cells = table(name, BASES[base]).cells
    # Two lines of a plot may meet in one run.
    keys = [(cell.series, cell_key(changed(BASES[base], cell.changes))) for cell in cells]
    assert len(set(keys)) == len(keys)
    assert len({cell.row for cell in cells}) == len(cells)


def test_unknown_methods_tables_and_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown method"):
        with_method(Config(), "magic")
    with pytest.raises(ConfigError, match="unknown table"):
        table("magic")
    with pytest.raises(ConfigError, match="unknown setting"):
        changed(Config(), {"train.magic": 1})


def test_a_budget_scales_every_step_of_the_schedule() -> None:
    base, half = Config(), scaled(Config(), 0.5)
    assert half.train.steps == base.train.steps // 2
    assert half.objective.unlabelled_start == base.objective.unlabelled_start // 2
    assert half.train.codebook_start == base.train.codebook_start // 2
    assert half.augmentation.ramp_steps == base.augmentation.ramp_steps // 2
    for room, name in (("train", "warmup_steps"), ("train", "revive_every"), ("objective", "unlabelled_ramp")):
        assert getattr(getattr(half, room), name) == getattr(getattr(base, room), name) // 2 > 0
    ramped = changed(base, {"objective.alignment_ramp": 50})
    assert scaled(ramped, 0.5).objective.alignment_ramp == 25
    assert half.objective.strength_steps == base.objective.strength_steps // 2
    assert half.train.learning_rate == base.train.learning_rate
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="positive"):
            scaled(base, wrong)
    # However short the run, its codebook is placed.
    least = scaled(base, 1e-6)
    assert codebook_start(least.train) == 1
    assert least.train.steps == 2


def test_a_step_of_the_ablation_changes_one_thing() -> None:
    rows = [to_mapping(changed(Config(), cell.changes)) for cell in table("ablation").cells]

    def differences(first: int, second: int) -> set[str]:
        keys = [(room, key) for room, values in rows[0].items() if isinstance(values, dict) for key in values]
        return {key for room, key in keys if rows[first][room][key] != rows[second][room][key]} - {"strength"}

    assert differences(0, 1) == differences(2, 3) == {"perturbation"}
    assert differences(1, 2) == {"continuous"}
    assert differences(3, 4) == differences(5, 6) == {"reconstruction"}
    assert differences(3, 5) == differences(4, 6) == {"alignment"}


def result(seed: int, dice: float) -> dict[str, Any]:
    return {
        "mean": {"dice": dice, "jaccard": dice - 0.1, "hd95": 3.0, "asd": 1.0},
        "codebook": {"size": 64, "used": 48, "perplexity": 30.0},
        "cases": 4, "steps": 10, "seconds": 36.0, "hardware": "cpu", "date": "2026-01-02", "seed": seed,
    }  # fmt: skip


def test_the_paired_test_is_scipys_over_the_common_seeds() -> None:
    ours, theirs = [0.81, 0.84, 0.79, 0.9], [0.8, 0.8, 0.78]
    rows = [
        Row(Cell("vq-seg", {}), tuple(result(seed, dice) for seed, dice in enumerate(ours))),
        Row(Cell("mean-teacher", {}), tuple(result(seed, dice) for seed, dice in enumerate(theirs))),
    ]
    test = paired_test(table("seeds"), rows)
    assert test is not None
    assert test["seeds"] == 3
    assert test["p"] == pytest.approx(stats.ttest_rel(ours[:3], theirs).pvalue)
    assert paired_test(table("seeds"), rows[:1]) is None


def test_differences_that_do_not_vary_are_not_tested() -> None:
    rows = [Row(Cell(name, {}), tuple(result(seed, dice) for seed in range(3))) for name, dice in (("vq-seg", 0.0), ("mean-teacher", 0.0))]
    assert paired_test(table("seeds"), rows) is None
    assert "differences that vary" in markdown(table("seeds"), rows, Config(), 1, None)


def test_a_row_says_what_is_in_its_run() -> None:
    rows = [Row(cell, (result(0, 0.8),)) for cell in table("ablation").cells]
    lines = [line.split(" | ")[1] for line in markdown(table("ablation"), rows, Config(), 1, None).splitlines() if "0.8000" in line]
    assert lines == [
        "no codebook, unlabelled branch with dropout 0.5",
        "no codebook, unlabelled branch",
        "codebook, unlabelled branch",
        "codebook, unlabelled branch with qpm 0.7",
        "codebook, image branch, unlabelled branch with qpm 0.7",
        "codebook, unlabelled branch with qpm 0.7, alignment 5",
        "codebook, image branch, unlabelled branch with qpm 0.7, alignment 5",
    ]


def test_one_seed_is_said_to_test_nothing() -> None:
    row, other = (Row(Cell("row", {}), tuple(result(seed, 0.8) for seed in range(count))) for count in (1, 2))
    assert "not tested" in markdown(table("methods"), [row], Config(), 1, None)
    assert "not tested" not in markdown(table("methods"), [row, other], Config(), 1, None)


def test_a_report_gives_mean_and_spread_and_says_what_was_run_and_what_was_not() -> None:
    rows = [
        Row(Cell("first", {}), (result(0, 0.8), result(1, 0.9))),
        Row(Cell("second", {}), (), "the foundation model is missing"),
    ]
    text = markdown(table("methods"), rows, Config(), 0.25, None)
    assert f"0.8500 ± {np.std([0.8, 0.9], ddof=1):.4f}" in text
    assert "75.0% of 64" in text
    assert "not run: the foundation model is missing" in text
    for stated in ("Budget 0.25", "seeds 0, 1", "cpu", "0.02 hours", "2026-01-02", "validation"):
        assert stated in text


def test_a_report_names_the_foundation_model_where_one_was_used() -> None:
    config = changed(Config(), {"train.foundation": "somewhere/vit-tiny"})
    aligned, plain = (Row(Cell("row", {"objective.alignment": weight}), (result(0, 0.8),)) for weight in (5.0, 0.0))
    assert "alignment: vit-tiny." in markdown(table("methods"), [plain, aligned], config, 1, None)
    assert "vit-tiny" not in markdown(table("methods"), [plain], config, 1, None)


def test_a_cell_is_known_by_what_decides_its_outcome() -> None:
    base = Config()
    same = changed(base, {"train.output": "elsewhere", "train.log_every": 7, "train.foundation": "not read"})
    assert cell_key(same) == cell_key(base)
    aligned = {"objective.alignment": 1.0}
    assert cell_key(changed(same, aligned)) != cell_key(changed(base, aligned))
    assert cell_key(changed(base, {"train.seed": 1})) != cell_key(base)
    # The length of a schedule counts where there is one.
    longer = changed(base, {"objective.strength_steps": 7})
    assert cell_key(longer) == cell_key(base)
    ramp = {"objective.strength_schedule": "ramp"}
    assert len({cell_key(base), cell_key(changed(base, ramp)), cell_key(changed(longer, ramp))}) == 3


@pytest.mark.parametrize("name", ["methods", "strength", "lambda"])
def test_settings_that_came_later_leave_the_keys_of_published_runs(name: str) -> None:
    content = json.loads((Path(__file__).parents[1] / "docs/results" / f"{name}.json").read_text())
    config = from_mapping(Config, content["config"])
    runs = [(row["changes"], found) for row in content["rows"] for found in row["results"]]
    assert runs
    for changes, found in runs:
        assert cell_key(changed(config, {**changes, "train.seed": found["seed"]})) == found["key"]


def small(phantoms: Path, tmp_path: Path) -> Path:
    config = tiny_config(phantoms, tmp_path / "unused", steps=6, codebook_start=2)
    file = tmp_path / "tiny.yaml"
    save_config(replace(config, objective=replace(config.objective, unlabelled_start=3)), file)
    return file


def test_a_table_is_written_and_a_finished_cell_is_not_run_again(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output, work = tmp_path / "results", tmp_path / "cells"
    command = ["table", "strength", "--config", str(small(phantoms, tmp_path)), "--output", str(output), "--work", str(work)]
    assert main([*command, "--only", "0.3"]) == 0
    assert {file.name for file in output.iterdir()} == {"strength.json", "strength.md", "strength.png"}
    rows = json.loads((output / "strength.json").read_text())["rows"]
    assert [row["row"] for row in rows] == ["QPM, strength 0.3", "dropout, rate 0.3"]
    assert all(row["results"][0]["steps"] == 6 for row in rows)

    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("a finished cell was run again"))
    assert main([*command, "--only", "0.3"]) == 0
    assert json.loads((output / "strength.json").read_text())["rows"] == rows
    capsys.readouterr()
    assert main([*command, "--only", "no such row"]) == 2


def table_command(name: str, config: Path, output: Path, work: Path, *rest: object) -> int:
    return main(["table", name, "--config", str(config), "--output", str(output), "--work", str(work), *map(str, rest)])


def results_in(file: Path) -> dict[str, list[dict[str, Any]]]:
    return {row["row"]: row["results"] for row in json.loads(file.read_text())["rows"]}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations that were trained since."""
    run, configs = Trainer.run, []
    monkeypatch.setattr(Trainer, "run", lambda trainer, **options: configs.append(trainer.config) or run(trainer, **options))
    return configs


def test_published_results_stand_for_their_runs_and_for_no_others(phantoms: Path, tmp_path: Path, trained: list[Config]) -> None:
    config, first, second = small(phantoms, tmp_path), tmp_path / "first", tmp_path / "second"
    assert table_command("methods", config, first, tmp_path / "lost", "--only", "vq-seg") == 0
    published = results_in(first / "methods.json")
    trained.clear()
    rows = ("--only", "QPM, strength 0.7", "dropout, rate 0.5")
    assert table_command("strength", config, second, tmp_path / "cells", *rows, "--reuse", first) == 0
    found = results_in(second / "strength.json")
    assert found["QPM, strength 0.7"] == published["vq-seg"]
    assert [config.objective.perturbation for config in trained] == ["dropout"]
    # The picture of the evolution needs the run itself.
    assert table_command("evolution", config, second, tmp_path / "cells", "--reuse", first) == 0
    assert [config.objective.perturbation for config in trained] == ["dropout", "qpm"]


def test_published_results_stand_for_their_runs_where_the_data_lies_elsewhere(
    phantoms: Path, tmp_path: Path, trained: list[Config]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert table_command("methods", small(phantoms, tmp_path), first, tmp_path / "lost", "--only", "supervised") == 0
    trained.clear()
    data = tmp_path / "elsewhere"
    shutil.copytree(phantoms, data)
    for folder in (f"{phantoms}/", f"{tmp_path}/./elsewhere/"):
        work = tmp_path / f"cells-{len(folder)}"
        rest = ("--only", "supervised", "--reuse", first, "--data.folder", folder)
        assert table_command("methods", small(phantoms, tmp_path), tmp_path / "slash", work, *rest) == 0
        assert trained == []
    again = (small(data, tmp_path), second, tmp_path / "cells", "--only", "supervised", "--reuse")
    assert table_command("methods", *again, first) == 0
    assert trained == []
    # And where a table has been carried on there, once more.
    assert table_command("methods", small(phantoms, tmp_path), tmp_path / "third", tmp_path / "back", *again[3:], second) == 0
    assert trained == []
    assert results_in(tmp_path / "third" / "methods.json") == results_in(first / "methods.json")
    # A result that does not say on what data it was measured is one of its own folder only.
    content = json.loads((first / "methods.json").read_text())
    content["rows"][0]["results"][0].pop("data")
    (first / "methods.json").write_text(json.dumps(content))
    assert table_command("methods", small(data, tmp_path), second, tmp_path / "unknown", *again[3:], first) == 0
    assert len(trained) == 1


@pytest.mark.parametrize("change", [{"version": "0.0.0"}, {"data": "0" * 12}, {"version": None}])
def test_results_of_other_code_or_other_data_stand_for_no_run(
    phantoms: Path, tmp_path: Path, trained: list[Config], change: dict[str, Any]
) -> None:
    config, first = small(phantoms, tmp_path), tmp_path / "first"
    assert table_command("methods", config, first, tmp_path / "lost", "--only", "supervised") == 0
    content = json.loads((first / "methods.json").read_text())
    content["rows"][0]["results"][0] |= change
    (first / "methods.json").write_text(json.dumps(content))
    trained.clear()
    assert table_command("methods", config, tmp_path / "second", tmp_path / "cells", "--only", "supervised", "--reuse", first) == 0
    assert len(trained) == 1


def test_a_cell_whose_data_changed_is_run_again(phantoms: Path, tmp_path: Path, trained: list[Config]) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantoms, data)
    config = small(data, tmp_path)
    for _ in range(2):
        assert table_command("methods", config, tmp_path / "results", tmp_path / "cells", "--only", "supervised") == 0
    assert len(trained) == 1
    splits = json.loads((data / "splits.json").read_text())
    splits["labeled"]["one"] = splits["train"][:1]
    (data / "splits.json").write_text(json.dumps(splits))
    assert table_command("methods", config, tmp_path / "results", tmp_path / "cells", "--only", "supervised") == 0
    assert len(trained) == 2


def test_a_cell_that_was_cut_off_goes_on_where_it_began_or_not_at_all(phantoms: Path, tmp_path: Path) -> None:
    data, work = tmp_path / "data", tmp_path / "cells"
    shutil.copytree(phantoms, data)
    config = replace(tiny_config(data, tmp_path / "unused", steps=6, codebook_start=2, checkpoint_every=2))
    save, saved = Trainer._save, []

    def stop(trainer: Trainer) -> None:
        save(trainer)
        saved.append(trainer.step)
        if len(saved) in (1, 3):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_save", stop)
        with pytest.raises(KeyboardInterrupt):
            run_cell(config, work)
        # Goes on after step 2, and is cut off again.
        with pytest.raises(KeyboardInterrupt):
            run_cell(config, work)
        splits = json.loads((data / "splits.json").read_text())
        (data / "splits.json").write_text(json.dumps(splits | {"labeled": {"10%": splits["train"][1:2]}}))
        run_cell(config, work)
    assert saved == [2, 4, 6, 2, 4, 6]


@pytest.mark.parametrize("note", [None, "{", '{"version": "0.0.0"}'])
def test_a_cell_begun_by_another_version_begins_anew(
    phantoms: Path, tmp_path: Path, note: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny_config(phantoms, tmp_path / "unused", steps=4, codebook_start=2)
    folder = tmp_path / cell_key(config)
    run_cell(config, tmp_path)
    before = (folder / "log.jsonl").read_text()
    (folder / "result.json").unlink()
    # As a kill between the two renames leaves it.
    (folder / ".state-abc-old").mkdir()
    (folder / ".state-abc-old" / "state.json").write_text('{"step": 2}')
    (folder / "origin.json").unlink()
    if note is not None:
        (folder / "origin.json").write_text(note)
    assert run_cell(config, tmp_path)["steps"] == 4
    assert "starts over" in caplog.text
    assert sorted(path.name for path in folder.glob(".state-*")) == []
    assert len((folder / "log.jsonl").read_text().splitlines()) == len(before.splitlines())


def test_a_table_that_is_cut_off_loses_none_of_the_results_it_reuses(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, results, work = small(phantoms, tmp_path), tmp_path / "results", tmp_path / "cells"
    assert table_command("methods", config, results, tmp_path / "lost", "--only", "supervised", "mean-teacher") == 0
    before = results_in(results / "methods.json")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", lambda *_, **__: pytest.exit("cut off"))
        with pytest.raises(pytest.exit.Exception):
            # Over the table that it reuses, and in the second seed of its first row.
            table_command("methods", config, results, work, "--seeds", 2, "--only", "supervised", "mean-teacher", "--reuse", results)
        patch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("a published cell was run again"))
        assert table_command("methods", config, results, work, "--only", "supervised", "mean-teacher") == 0
    assert results_in(results / "methods.json") == before


@pytest.mark.parametrize(
    "text", ["", "3", "[]", '{"rows": 5}', '{"rows": [{"row": "no results"}]}', '{"rows": [{"results": [7]}]}', '{"rows": [']
)
def test_a_folder_without_a_readable_table_is_refused(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    if text:
        (folder / "methods.json").write_text(text)
    assert table_command("methods", small(phantoms, tmp_path), tmp_path / "results", tmp_path / "cells", "--reuse", folder) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("usage", [0.0, 0.1])
def test_a_row_names_a_stream_of_its_own_and_the_usage_loss(usage: float) -> None:
    base = changed(Config(), {"objective.usage": usage})
    rows = {name: Row(Cell(name, METHODS[name]), (result(0, 0.8),)) for name in ("mean-teacher", "unimatch", "vq-seg")}
    text = markdown(table("methods"), list(rows.values()), base, 1, None)
    lines = {name: next(line for line in text.splitlines() if line.startswith(f"| {name} |")) for name in rows}
    assert [name for name, line in lines.items() if "in a stream of its own" in line] == ["unimatch"]
    assert [name for name, line in lines.items() if "usage loss 0.1" in line] == (["vq-seg"] if usage else [])


def test_a_cell_without_its_foundation_model_keeps_its_row_with_the_reason(phantoms: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    arguments = ["--output", str(output), "--work", str(tmp_path / "cells"), "--train.foundation", str(tmp_path / "nowhere")]
    assert main(["table", "ablation", "--config", str(small(phantoms, tmp_path)), "--only", "PFA", *arguments]) == 0
    text = (output / "ablation.md").read_text()
    assert text.count("not run: seed 0: cannot load the foundation model") == 2


def test_a_row_that_is_refused_does_not_keep_the_others_from_running(phantoms: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "results"
    shutil.copytree(phantoms, data)
    splits = json.loads((data / "splits.json").read_text())
    del splits["labeled"]["50%"]
    (data / "splits.json").write_text(json.dumps(splits))
    arguments = ["--config", str(small(data, tmp_path)), "--output", str(output), "--work", str(tmp_path / "cells")]
    assert main(["table", "labelled-share", *arguments, "--only", "supervised, 10%", "supervised, 50%", "supervised, all"]) == 0
    rows = {row["row"]: row for row in json.loads((output / "labelled-share.json").read_text())["rows"]}
    assert not rows["supervised, 50%"]["results"]
    assert "50%" in rows["supervised, 50%"]["failure"]
    assert rows["supervised, 10%"]["results"][0]["steps"] == rows["supervised, all"]["results"][0]["steps"] == 6
    assert "not run: seed 0" in (output / "labelled-share.md").read_text()


def test_a_table_does_not_start_from_trained_weights(phantoms: Path, tmp_path: Path) -> None:
    arguments = ["--train.initial", "somewhere", "--output", str(tmp_path), "--work", str(tmp_path / "cells")]
    assert main(["table", "methods", "--config", str(small(phantoms, tmp_path)), *arguments]) == 2


def test_the_time_of_a_short_run_is_told(phantoms: Path, tmp_path: Path) -> None:
    config = load_config(small(phantoms, tmp_path))
    config = replace(config, train=replace(config.train, steps=3, log_every=20))
    assert run_cell(config, tmp_path / "cells")["seconds"] > 0
    log = (tmp_path / "cells" / cell_key(config) / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log if "loss" in line] == [3]


def test_a_cell_that_was_cut_off_goes_on_where_it_was(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(small(phantoms, tmp_path))
    config = replace(config, train=replace(config.train, checkpoint_every=3))
    save = Trainer._save

    def stop(self: Trainer) -> None:
        save(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save", stop)
        with pytest.raises(KeyboardInterrupt):
            run_cell(config, tmp_path / "cells")
    parts, whole = run_cell(config, tmp_path / "cells"), run_cell(config, tmp_path / "others")
    assert parts["mean"] == whole["mean"]
    log = (tmp_path / "cells" / cell_key(config) / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log if "loss" in line] == [2, 4, 6]


def test_the_evolution_draws_every_snapshot_it_reports(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = np.array([[1, 0, 0] * 10, [1, 2, 0] * 10, [3, 1, 1] * 10])
    np.savez(tmp_path / "snapshots.npz", steps=[1, 5, 9], codewords=rng.normal(size=(3, 30, 4)).astype(np.float16), counts=counts)
    moments = draw_evolution(tmp_path / "snapshots.npz", tmp_path / "evolution.png")
    assert [moment["used"] for moment in moments] == [10, 20, 30]
    assert (tmp_path / "evolution.png").stat().st_size > 10_000


def test_a_method_named_on_the_command_line_can_still_be_changed(phantoms: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["--method", "mean-teacher", "--objective.strength", "0.3", "--train.output", str(run)]
    assert main(["train", "--config", str(small(phantoms, tmp_path)), *arguments]) == 0
    config = load_config(run / "config.yaml")
    assert config.model.continuous
    assert (config.objective.perturbation, config.objective.strength) == ("dropout", 0.3)


def test_a_result_names_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed ends elsewhere on another one."""
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    monkeypatch.setattr(Path, "read_text", lambda path, **_: "processor\t: 0\nmodel name\t: Nice 3000\nmodel name\t: Nice 3000\n")
    assert hardware(torch.device("cpu")).startswith("cpu (Nice 3000, ")
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    assert hardware(torch.device("cpu")).startswith(f"cpu ({platform.machine()}, ")


def test_settings_that_cannot_work_are_refused_before_a_run(phantoms: Path, tmp_path: Path, trained: list[Config]) -> None:
    with pytest.raises(ConfigError, match="adapt_codebook looks"):
        changed(Config(), {"train.adapt_codebook": True, "train.revive_every": 0})
    assert table_command("evolution", small(phantoms, tmp_path), tmp_path / "results", tmp_path / "cells", "--train.snapshots", 0) == 2
    assert trained == []
