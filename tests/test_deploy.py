"""The files in deploy/ start what is there: valid for their readers, with commands and options that exist and shares that cover all."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tyro
import yaml

from vqseg.cli.predict import Predict
from vqseg.cli.share import share_of_run
from vqseg.types import Share

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(DEPLOY.glob("*.slurm"))
JOB = DEPLOY / "predict.kubernetes.yaml"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def written_by(command: list[str], tmp_path: Path, **environment: str) -> list[list[str]]:
    """What a shell's command hands to python, accelerate and srun, which only write it down and do as srun does."""
    (tools := tmp_path / "bin").mkdir(exist_ok=True)
    log = tmp_path / "log"
    for name in ("python", "accelerate"):
        (tools / name).write_text(
            f'#!/bin/bash\nfor word in {name} "$@"; do printf "%s\\0" "$word"; done >> "{log}"\nprintf "\\n" >> "{log}"\n'
        )
    (tools / "python").write_text((tools / "python").read_text() + "exit 1\n")
    (tools / "srun").write_text('#!/bin/bash\nwhile [[ "$1" == --* ]]; do shift; done\nexec "$@"\n')
    (tools / "scontrol").write_text("#!/bin/bash\necho node1\necho node2\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    answer = subprocess.run(
        command, env={"PATH": f"{tools}:{os.environ['PATH']}"} | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return [line.split("\0")[:-1] for line in log.read_text().splitlines()]


def options_of(words: list[str]) -> Predict:
    """The options of a command as it is typed. A word that is no option ends the test."""
    at = words.index("-m")
    assert words[at : at + 3] == ["-m", "vqseg", "predict"]
    return tyro.cli(Predict, args=words[at + 3 :])


def test_every_file_is_named_in_the_page_about_scale() -> None:
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert [path.name for path in DEPLOY.iterdir() if f"deploy/{path.name}" not in text] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound_and_ask_for_their_three_words(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True, timeout=60, check=False).stderr == b""
    answer = subprocess.run(["bash", str(script), "scans"], capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2 and "SCANS CHECKPOINT OUTPUT" in answer.stderr
    asked = re.findall(r"^#SBATCH --([\w-]+)=?(\S*)$", script.read_text(), re.MULTILINE)
    assert {"time", "requeue"} <= {name for name, _ in asked}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_every_task_of_the_slurm_script_has_a_share_of_its_own(tmp_path: Path) -> None:
    scans = tmp_path / "my scans"
    shares = []
    for rank in range(3):
        # python says there that scans were skipped: the task ends well all the same.
        command = ["bash", str(DEPLOY / "predict.slurm"), str(scans), "checkpoint", "labels"]
        words = written_by(command, tmp_path, SLURM_PROCID=str(rank), SLURM_NTASKS="3", SLURM_CPUS_PER_TASK="1")[-1]
        options = options_of(words)
        assert options.inputs == (scans,) and options.resume and options.output == Path("labels")
        shares.append(share_of_run(options.share, {}))
    assert shares == [Share(index, 3) for index in range(3)]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_for_gpus_starts_a_process_for_each_of_them(tmp_path: Path) -> None:
    slurm = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_NNODES": "2", "SLURM_NODEID": "1"}
    words = written_by(["bash", str(DEPLOY / "predict-gpus.slurm"), "scans", "checkpoint", "labels"], tmp_path, **slurm)[-1]
    options = options_of(words)
    assert options.device == "cuda" and options.resume and options.share is None
    launch = words[: words.index("-m")]
    named = dict(pairwise(launch))
    assert launch[:2] == ["accelerate", "launch"] and (named["--num_processes"], named["--machine_rank"]) == ("8", "1")
    assert named["--main_process_ip"] == "node1"
    gpus = re.search(r"--gpus-per-node=(\d+)", (DEPLOY / "predict-gpus.slurm").read_text())
    assert gpus is not None and int(named["--num_processes"]) == 2 * int(gpus[1])
    from accelerate.commands.launch import launch_command_parser

    read = launch_command_parser().parse_args(words[2:])
    assert (read.module, read.training_script, read.num_machines) == (True, "vqseg", 2)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_every_pod_of_the_job_has_a_share_of_its_own(tmp_path: Path) -> None:
    (job,) = documents(JOB)
    spec = job["spec"]
    assert (job["kind"], spec["completionMode"]) == ("Job", "Indexed") and spec["parallelism"] <= spec["completions"]
    (pod,) = spec["template"]["spec"]["containers"]
    environment = {one["name"]: one["value"] for one in pod["env"]}
    assert all(isinstance(value, str) for value in environment.values())
    assert environment["SHARES"] == str(spec["completions"])
    for index in (0, spec["completions"] - 1):
        words = written_by([*pod["command"], *pod["args"]], tmp_path, JOB_COMPLETION_INDEX=str(index), **environment)[-1]
        options = options_of(words)
        assert share_of_run(options.share, {}) == Share(index, spec["completions"]) and options.resume
        mounted = pod["volumeMounts"][0]["mountPath"]
        assert all(str(path).startswith(mounted) for path in (*options.inputs, options.output, Path(options.checkpoint)))
    assert {one["name"] for one in pod["volumeMounts"]} == {one["name"] for one in spec["template"]["spec"]["volumes"]}


def test_the_app_runs_in_replicas_that_a_visit_comes_back_to() -> None:
    found = {one["kind"]: one for one in documents(DEPLOY / "app.kubernetes.yaml")}
    deployment, service, ingress = found["Deployment"], found["Service"], found["Ingress"]
    template = deployment["spec"]["template"]
    assert deployment["spec"]["replicas"] > 1
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"] == service["spec"]["selector"]
    (rule,) = ingress["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == service["metadata"]["name"]
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert all(isinstance(value, str) for value in ingress["metadata"]["annotations"].values())
    (pod,) = template["spec"]["containers"]
    environment = {one["name"]: one["value"] for one in pod["env"]}
    assert environment["VQSEG_ALLOWED_HOSTS"] == rule["host"]
    # Every setting is one that the app, or Gradio for it, reads.
    known = (ROOT / "app.py").read_text() + (ROOT / "docs" / "serving.md").read_text()
    assert [name for name in environment if name not in known] == []
    (ROOT / shlex.join(pod["command"][1:])).stat()
