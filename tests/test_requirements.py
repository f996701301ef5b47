"""What an installation asks for: the core and the extras of pyproject.toml, and requirements.txt, are one list."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import vqseg
from tools.sbom import canonical, closure
from vqseg.extras import EXTRAS, how_to_get

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(lines: list[str]) -> dict[str, SpecifierSet]:
    wanted = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    return {canonical(one.name): one.specifier for one in wanted}


CORE = named(PROJECT["dependencies"])
GROUPS = {name: named(lines) for name, lines in PROJECT["optional-dependencies"].items()}
FLAT = named((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_what_a_space_installs_is_the_core_with_its_extras() -> None:
    packaged = {name: one for group in (CORE, GROUPS["formats"], GROUPS["train"], GROUPS["app"]) for name, one in group.items()}
    assert packaged.pop("vqseg") == SpecifierSet()
    assert packaged.keys() == FLAT.keys()
    for name, range_ in packaged.items():
        pinned = [one.version for one in FLAT[name] if one.operator == "=="]
        assert range_.contains(pinned[0]) if pinned else range_ == FLAT[name], name


def test_only_what_a_space_must_have_exactly_is_pinned_there() -> None:
    assert {name for name, range_ in FLAT.items() if any(one.operator == "==" for one in range_)} == {"torch", "gradio"}


def test_the_core_has_neither_the_app_nor_the_training() -> None:
    beside = {name for group in GROUPS.values() for name in group} - {"vqseg"}
    assert {"gradio", "umap-learn", "plotly", "accelerate", "pydicom"} <= beside
    assert not beside & CORE.keys()
    assert not {"gradio", "umap-learn", "plotly"} & closure_of_core().keys()


def closure_of_core() -> dict[str, Any]:
    """The installed packages that the core needs, with all that these need."""
    found = closure(ROOT / "requirements.txt")
    waiting, seen = list(CORE), dict[str, Any]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = found[name]
            asked = [Requirement(line) for line in found[name].requires or []]
            waiting += [canonical(one.name) for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    return seen


def test_every_module_that_an_extra_is_named_for_comes_with_that_extra() -> None:
    of_module = packages_distributions()
    for module, extra in EXTRAS.items():
        if extra in ("foundation", "trackers") and module not in of_module:
            continue
        asked = [name for name in GROUPS[extra] if name != "vqseg"]
        needed = {canonical(Requirement(line).name) for name in asked for line in requires(name) or []} | set(asked)
        assert {canonical(one) for one in of_module[module]} & needed, module


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    assert how_to_get(ModuleNotFoundError(name="umap.umap_")) == "umap is not installed; get it by: pip install 'vqseg[train]'"
    assert how_to_get(ModuleNotFoundError(name="vqseg.nothing")) is None
    assert how_to_get(ModuleNotFoundError()) is None


def test_the_versions_that_are_promised_are_told_and_the_present_one_is_among_them() -> None:
    told = {line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line}
    assert told == {"3.11", "3.12", "3.13", "3.14"}
    assert PROJECT["requires-python"] == ">=3.11"
    assert SpecifierSet(">=3.11").contains(".".join(map(str, sys.version_info[:3])))


GONE = (
    # Left the standard library with 3.12, 3.13 and 3.14.
    *("asynchat", "asyncore", "distutils", "imp", "smtpd", "aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "mailcap"),
    *(
        "msilib",
        "nis",
        "nntplib",
        "ossaudiodev",
        "pipes",
        "sndhdr",
        "spwd",
        "sunau",
        "telnetlib",
        "uu",
        "xdrlib",
        "lib2to3",
        "pkg_resources",
    ),
)


@pytest.mark.parametrize("package", ["vqseg", "app", "tools"])
def test_no_module_is_imported_that_later_pythons_have_lost(package: str) -> None:
    imported = set[str]()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {one.name.split(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    assert "typing" in imported
    assert not imported & set(GONE)


_ALONE = """
import importlib.abc, json, sys
allowed = set(json.loads(sys.argv[1]))

class Guard(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in allowed or top in sys.stdlib_module_names or top.startswith("_"):
            return None
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Guard())
import numpy as np
from vqseg import Segmenter, load_model
from vqseg.cli import main
from vqseg.data.scan import read_scan
from vqseg.types import Scan

voxels = np.random.default_rng(0).random((40, 36, 2), dtype=np.float32)
scan = Scan(voxels, np.eye(4), (1.0, 1.0, 8.0), "array")
segmenter = Segmenter(load_model(sys.argv[2]))
answer = segmenter.open(scan)
assert answer.labels.shape == scan.shape
assert answer.perturb(0, strength=0.5, seed=0).labels.shape == (40, 36)
assert main(["predict", sys.argv[3], "--checkpoint", sys.argv[2], "--output", sys.argv[4]]) == 0
assert main(["train", "--config", "acdc-10"]) == 2
assert "gradio" not in sys.modules and "umap" not in sys.modules
"""


def test_the_core_alone_loads_a_checkpoint_and_segments_and_says_what_the_rest_needs(checkpoint: Path, tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.random.default_rng(0).random((32, 32, 2)), np.diag([1, 1, 8, 1])), tmp_path / "scan.nii.gz")
    core = {canonical(one.metadata["Name"]) for one in closure_of_core().values()}
    allowed = {module for module, owners in packages_distributions().items() if core & {canonical(one) for one in owners}}
    assert {"torch", "numpy", "yaml", "PIL"} <= allowed and not {"gradio", "plotly", "pydicom", "accelerate"} & allowed
    words = [json.dumps(sorted(allowed | {"vqseg"})), str(checkpoint), str(tmp_path / "scan.nii.gz"), str(tmp_path / "labels")]
    answer = subprocess.run(
        [sys.executable, "-c", _ALONE, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "accelerate is not installed; get it by: pip install 'vqseg[train]'" in answer.stderr
    assert (tmp_path / "labels" / "scan.nii.gz").is_file()


def test_the_package_says_the_version_that_it_is_built_as() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert vqseg.__version__.count(".") == 2
    assert version("torch").split("+")[0] in CORE["torch"]
