"""Trained here, read there: what is compared, and what the page says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.checkpoint import save_model
from vqseg.cli import main
from vqseg.evaluation import evaluate_split
from vqseg.experiments.domains import group_of


@pytest.mark.parametrize(("case", "group"), [("schfi05_es", "schfi"), ("scn40_ed", "scn"), ("patient099_frame01", "patient"), ("7_a", "")])
def test_patients_whose_names_differ_in_their_numbers_are_a_group(case: str, group: str) -> None:
    assert group_of(case) == group


def test_a_table_holds_what_evaluation_gives_and_a_dash_where_nothing_is_known(phantoms: Path, tmp_path: Path) -> None:
    heart = tiny_model(image_side=32)
    save_model(heart, tmp_path / "heart")
    nodule = tiny_model(image_side=32, classes=("background", "nodule"))
    save_model(nodule, tmp_path / "nodule")
    output = tmp_path / "tables"
    command = ["table", "domains", "--checkpoint", str(tmp_path / "heart"), str(tmp_path / "nodule"), "--data", str(phantoms)]
    assert main([*command, "--phantoms", "1", "--phantom-seed", "3", "--output", str(output)]) == 0
    table = json.loads((output / "domains.json").read_text())
    first, second = table["checkpoints"]
    assert [reading["data"] for reading in first["readings"]] == [phantoms.name, "phantoms"]
    measured = evaluate_split(heart, phantoms, "val")
    for name, found in first["readings"][0]["structures"].items():
        scores = {case: rows[name]["dice"] for case, rows in measured["per_case"].items()}
        assert found["mean"] == pytest.approx(np.mean([*scores.values()]))
        assert (found["worst"], found["worst_case"]) == (min(scores.values()), min(scores, key=lambda case: scores[case]))
        assert list(found["groups"]) == sorted({group_of(case) for case in scores})
    assert first["readings"][1]["cases"] == 2
    assert [reading["structures"] for reading in second["readings"]] == [{}, {}]
    page = (output / "domains.md").read_text()
    assert "| heart, LV |" in page
    assert "--phantom-seed 3" in page


def test_a_table_of_nothing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "domains", "--checkpoint", str(tmp_path), "--phantoms", "0"]) == 2
    assert "no data set to read" in capsys.readouterr().err
