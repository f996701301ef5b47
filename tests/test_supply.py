"""What the software is made of, under which licences, and what is known of its flaws: tools/."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from importlib.metadata import PathDistribution, distribution, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tools import audit
from tools.licences import is_allowed, stated
from tools.lock import is_gpu_part
from tools.sbom import SbomError, canonical, closure, licence_of, main, refused_licences, sbom

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return sbom()


def required(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in bill["components"] if part["scope"] == "required"}


def test_the_bill_names_everything_that_is_needed_to_run_with_version_and_licence(bill: dict[str, Any]) -> None:
    parts = required(bill)
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    waiting = [Requirement(line) for line in lines if line]
    assert len(waiting) > 15
    for wanted in waiting:
        assert wanted.specifier.contains(parts[canonical(wanted.name)]["version"], prereleases=True)
    for name, part in parts.items():
        assert licence_of(part), name
        if part["purl"].startswith("pkg:pypi/"):
            assert part["version"] == version(name)
            # What a part needs is a part, too.
            for line in distribution(name).requires or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                    assert canonical(needed.name) in parts or is_gpu_part(canonical(needed.name)), f"{name} needs {needed.name}"


def test_what_is_passed_on_is_told_from_what_only_checks_use(bill: dict[str, Any]) -> None:
    parts = required(bill)
    others = {part["name"] for part in bill["components"] if part["scope"] == "excluded"}
    assert {"torch", "gradio", "@niivue/niivue", "plotly.js"} <= parts.keys()
    assert {"pytest", "hypothesis", "eslint", "typescript"} <= others
    assert not others & parts.keys()
    for name, folder in (("@niivue/niivue", "niivue"), ("plotly.js", "plotly")):
        files = {sha256(path.read_bytes()).hexdigest() for path in (ROOT / "app" / "vendor" / folder).glob("*.js")}
        assert {one["content"] for one in parts[name]["hashes"]} == files
    assert len({part["bom-ref"] for part in bill["components"]}) == len(bill["components"])


def test_every_licence_that_is_passed_on_is_allowed(bill: dict[str, Any]) -> None:
    assert refused_licences(bill) == []


def test_what_only_a_build_of_torch_for_gpus_needs_is_listed_with_its_licence_and_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: nvidia_blas\nVersion: 13.1\nLicense-Expression: LicenseRef-Proprietary\n"
    )
    monkeypatch.setattr("tools.sbom.closure", lambda *_, **__: {"nvidia-blas": PathDistribution(tmp_path)})
    made = sbom()
    (part,) = (one for one in made["components"] if one["name"] == "nvidia-blas")
    assert part["scope"] == "optional" and licence_of(part) == "LicenseRef-Proprietary"
    assert refused_licences(made) == []


def test_what_is_needed_to_run_and_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("numpy>=2\n")
    (tmp_path / "some.txt").write_text("-r more.txt\nno-such-package-of-ours>=1  # for nothing\n")
    with pytest.raises(SbomError, match="no-such-package-of-ours>=1 is not installed"):
        closure(tmp_path / "some.txt")
    assert set(closure(tmp_path / "some.txt", complete=False)) == {"numpy"}


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "", "MIT AND GPL-3.0-only"])
def test_a_part_with_another_licence_fails_by_name(
    bill: dict[str, Any], licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    licences = [{"expression": licence}] if licence else []
    stranger = {"name": "stranger", "version": "1", "scope": "required", "licenses": licences}
    monkeypatch.setattr("tools.sbom.sbom", lambda: {"components": [stranger, {**stranger, "name": "tester", "scope": "excluded"}]})
    assert main(["--output", str(tmp_path / "deep" / "sbom.json")]) == 1
    told = capsys.readouterr().err
    assert "stranger 1" in told and "tester" not in told


def test_the_bill_is_written_as_json_and_twice_the_same(bill: dict[str, Any], tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    assert [main(["--output", str(file)]) for file in files] == [0, 0]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert json.loads(files[0].read_text())["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND (GPL-2.0-only OR LGPL-3.0-only)", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("AGPL-3.0-only", False),
        ("", False),
    ],
)
def test_an_expression_is_allowed_if_one_of_its_alternatives_is(licence: str, allowed: bool) -> None:
    assert is_allowed(licence) is allowed


@pytest.mark.parametrize(
    ("expression", "field", "classifiers", "expected"),
    [
        ("MIT", "BSD", [], "MIT"),
        (None, "Apache", [], "Apache-2.0"),
        (None, "Copyright\nall of its text", ["License :: OSI Approved :: BSD License"], "BSD License"),
        (None, None, ["License :: OSI Approved"], ""),
        (None, None, ["License :: OSI Approved :: MIT License", "Topic :: Software"], "MIT"),
    ],
)
def test_a_licence_is_read_wherever_a_package_states_it(
    expression: str | None, field: str | None, classifiers: list[str], expected: str
) -> None:
    assert stated(expression, field, classifiers) == expected


def answering(text: str, *, error: str = "", status: int = 0) -> list[str]:
    """A command that answers in place of pip-audit."""
    return [sys.executable, "-c", f"import sys; print({text!r}); print({error!r}, file=sys.stderr); sys.exit({status})"]


FLAW = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
SKIPPED = {"name": "torch", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "status", "told"),
    [
        ([{"name": "one", "version": "1.0", "vulns": [FLAW]}, SKIPPED], 1, "one 1.0: PYSEC-1, mended in 2.0"),
        ([{"name": "one", "version": "1.0", "vulns": [{**FLAW, "fix_versions": []}]}], 1, "no version yet"),
        ([{"name": "one", "version": "1.0", "vulns": []}, SKIPPED], 0, "1 packages without known vulnerabilities; it does not know torch"),
        ([SKIPPED, SKIPPED], 0, "NOTHING WAS AUDITED"),
    ],
)
def test_the_audit_fails_on_findings_and_says_when_nothing_was_audited(
    dependencies: list[dict[str, Any]], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(answering(json.dumps({"dependencies": dependencies}), status=status)) == status
    output = capsys.readouterr()
    assert told in output.out + output.err


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [("ConnectionError: Max retries exceeded", 0, "NOTHING WAS AUDITED"), ("No module named pip_audit", 2, "does not work")],
)
def test_only_an_index_that_cannot_be_reached_excuses_an_audit(
    error: str, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(answering("", error=error, status=1)) == status
    assert told in capsys.readouterr().err
