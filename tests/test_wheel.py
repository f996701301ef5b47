"""The package as others install it: built, unpacked somewhere else, and run where no repository is near."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def copy_of_sources(target: Path) -> Path:
    """What a wheel is built from. What earlier builds have left in the repository does not come along."""
    for name in ("vqseg", "configs"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)
    return target


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and its command."""
    sources, wheels, target = (tmp_path_factory.mktemp(name) for name in ("sources", "wheels", "installed"))
    copy_of_sources(sources)
    # Neither step asks an index: setuptools is here, and so is what the package needs.
    pytest.importorskip("setuptools", reason="setuptools is not installed")
    built = subprocess.run(
        [*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels), str(sources)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*_PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True, timeout=200)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs Python in an empty folder, with the installed package and without the repository."""
    home = tmp_path / "home"
    environment = os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1", "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    (tmp_path / "elsewhere").mkdir()

    def python(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    return python


def test_the_command_says_its_version_and_its_help(run: Run, installed: Path) -> None:
    told = run(installed / "bin" / "vqseg", "--version")
    assert (told.returncode, told.stdout.split()[0]) == (0, "vqseg")
    helped = run("-m", "vqseg", "--help")
    assert helped.returncode == 0 and helped.stdout.startswith("usage: python -m vqseg COMMAND")
    where = run("-c", "import vqseg; print(vqseg.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed)


def test_types_styles_and_configurations_come_along_and_nothing_else_of_the_repository(installed: Path) -> None:
    package = installed / "vqseg"
    assert (package / "py.typed").is_file() and (package / "codebook" / "report" / "report.css").is_file()
    shipped = {path.relative_to(ROOT / "configs") for path in (ROOT / "configs").rglob("*.yaml")}
    assert {path.relative_to(package / "configs") for path in (package / "configs").rglob("*.yaml")} == shipped
    assert {path.name for path in installed.iterdir() if path.name != "bin" and not path.name.endswith(".dist-info")} == {"vqseg"}
    modules = {path.relative_to(ROOT) for path in (ROOT / "vqseg").rglob("*.py")}
    assert {path.relative_to(installed) for path in package.rglob("*.py")} == modules


def test_a_shipped_configuration_is_found_by_its_name(run: Run) -> None:
    found = run("-c", "from vqseg.config import load_config; print(load_config('acdc-10').train.output)")
    assert found.stdout.strip() == "runs/acdc-10", found.stderr


def test_predict_works_where_no_repository_is(run: Run, checkpoint: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 36), dtype=np.uint8)).save(tmp_path / "one.png")
    answer = run("-m", "vqseg", "predict", tmp_path / "one.png", "--checkpoint", checkpoint, "--output", "labels")
    assert answer.returncode == 0, answer.stderr
    assert Image.open(tmp_path / "elsewhere" / "labels" / "one.png").size == (36, 40)


def test_a_checkpoint_that_did_not_come_along_is_asked_for_in_one_sentence(run: Run) -> None:
    answer = run("-m", "vqseg", "predict", "one.png", "--checkpoint", "acdc-10", "--output", "labels")
    assert answer.returncode == 2
    (line,) = answer.stderr.strip().splitlines()
    assert line.startswith("error: there is no checkpoint folder 'acdc-10'") and "owner/acdc-10" in line and "VQSEG_CHECKPOINTS" in line
