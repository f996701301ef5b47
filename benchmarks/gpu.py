"""Makes the most of a GPU for some minutes: python benchmarks/gpu.py --minutes 12 [--output runs/gpu] [--recipes FILE ...]

For every recipe that begins with random weights (configs/*.recipe.yaml), all at once, as one run does not fill a GPU: takes its last stage,
with the batches of its largest one and as it is served, measures how fast that trains, profiles which share of the time the device is busy,
makes pseudo-labels by the checkpoint of the recipe's name in checkpoints/, weighed by how far its views agree, and trains that checkpoint
on with them for as many steps as fit into the time. The same command again goes on where the last one stopped. Everything lies in the
output folder, a folder for each recipe; results.json has the figures.

Tried without a GPU: python benchmarks/gpu.py --device cpu --budget tiny (a tiny network on phantoms, a few steps).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import torch  # noqa: E402
from throughput import prepared  # noqa: E402
from torch.autograd import DeviceType  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402

from vqseg.config import Config  # noqa: E402
from vqseg.data.phantom import CLASSES, write_phantoms  # noqa: E402
from vqseg.experiments.runs import hardware  # noqa: E402
from vqseg.files import write_whole  # noqa: E402
from vqseg.recipe import Recipe, Stage, load_recipe  # noqa: E402
from vqseg.training.pseudo_labels import write_pseudo_labels  # noqa: E402
from vqseg.training.trainer import Trainer  # noqa: E402

# The share of the time left that is planned for: the last state and the validation take some, too.
_PLANNED = 0.85
# Seconds that a run may take beyond the time to write its last state.
_GRACE = 30


@dataclass(frozen=True)
class Effort:
    """part: steps of one part of the probe; one to warm up, two that are measured, one under the profiler.

    fewest, most: steps of a stage, however little or much time is left.
    """

    part: int
    fewest: int
    most: int


EFFORTS = {"full": Effort(30, 200, 1 << 20), "tiny": Effort(2, 4, 4)}


class WatchedTrainer(Trainer):
    """A trainer whose last steps run under the profiler."""

    watched: tuple[float, Any]
    """Seconds, and the profiler."""

    def run_watched(self, steps: int) -> dict[str, Any]:
        """Train, and say of the last steps which share of the time the device was busy, how many kernels a step has, and the longest."""
        self._first = self.config.train.steps - steps
        self.run()
        seconds, profiler = self.watched
        kind = DeviceType.CUDA if self.device.type == "cuda" else DeviceType.CPU
        events = [event for event in profiler.events() if event.device_type == kind]
        longest = sorted(profiler.key_averages(), key=lambda one: -one.self_device_time_total)[:8] if kind == DeviceType.CUDA else []
        lines = [json.loads(line) for line in self.folder.log.read_text(encoding="utf-8").splitlines()]
        rates = [line for line in lines if "steps_per_second" in line and steps < line["step"] <= self._first]
        return {
            "steps_per_second": round(len(rates) / sum(1 / line["steps_per_second"] for line in rates), 3),
            "busy_share": round(_covered([(one.time_range.start, one.time_range.end) for one in events]) / 1e6 / seconds, 3),
            "kernels_per_step": round(len(events) / steps),
            "longest": [f"{one.key[:80]}: {one.self_device_time_total / 1000 / steps:.2f} ms a step" for one in longest],
            "hardware": hardware(self.device),
            "precision": self.config.train.precision,
            "torch": torch.__version__,
        }

    def _optimise(self) -> Any:
        if self.step == self._first:
            self._wait()
            self._begun = time.perf_counter()
            self._profiler = profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self.device.type == "cuda" else [])])
            self._profiler.__enter__()
        answer = super()._optimise()
        if self.step == self.config.train.steps - 1:
            self._wait()
            self.watched = time.perf_counter() - self._begun, self._profiler
            self._profiler.__exit__(None, None, None)
        return answer

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def _covered(spans: list[tuple[float, float]]) -> float:
    """The length of what some spans cover together."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


def for_a_gpu(recipe: Recipe) -> Config:
    """The last stage of a recipe with batches, learning rate and average of its stage with the largest batches, read as it is served.

    A last stage may have been made for a processor, with small batches, and a network may read neighbours in training alone.
    """
    configs = recipe.configs()
    largest = max(reversed(configs), key=lambda config: config.train.batch_labelled).train
    train = replace(
        configs[-1].train,
        batch_labelled=largest.batch_labelled,
        batch_unlabelled=largest.batch_unlabelled,
        learning_rate=largest.learning_rate,
        ema_decay=largest.ema_decay,
    )
    return replace(configs[-1], preprocess=recipe.served(), train=train)


def tiny(config: Config, data: Path) -> Config:
    """The same stage for a tiny network on phantoms."""
    return replace(
        config,
        model=replace(config.model, classes=CLASSES, widths=(8, 16, 16, 24), codebook_size=64, codebook_dim=16, decoder_width=16),
        preprocess=replace(config.preprocess, image_side=64),
        data=replace(config.data, folder=str(data), labelled="10%", phantom_patients=0, phantom_share=0.0),
        augmentation=replace(config.augmentation, crop=48, ramp_steps=0),
        train=replace(config.train, batch_labelled=2, batch_unlabelled=2, precision="fp32", warmup_steps=1, snapshots=1, log_every=2),
    )


def start_of(config: Config, folder: Path, name: str, *, made: bool) -> Path:
    """The checkpoint that is trained on.

    Args:
        config: Of the stage.
        folder: Of the recipe's results.
        name: Of the recipe.
        made: Train one for a few steps, in place of the one that is shipped.
    """
    if not made:
        return ROOT / "checkpoints" / name
    train = replace(config.train, output=str(folder / "start"), initial=None, steps=3, codebook_start=1, evaluate_every=0)
    data = replace(config.data, pseudo_labels=None)
    done = folder / "start" / "checkpoint"
    return done if done.is_dir() else Trainer(replace(config, data=data, train=train)).run()


def probed(config: Config, effort: Effort) -> dict[str, Any]:
    """How fast a stage trains by the whole method, on phantoms, and how busy the device is."""
    with TemporaryDirectory() as name:
        write_phantoms(Path(name) / "data", 4, 0)
        return WatchedTrainer(prepared(config, Path(name), effort.part, 3 * effort.part)).run_watched(effort.part)


def stage_config(config: Config, stage: Stage, start: Path, folder: Path, steps: int) -> Config:
    """The stage as it is run here.

    Args:
        config: The recipe's last stage.
        stage: The same, with what makes its pseudo-labels.
        start: The checkpoint to go on with.
        folder: Of the recipe's results.
        steps: How many.
    """
    labels = str(folder / "pseudo-labels") if stage.pseudo_labels else None
    often = max(1, steps // 8)
    train = replace(config.train, initial=str(start), output=str(folder / "run"), steps=steps)
    train = replace(train, checkpoint_every=often, evaluate_every=max(1, steps // 2))
    return replace(config, data=replace(config.data, pseudo_labels=labels), train=train)


def work(options: argparse.Namespace) -> None:
    """All that is done for one recipe. What is finished is not done again."""
    recipe, effort = load_recipe(options.one), EFFORTS[options.budget]
    folder, stage, config = options.output / recipe.name, recipe.stages[-1], for_a_gpu(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    if options.budget == "tiny":
        config = tiny(config, options.output / "phantoms")
    probe = _known(folder / "probe.json") or probed(config, effort)
    _note(folder / "probe.json", probe)
    start = start_of(config, folder, recipe.name, made=options.budget == "tiny")
    if made := stage.pseudo_labels:
        write_pseudo_labels(
            str(start), Path(config.data.folder), folder / "pseudo-labels", confidence=made.confidence, open_ends=made.open_ends,
            unlabelled_folders=[Path(one) for one in config.data.unlabelled_folders], weigh=True, device=options.device,
        )  # fmt: skip
    left = _PLANNED * (options.deadline - time.time())
    fitting = int(left * probe["steps_per_second"])
    plan = _known(folder / "plan.json") or {"steps": min(effort.most, max(effort.fewest, fitting))}
    _note(folder / "plan.json", plan)
    trainer = Trainer(stage_config(config, stage, start, folder, plan["steps"]))
    checkpoint = trainer.run(resume=True)
    lines = [json.loads(line) for line in trainer.folder.log.read_text(encoding="utf-8").splitlines()]
    scores = [line["validation"] for line in lines if "validation" in line]
    done = {"checkpoint": str(checkpoint.relative_to(options.output)), "seconds": round(trainer.seconds), "steps": plan["steps"]}
    _note(folder / "done.json", done | {"validation": scores[-1] if scores else {}})


def everything(options: argparse.Namespace) -> int:
    """Work on all recipes at once, each in a process of its own, until the time is over. -> the exit status."""
    options.output.mkdir(parents=True, exist_ok=True)
    if options.budget == "tiny" and not (options.output / "phantoms").is_dir():
        write_phantoms(options.output / "phantoms", 4, 0)
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if options.device == "cpu" else {})
    deadline, running = time.time() + 60 * options.minutes, {}
    for path in options.recipes:
        name = load_recipe(path).name
        if (options.output / name / "done.json").is_file():
            continue
        command = [sys.executable, str(Path(__file__).resolve()), "--one", str(path), "--deadline", str(deadline)]
        command += ["--output", str(options.output), "--device", options.device, "--budget", options.budget]
        with (options.output / f"{name}.txt").open("a", encoding="utf-8") as said:
            running[name] = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
    for process in running.values():
        try:
            process.wait(max(0.0, deadline + _GRACE - time.time()))
        except subprocess.TimeoutExpired:
            # Its last state stays: the next call goes on from there.
            process.terminate()
            process.wait()
    results = {}
    for path in options.recipes:
        folder = options.output / load_recipe(path).name
        results[folder.name] = {part: _known(folder / f"{part}.json") for part in ("probe", "plan", "done")}
    _note(options.output / "results.json", results)
    print(json.dumps(results, indent=2))
    return 0 if all(result["done"] for result in results.values()) else 1


def _known(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _note(file: Path, values: dict[str, Any]) -> None:
    write_whole(file, json.dumps(values, indent=2) + "\n")


def main(words: Sequence[str] | None = None) -> int:
    """Run the script with the given words, or with those of the command line. -> the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--recipes", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "gpu")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--budget", choices=sorted(EFFORTS), default="full", help="tiny tries all steps out on a CPU")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--deadline", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    options.output = options.output.resolve()
    if options.recipes is None:
        options.recipes = [path for path in sorted((ROOT / "configs").glob("*.recipe.yaml")) if load_recipe(path).initial is None]
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU here; try it out with --device cpu --budget tiny")
    if options.one is None:
        return everything(options)
    work(options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
