"""requirements.lock and `make newest`: exact versions for those who want the same as a Space, and the newest for those who look ahead."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from tools import lock, newest
from tools.sbom import canonical, closure

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = lock.locked(TEXT)


def version_here(name: str) -> str:
    """The locked version for this Python and system."""
    for line in LOCKED[name]:
        pinned, _, condition = line.partition(";")
        if not condition or Marker(condition.strip()).evaluate():
            return pinned.split("==")[1].strip()
    raise AssertionError(f"{name} is locked for other systems only")


def test_the_lock_has_a_version_for_every_requirement_and_for_what_a_space_adds() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    wanted = [Requirement(line) for line in (*lines, *lock.wanted()[1:])]
    assert len(wanted) > 20
    for one in wanted:
        if one.name != "torch":
            assert one.specifier.contains(version_here(canonical(one.name))), one


def test_nothing_that_the_requirements_need_is_missing() -> None:
    needed = {name for name in closure(ROOT / "requirements.txt") if name != "torch" and not lock.is_gpu_part(name)}
    assert len(needed) > 60
    assert needed <= LOCKED.keys()


def test_every_version_has_hashes_and_no_line_says_where_it_was_looked_up() -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", TEXT, flags=re.MULTILINE)[1:]
    assert len(blocks) == sum(map(len, LOCKED.values())) > 100
    for block in blocks:
        first, *hashes = block.rstrip().split(" \\\n")
        assert hashes and all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes), first
    assert "://" not in TEXT and "--index" not in TEXT and "--find" not in TEXT
    assert not {name for name in LOCKED if re.match(r"torch$|triton$|nvidia-|cuda-", name)}


def test_torch_and_its_own_packages_are_taken_out_of_a_lock_with_their_hashes() -> None:
    torch = "torch==2 ; x \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\nnvidia-nccl-cu13==4 \\\n    --hash=sha256:5\n"
    text = f"a==1 \\\n    --hash=sha256:1\n{torch}b==6\n"
    assert lock.without_torch(text) == "a==1 \\\n    --hash=sha256:1\nb==6\n"
    assert lock.locked(text)["torch"] == ["torch==2 ; x"]


def test_a_lock_that_cannot_be_made_says_why_and_leaves_the_old_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    program = tmp_path / "uv"
    program.write_text(f"#!{sys.executable}\nimport sys; sys.exit('no solution')\n")
    program.chmod(0o755)
    assert lock.main(["--uv", str(program)]) == 1
    assert "no solution" in capsys.readouterr().err
    assert (ROOT / "requirements.lock").read_text(encoding="utf-8") == TEXT


def test_the_newest_versions_have_lower_bounds_alone_and_torch_stays(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("# why\ntorch==2.13.0\ngradio==6.31.0\n")
    (tmp_path / "some.txt").write_text("-r more.txt\nnumpy>=2.4,<3  # for arrays\nruff~=0.17\n")
    assert list(newest.unbounded(tmp_path / "some.txt")) == ["torch==2.13.0", "gradio", "numpy>=2.4", "ruff"]
    assert "pytest>=9.2" in list(newest.unbounded(ROOT / "requirements-dev.txt"))


def commands(*arguments: str) -> str:
    """What make would do, whatever the make that runs the tests was told."""
    around = {name: value for name, value in os.environ.items() if name not in ("LOCKED", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    answer = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, env=around, capture_output=True, text=True, check=True)
    return answer.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("goal", ["app", "test"])
def test_locked_commands_install_the_lock_with_hashes_before_anything_else(goal: str, tmp_path: Path) -> None:
    asked = commands("LOCKED=1", f"VENV={tmp_path / 'new'}", goal)
    installs = [line for line in asked.splitlines() if " pip install " in line]
    assert "torch==" in installs[0] and "--require-hashes -r requirements.lock" in installs[1]
    assert "requirements.lock" not in commands(f"VENV={tmp_path / 'new'}", goal)
