"""What is pushed to a Space, and the Dockerfile: complete, of the kinds that the Hub takes, and enough to start the app."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tools.lock import locked
from vqseg.cli import main, space

ROOT = Path(__file__).parents[1]
ADDRESS = "https://wheels.example/cpu"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space on CPU hardware. Read only."""
    target = tmp_path_factory.mktemp("space") / "space"
    assert main(["space", "--output", str(target), "--torch-index", ADDRESS, "--hardware", "cpu-basic"]) == 0
    return target


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def is_text(path: Path) -> bool:
    try:
        return "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False


def test_the_folder_has_what_the_app_needs_and_nothing_of_the_workshop(folder: Path) -> None:
    names = files_of(folder)
    assert {"app.py", "README.md", "requirements.txt", ".gitattributes", "LICENSE"} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"app", "vqseg", "configs", "assets", "checkpoints", "docs"} | {name for name in names if "/" not in name}
    for checkpoint in ("acdc-10", "acdc-05", "lidc-10", "scd-10", "acdc-10-scd"):
        assert {f"checkpoints/{checkpoint}/{file}" for file in ("model.safetensors", "config.json", "codebook.npz", "README.md")} <= set(
            names
        )
    for examples in ("assets/examples", "assets/cine"):
        assert {path.name for path in (folder / examples).iterdir()} == {path.name for path in (ROOT / examples).iterdir()}
    assert not any("__pycache__" in name or "log.jsonl" in name or name.startswith("tests") for name in names)


def test_every_file_that_is_no_text_has_a_rule_and_none_is_larger_than_the_hub_takes_without(folder: Path) -> None:
    rules = dict(line.split(" ", 1) for line in (folder / ".gitattributes").read_text(encoding="utf-8").splitlines())
    assert set(rules.values()) == {"filter=lfs diff=lfs merge=lfs -text"}
    for name in files_of(folder):
        ruled = any(fnmatch.fnmatch(name.split("/")[-1], pattern) for pattern in rules)
        assert ruled is not is_text(folder / name), name
        assert (folder / name).stat().st_size < 10e6, name


def test_git_sees_the_rules_in_the_folder_and_none_in_this_repository(folder: Path, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / ".gitattributes").write_bytes((folder / ".gitattributes").read_bytes())
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    asked = ["git", "check-attr", "filter", "checkpoints/acdc-10/model.safetensors", "app.py"]
    told = subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.rsplit(": ", 1)[1] for line in told] == ["lfs", "unspecified"]
    # Here a rule would make pointers of the files that are committed.
    assert "lfs" not in (ROOT / ".gitattributes").read_text(encoding="utf-8")


def test_the_pictures_and_pages_that_the_readme_names_are_there_and_small(folder: Path) -> None:
    named = set(re.findall(r"\]\(((?:docs|assets|checkpoints)/[\w./-]+\.\w+)", (folder / "README.md").read_text(encoding="utf-8")))
    assert len(named) > 10
    for name in named:
        assert (folder / name).is_file(), name
        assert (folder / name).stat().st_size < 1e6, name


def test_the_requirements_are_exact_versions_that_fit_ours_without_hashes(folder: Path) -> None:
    first, *lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert first == f"--extra-index-url {ADDRESS}"
    pinned = [Requirement(line) for line in lines]
    assert all(next(iter(one.specifier)).operator == "==" for one in pinned)
    here = {one.name: one for one in pinned if one.marker is None or one.marker.evaluate({"python_version": "3.11"})}
    known = locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert here.keys() >= known.keys() - {"spaces"} - {name for name, one in known.items() if all(";" in line for line in one)}
    assert here["torch"].specifier.contains("2.13.0+cpu") and "spaces" not in here
    head = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert here["gradio"].specifier.contains(head["sdk_version"]) and head["suggested_hardware"] == "cpu-basic"
    assert (folder / head["app_file"]).is_file()


def test_assembling_again_renews_its_own_files_and_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "_FOLDERS", ("configs",))
    command = ["space", "--output", str(tmp_path / "space"), "--hardware", "zero-a10g"]
    assert main(command) == 0 == main(command)
    assert "suggested_hardware: zero-a10g\n" in (tmp_path / "space" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "space" / "README.md").write_text("mine")
    capsys.readouterr()
    assert main(command) == 2
    assert "README.md was changed since this command wrote it" in capsys.readouterr().err
    assert (tmp_path / "space" / "README.md").read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0


def test_contradictions_and_a_missing_repository_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["space", "--output", str(tmp_path / "x"), "--hardware", "zero-a10g", "--torch-index", ADDRESS]) == 2
    monkeypatch.setattr(space, "_ROOT", tmp_path)
    assert main(["space", "--output", str(tmp_path / "x")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "leave one of the two out" in lines[0] and "checkout of the repository" in lines[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_app_starts_from_the_folder_with_nothing_of_the_repository_and_nobody_to_ask(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    # A proxy where nobody listens stands for a network that is cut.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | nowhere
    environment |= {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path),
        "OMP_NUM_THREADS": "1",
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    command = [sys.executable, "-u", "app.py"]
    program = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert program.stdout is not None
    try:
        # Gradio says where it is reached once it is; a program that ends says no more.
        told = list[str]()
        for line in program.stdout:
            told.append(line)
            if "Running on" in line:
                break
        assert program.poll() is None, "".join(told)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert b"VQ-Seg" in direct.open(f"http://127.0.0.1:{port}/", timeout=60).read()
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=60)
    assert program.returncode == 0


# The Dockerfile


DOCKER = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def steps(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in DOCKER if line.startswith(f"{name} ")]


def test_everything_that_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    copied = [source for line in steps("COPY") for source in line.split()[:-1]]
    assert {"app", "vqseg", "app.py", "requirements.lock", "checkpoints"} <= set(copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    for source in copied:
        assert (ROOT / source).exists() and f"!{source}" in ignored, source


def test_the_image_has_all_that_a_space_has(folder: Path) -> None:
    copied = {source for line in steps("COPY") for source in line.split()[:-1]} | {".gitattributes", "docs", "SECURITY.md"}
    assert {name.split("/")[0] for name in files_of(folder)} <= copied


def test_the_image_runs_without_rights_and_is_asked_for_its_health() -> None:
    kinds = [line.split(" ", 1)[0] for line in DOCKER if re.match(r"[A-Z]+ ", line)]
    assert steps("USER") == ["visitor"] and "RUN" not in kinds[kinds.index("USER") :]
    assert not any("--chown" in line for line in steps("COPY"))
    (health,) = steps("HEALTHCHECK")
    words = json.loads(health.split("CMD", 1)[1])
    compile(words[2], "health", "exec")
    assert words[:2] == ["python", "-c"] and "urlopen" in words[2]
    assert json.loads(steps("CMD")[0]) == ["python", "app.py"]
    assert steps("FROM") == [
        f"python:{yaml.safe_load((ROOT / 'README.md').read_text(encoding='utf-8').split('---')[1])['python_version']}-slim"
    ]
    assert "--require-hashes" in " ".join(steps("RUN"))
