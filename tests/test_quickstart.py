"""docs/quickstart.ipynb runs from top to bottom, in a process of its own, with as many steps as a test has time for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

ROOT = Path(__file__).parents[1]
BOOK: dict[str, Any] = json.loads((ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in BOOK["cells"] if cell["cell_type"] == "code"]

# As a notebook would: one namespace, a cell after the other, and its number in a traceback.
_RUNNER = """
import json, sys
space = {"__name__": "__main__"}
for number, cell in enumerate(json.loads(sys.stdin.read()), 1):
    exec(compile(cell, f"cell {number}", "exec"), space)
curves = {name: [float(one) for one in curve] for name, curve in space["curves"].items()}
print(json.dumps({"curves": curves, "checkpoint": str(space["checkpoint"]), "labels": list(space["opened"].labels.shape)}))
"""


def test_the_notebook_is_well_formed_and_brings_no_results_along() -> None:
    assert (BOOK["nbformat"], BOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in BOOK["cells"]}) == len(BOOK["cells"]) > 10
    for cell in BOOK["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "QUICKSTART_STEPS": "6",
        "QUICKSTART_FOLDER": "quickstart",
    }
    answer = subprocess.run(
        [sys.executable, "-c", _RUNNER],
        input=json.dumps(CODE),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout.splitlines()[-1])
    assert (tmp_path / told["checkpoint"] / "model.safetensors").is_file()
    assert set(told["curves"]) == {"near", "far"} and all(len(curve) == 6 and curve[0] == 1 for curve in told["curves"].values())
    picture = matplotlib.image.imread(tmp_path / "quickstart" / "curves.png")
    assert picture.shape[:2] == (350, 500) and picture[..., :3].min() < 0.5


@pytest.mark.parametrize("name", ["training.md", "elsewhere.md"])
def test_the_pages_that_it_sends_readers_to_are_there(name: str) -> None:
    assert any(f"]({name})" in "".join(cell["source"]) for cell in BOOK["cells"]) and (ROOT / "docs" / name).is_file()
