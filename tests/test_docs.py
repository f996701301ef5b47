"""docs/training.md holds: its commands, settings and YAML exist, and its ten lines train on data laid out as they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import statistics
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from vqseg.checkpoint import load_model
from vqseg.cli import main
from vqseg.config import Config, from_mapping
from vqseg.experiments.methods import METHODS
from vqseg.experiments.tables import TABLES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def settings_of(config: Config) -> set[str]:
    rooms = {room.name: getattr(config, room.name) for room in fields(config)}
    return {f"{name}.{field.name}" for name, room in rooms.items() if is_dataclass(room) for field in fields(room)}


def test_every_setting_that_is_named_exists() -> None:
    known = settings_of(Config())
    rooms = "model|preprocess|data|augmentation|objective|train"
    named = {name.replace("-", "_") for name in re.findall(rf"(?:--|`)((?:{rooms})\.[a-z_-]+)", TEXT)}
    assert len(named) > 15
    # A switch is turned off by "no-" before its name.
    off = {name.replace(".no_", ".", 1) for name in named if ".no_" in name}
    assert not ({name for name in named if ".no_" not in name} | off) - known - {"model.safetensors"}


def test_every_yaml_block_is_a_configuration() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        from_mapping(Config, yaml.safe_load(block))


def test_every_method_table_and_file_that_exists_is_named_and_the_other_way_round() -> None:
    for name in (*METHODS, *TABLES):
        assert name in TEXT, name
    for file in re.findall(r"(?:configs|benchmarks|tests)/[\w./-]+\.(?:yaml|py)", TEXT):
        assert (ROOT / file).is_file(), file


def test_the_ten_lines_train_on_data_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = re.search(r"```bash\n(mkdir.*?)```", TEXT, re.DOTALL)
    assert block is not None
    lines = block.group(1).replace("\\\n", " ").splitlines()
    monkeypatch.chdir(tmp_path)
    written = {line.split(" > ")[1]: shlex.split(line)[1] for line in lines if line.startswith("echo")}
    for name in ("images", "labels"):
        (tmp_path / "mine" / name).mkdir(parents=True)
    for file, content in written.items():
        Path(file).write_text(content)
    rng = np.random.default_rng(0)
    for patient in range(1, 5):
        label = np.zeros((48, 48), np.uint8)
        label[12:30, 10 + patient : 30] = 1
        Image.fromarray((label * 120 + rng.integers(0, 60, label.shape)).astype(np.uint8)).save(f"mine/images/p{patient:02d}_a.png")
        Image.fromarray(label).save(f"mine/labels/p{patient:02d}_a.png")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    quick = ["--train.steps", "3", "--augmentation.crop", "32", "--model.codebook-size", "32", "--train.evaluate-every", "0"]
    commands = [shlex.split(line)[3:] for line in lines if line.startswith("python -m vqseg")]
    assert [command[0] for command in commands] == ["train", "evaluate", "codebook", "predict"]
    assert main([*commands[0], *quick, "--train.batch-labelled", "1", "--train.batch-unlabelled", "1"]) == 0
    # The lesions of a patient need not be in one piece.
    assert not load_model(tmp_path / "runs" / "mine" / "checkpoint").preprocess.largest_region
    assert main(commands[1]) == 0
    (tmp_path / "new_scans").symlink_to(tmp_path / "mine" / "images")
    assert main(commands[3]) == 0
    assert len(list((tmp_path / "segmented").glob("*.png"))) == 4


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "benchmarks").glob("*.py")))
def test_a_benchmark_starts_from_anywhere_without_an_installation(script: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / script), "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    assert f"benchmarks/{script}" in answer.stdout


PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: str) -> None:
    # Bars in code, and those behind a backslash, part no cells.
    lines = re.sub(r"`[^`\n]*`|\\\|", "", (ROOT / page).read_text(encoding="utf-8")).splitlines()
    bars = [line.count("|") if line.startswith("|") else 0 for line in lines]
    assert not [line for line, own, above in zip(lines, bars, [0, *bars], strict=False) if own and above and own != above]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_code_that_a_page_names_is_there(page: str) -> None:
    named = set(re.findall(r"`((?:vqseg|app|tests|configs|assets|benchmarks)/[\w./-]+)`", (ROOT / page).read_text(encoding="utf-8")))
    # In capitals stands what the reader names.
    assert {name for name in named if not (ROOT / name).exists() and not re.search(r"[A-Z]{3}", name)} == set()


@pytest.mark.parametrize("package", ["vqseg", "app", "tools"])
def test_every_module_has_its_place_in_the_description_of_the_rooms(package: str) -> None:
    rooms = set(re.findall(r"\w+", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")))
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py") if "__" not in path.name}
    assert len(modules) > 2
    assert {module for module in modules if Path(module).stem not in rooms} == set()


def test_the_medians_of_the_labelled_branch_are_those_of_its_results() -> None:
    folder = ROOT / "docs" / "results"
    rows = json.loads((folder / "fig1.json").read_text(encoding="utf-8"))["rows"]
    medians = {row["row"]: statistics.median(result["mean"]["dice"] for result in row["results"]) for row in rows}
    told = re.findall(
        r"^\| (QPM, .+?|dropout.*?) \|((?: \.\d{3} \|){5})$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(told) == 7
    for kind, cells in told:
        series = kind.replace(" of 4096 codewords", " codeword")
        expected = [f"{medians[f'{series} {strength}']:.3f}".removeprefix("0") for strength in (0.1, 0.3, 0.5, 0.7, 0.9)]
        assert cells.replace("|", "").split() == expected, kind
