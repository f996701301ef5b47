"""What the drift of a codebook detects: python benchmarks/drift.py [--checkpoint checkpoints/acdc-10] [--acdc ...] [--lidc ...]

The distribution of codes of each scan is compared with that of the training set. The scans are like those of the training, the same
with one change at a time, and scans of another organ. Prints a Markdown table: number of scans, median distance with its range, and how
many scans lie outside. Noise has seed 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg import load_model  # noqa: E402
from vqseg.codebook import read_statistics  # noqa: E402
from vqseg.codebook.phantoms import SEEDS, phantom_slices  # noqa: E402
from vqseg.data.preprocess import normalise  # noqa: E402
from vqseg.data.scan import read_scan, through_plane_axis  # noqa: E402
from vqseg.data.splits import cases_of_split  # noqa: E402
from vqseg.models.slicewise import encode_slices  # noqa: E402
from vqseg.models.vqseg import VQSeg  # noqa: E402
from vqseg.types import Array  # noqa: E402

NOISE = np.random.default_rng(0)
# Each changes normalised slices (S, A, B) in [0, 1].
CHANGES: dict[str, Callable[[Array], Array]] = {
    "mirrored": lambda slices: slices[:, :, ::-1].copy(),
    "turned by 90 degrees": lambda slices: np.rot90(slices, axes=(1, 2)).copy(),
    "normalised intensities squared": np.square,
    "Gaussian noise of 0.2 added": lambda slices: (slices + NOISE.normal(0, 0.2, slices.shape)).clip(0, 1).astype(np.float32),
    "inverted": lambda slices: 1 - slices,
    "replaced by uniform noise": lambda slices: NOISE.random(slices.shape, dtype=np.float32),
    "replaced by a constant": lambda slices: np.full_like(slices, 0.5),
}
EVERY_ACDC, LUNGS = 3, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "acdc-10")
    parser.add_argument("--acdc", type=Path, default=ROOT.parent / "shared" / "data" / "ACDC")
    parser.add_argument("--lidc", type=Path, default=ROOT.parent / "shared" / "data" / "LIDC")
    given = parser.parse_args()
    model = load_model(given.checkpoint)
    statistics = read_statistics(given.checkpoint, model)
    hearts = list(read(model, given.acdc))
    tokens = [encode_slices(model, slices).numpy() for slices in hearts]
    rows = {"ACDC, validation": tokens}
    rows["phantoms"] = [encode_slices(model, phantom_slices(seed, model.config.classes, model.preprocess)).numpy() for seed in SEEDS]
    for name, change in CHANGES.items():
        rows[f"ACDC, {name}"] = [encode_slices(model, change(slices)).numpy() for slices in hearts[::EVERY_ACDC]]
    rows["LIDC, crops of lung nodules"] = [encode_slices(model, slices).numpy() for slices in read(model, given.lidc, LUNGS)]
    # Single slices of base and apex, the first and the last third of a volume, may differ from those of its middle.
    rows["single slices of ACDC, validation"] = [one for scan in tokens for one in scan]
    rows["the same, middle third"] = [one for scan in tokens for one in scan[len(scan) // 3 : len(scan) - len(scan) // 3]]
    print(f"Farthest training scan: {statistics.drift_reference.max():.3f}\n")
    print("| Scans | n | Distance, median (range) | Outside |\n|---|---|---|---|")
    for name, scans in rows.items():
        drifts = [statistics.drift(one) for one in scans]
        far = [drift.distance for drift in drifts]
        spread = f"{np.median(far):.3f} ({min(far):.3f} to {max(far):.3f})"
        print(f"| {name} | {len(far)} | {spread} | {sum(drift.outside for drift in drifts)} |")


def read(model: VQSeg, folder: Path, count: int | None = None) -> Iterator[Array]:
    """Read the validation scans of a data set.

    Args:
        model: Its preprocessing is used.
        folder: The data set.
        count: How many scans, evenly spread; all of them if None.

    Yields:
        Normalised slices (S, A, B) of each scan.
    """
    cases = cases_of_split(folder, "val")
    picks = np.linspace(0, len(cases) - 1, count or len(cases)).round().astype(int)
    for case in (cases[index] for index in picks):
        scan = read_scan(case.image)
        yield np.moveaxis(normalise(scan.voxels, model.preprocess), through_plane_axis(scan), 0)


if __name__ == "__main__":
    main()
