"""What a code host reads: issue forms and jobs. Nobody sees a fault in them before a stranger does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from vqseg.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
JOBS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_something_that_must_be_answered(path: Path) -> None:
    form = read(path)
    assert form["name"] and form["description"]
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(part["attributes"]["label"] for part in fields)
    assert len({part["id"] for part in fields}) == len(fields)
    assert any(part.get("validations", {}).get("required") for part in fields)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_names_commands_that_exist(path: Path) -> None:
    assert set(re.findall(r"python -m vqseg ([a-z]\S*)", path.read_text(encoding="utf-8"))) <= set(COMMANDS)


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_job_may_only_read_and_runs_what_the_repository_has(path: Path) -> None:
    work = read(path)
    assert work["permissions"] == {"contents": "read"}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in (step["run"] for job in work["jobs"].values() for step in job["steps"] if "run" in step):
        assert (ROOT / command).is_file() or command.removeprefix("make ") in targets, command


def test_the_jobs_try_every_python_that_the_package_claims() -> None:
    claimed = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert read(ROOT / ".github/workflows/checks.yml")["jobs"]["checks"]["strategy"]["matrix"]["python"] == claimed
