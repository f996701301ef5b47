"""Dice of a checkpoint on the bundled examples: python benchmarks/examples.py [--checkpoint checkpoints/acdc-10]

Prints a Markdown table of those that it can read. A structure that the ground truth does not tell of has no figure; the ground truth of one
structure counts on the slices where it has it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.scan.truth import named_truth  # noqa: E402
from app.visit.manifest import Example, read_manifest  # noqa: E402
from vqseg import Segmenter, load_model  # noqa: E402
from vqseg.data.scan import read_scan  # noqa: E402
from vqseg.metrics import dice  # noqa: E402
from vqseg.types import UNSURE  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "acdc-10")
    segmenter = Segmenter(load_model(parser.parse_args().checkpoint))
    names = segmenter.classes[1:]
    print("| example | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for example in read_manifest(ROOT / "assets" / "examples"):
        if example.readable_by(segmenter.classes):
            scores = dice_of(segmenter, example)
            print(f"| {example.title} | " + " | ".join("" if score is None else f"{score:.3f}" for score in scores) + " |")


def dice_of(segmenter: Segmenter, example: Example) -> list[float | None]:
    """Dice of every structure over a whole example.

    Args:
        segmenter: A checkpoint that can read it.
        example: One with a ground truth of named classes.

    Returns:
        One score per structure, None for one that the ground truth does not tell of.
    """
    scan = read_scan(example.path)
    truth = named_truth(read_scan(example.truth), scan, example.classes or segmenter.classes, segmenter.classes)
    labels, known = segmenter.open(scan).labels, truth.labels != UNSURE
    found = [(labels[known] == label, truth.labels[known] == label) for label in range(1, len(segmenter.classes))]
    return [dice(*one) if label in truth.judged else None for label, one in enumerate(found, 1)]


if __name__ == "__main__":
    main()
