"""Dice of a checkpoint on the bundled phantoms: python benchmarks/examples.py [--checkpoint checkpoints/acdc-10]

Prints a Markdown table. It has the phantoms with the same structures as the checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg import Segmenter, load_model  # noqa: E402
from vqseg.data.scan import read_labels, read_scan  # noqa: E402
from vqseg.metrics import dice  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "acdc-10")
    segmenter = Segmenter(load_model(parser.parse_args().checkpoint))
    names = segmenter.classes[1:]
    print("| phantom | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    folder = ROOT / "assets" / "examples"
    classes = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    for truth in sorted(folder.glob("*_truth.nii.gz")):
        if tuple(classes[truth.name.removesuffix("_truth.nii.gz")]) != segmenter.classes:
            continue
        labels = segmenter.open(read_scan(truth.with_name(truth.name.replace("_truth", "")))).labels
        scores = [dice(labels == label, read_labels(truth) == label) for label in range(1, len(segmenter.classes))]
        title = truth.name.removesuffix("_truth.nii.gz").removeprefix("phantom_").replace("-", " ")
        print(f"| {title} | " + " | ".join(f"{score:.3f}" for score in scores) + " |")


if __name__ == "__main__":
    main()
