"""Training speed of a configuration, in steps and images per second. It trains on phantoms, so no data set is needed.

python benchmarks/throughput.py --config configs/acdc-10.yaml [--steps 40] [--warmup 10] [--train.precision bf16 ...]
accelerate launch --config_file configs/accelerate/four-gpus.yaml benchmarks/throughput.py --config configs/acdc-10.yaml
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vqseg.config import Config, load_config
from vqseg.data.phantom import write_phantoms
from vqseg.experiments.runs import hardware
from vqseg.training.trainer import Trainer


def prepared(config: Config, folder: Path, warmup: int, steps: int) -> Config:
    """Change a configuration so that the measured steps run the whole method: the codebook is placed and the unlabelled branch is on.

    Pseudo-labels that were made before are not used: the teacher answers, as in the method.

    Args:
        config: The configuration.
        folder: Holds the phantoms and the run.
        warmup: Steps that are not measured. The log has a line every `warmup` steps.
        steps: Measured steps, rounded up to a multiple of `warmup`.

    Returns:
        The changed configuration.
    """
    total = warmup * (1 + -(-steps // warmup))
    return replace(
        config,
        model=replace(config.model, classes=("background", "RV", "MYO", "LV")),
        data=replace(config.data, folder=str(folder / "data"), labelled="50%", phantom_patients=0, pseudo_labels=None),
        objective=replace(config.objective, unlabelled_start=0, unlabelled_ramp=1),
        train=replace(
            config.train,
            output=str(folder / "run"),
            initial=None,
            steps=total,
            codebook_start=min(config.train.codebook_start, 2),
            revive_every=0,
            log_every=warmup,
            checkpoint_every=total,
            evaluate_every=0,
            snapshots=0,
        ),
    )


def measure(config: Config, *, warmup: int, steps: int) -> dict[str, object] | None:
    """Train on phantoms and measure.

    Args:
        config: The configuration.
        warmup: Steps that are not measured.
        steps: Measured steps.

    Returns:
        The figures; None in all processes except the main one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantoms(folder / "data", 4, 0)
        trainer = Trainer(prepared(config, folder, warmup, steps))
        trainer.run()
        if not trainer.main:
            return None
        lines = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    rates = [line for line in lines if "steps_per_second" in line][1:]
    seconds = sum(1 / line["steps_per_second"] for line in rates) / len(rates)
    return {
        "steps_per_second": round(1 / seconds, 3),
        "images_per_second": round(rates[-1]["images_per_second"] / rates[-1]["steps_per_second"] / seconds, 1),
        "processes": trainer.accelerator.num_processes,
        **({"device_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1)} if trainer.device.type == "cuda" else {}),
        "hardware": hardware(trainer.device),
        "precision": config.train.precision,
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=40, help="measured steps")
    parser.add_argument("--warmup", type=int, default=10, help="steps before them; the codebook is placed in the third")
    known, settings = parser.parse_known_args()
    if min(known.steps, known.warmup) < 1:
        parser.error("--steps and --warmup must be at least 1")
    config = tyro.cli(Config, default=load_config(known.config), args=settings)
    figures = measure(config, warmup=known.warmup, steps=known.steps)
    if figures:
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
