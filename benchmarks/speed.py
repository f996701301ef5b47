"""How long single parts take on this machine: python benchmarks/speed.py [--checkpoint checkpoints/acdc-10] [--repeats 7]

Prints one JSON object: medians in milliseconds, with machine, threads, seed and date. Times vary on shared machines, so compare only
figures of one run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg import QuantizedPerturbation, Segmenter, VQSeg, load_model  # noqa: E402
from vqseg.config import ModelConfig  # noqa: E402
from vqseg.data.scan import read_scan  # noqa: E402
from vqseg.quantization.search import nearest_codewords  # noqa: E402

SEED = 0


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of a call.

    Args:
        work: Is called once more at first, which is not counted.
        repeats: How many calls are measured.

    Returns:
        Milliseconds.
    """
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 1)


def paper_sized_perturbation(repeats: int) -> float:
    """Milliseconds of the QPM at the size of the published code: 2048 tokens, K = 16384, D = 384, epsilon = 0.7."""
    generator = torch.Generator().manual_seed(SEED)
    codewords = torch.randn(16384, 384, generator=generator) * 0.1
    indices = torch.randint(16384, (2, 32, 32), generator=generator)
    perturbation = QuantizedPerturbation()
    return median_ms(lambda: perturbation(indices, codewords, 0.7, torch.Generator().manual_seed(SEED)), repeats)


def codeword_search(repeats: int) -> float:
    """Milliseconds of the search for the nearest codewords: 8192 tokens, K = 4096, D = 64."""
    generator = torch.Generator().manual_seed(SEED)
    features, codewords = torch.randn(8192, 64, generator=generator), torch.randn(4096, 64, generator=generator)
    return median_ms(lambda: nearest_codewords(features, codewords), repeats)


def training_pass(repeats: int, *, half: bool) -> float:
    """Forward and backward pass of six crops of 128 x 128 pixels through the default network.

    Args:
        repeats: How many passes are measured.
        half: Whether to use bfloat16 autocast.

    Returns:
        Milliseconds.
    """
    torch.manual_seed(SEED)
    model = VQSeg(ModelConfig()).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    images = torch.rand(6, 1, 128, 128).contiguous(memory_format=torch.channels_last)

    def work() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            output = model(images)
        (output.logits.float().square().mean() + output.reconstruction.float().mean() + output.quantizer_loss).backward()

    return median_ms(work, repeats)


def serving(checkpoint: Path, repeats: int) -> dict[str, float]:
    """Serve a bundled example: encode the volume, then perturb one slice with a new seed and with a new strength.

    Args:
        checkpoint: A folder.
        repeats: How many calls are measured.

    Returns:
        Milliseconds by name.
    """
    segmenter = Segmenter(load_model(checkpoint))
    scan = read_scan(ROOT / "assets" / "examples" / "phantom_dilated-left-ventricle.nii.gz")
    opened = segmenter.open(scan)
    seeds = iter(range(1, 10_000))
    strengths = iter(index % 100 / 100 for index in range(1, 10_000))
    return {
        "open_volume_ms": median_ms(lambda: segmenter.open(scan), max(1, repeats // 2)),
        "perturb_new_seed_ms": median_ms(lambda: opened.perturb(4, 0.7, seed=next(seeds)), repeats),
        "perturb_dragged_strength_ms": median_ms(lambda: opened.perturb(4, next(strengths)), repeats),
        "perturb_shuffle_ms": median_ms(lambda: opened.perturb(4, next(strengths), "shuffle"), repeats),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "acdc-10")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    figures = {
        "qpm_2048_tokens_k16384_d384_ms": paper_sized_perturbation(options.repeats),
        "nearest_8192_tokens_k4096_d64_ms": codeword_search(options.repeats),
        "training_pass_fp32_ms": training_pass(options.repeats, half=False),
        "training_pass_bf16_ms": training_pass(options.repeats, half=True),
        **serving(options.checkpoint, options.repeats),
    }
    machine = {"processor": platform.processor() or platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps({"date": datetime.date.today().isoformat(), "seed": SEED, **machine, **figures}, indent=2))


if __name__ == "__main__":
    main()
