"""Races of what is done with scans: open, segment, perturb, score, predict, train."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from contest.processes import timed
from contest.race import FLOOR, OURS, Entry, Race
from vqseg import Segmenter, VQSeg, load_model
from vqseg.config import ModelConfig
from vqseg.data.phantom import phantom_volume, write_phantoms
from vqseg.data.scan import read_scan
from vqseg.metrics import evaluate_volume
from vqseg.types import Scan

ROOT = Path(__file__).resolve().parents[2]
SCAN = ROOT / "assets" / "examples" / "phantom_dilated-left-ventricle.nii.gz"
SLICE, CLASSES = 4, ("background", "RV", "MYO", "LV")
SEED, STRENGTH = 0, 0.7


def openings(checkpoint: Path) -> Iterator[Race]:
    """Open a volume, and what opening consists of.

    Args:
        checkpoint: A folder.
    """
    model, scan = load_model(checkpoint), read_scan(SCAN)
    segmenter = Segmenter(model)
    entries = [
        Entry("Segmenter.open", lambda: segmenter.open(scan), OURS),
        Entry("Segmenter.labels, as predict does", lambda: segmenter.labels(scan), OURS),
        Entry("the encoder alone", _encoding(model, scan), FLOOR),
    ]
    yield Race("Open a volume", f"{_size(scan)} voxels, slices of {segmenter.preprocess.image_side} pixels", entries)


def _encoding(model: VQSeg, scan: Scan) -> Callable[[], object]:
    side = model.preprocess.image_side or max(scan.shape[:2])
    slices = torch.rand(scan.shape[2], 1, side, side).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def work() -> object:
        return [model.encode(slices[i : i + 4]) for i in range(0, len(slices), 4)]

    return work


def openings_by_slices(checkpoint: Path, counts: tuple[int, ...]) -> Iterator[Race]:
    """How opening grows with the slices of a volume.

    Args:
        checkpoint: A folder.
        counts: Slices.
    """
    segmenter, scan = Segmenter(load_model(checkpoint)), read_scan(SCAN)
    volumes = {
        count: replace(scan, voxels=np.resize(np.moveaxis(scan.voxels, 2, 0), (count, *scan.shape[:2])).transpose(1, 2, 0))
        for count in counts
    }
    entries = [Entry(f"{count} slice" + "s" * (count > 1), lambda one=one: segmenter.open(one), OURS) for count, one in volumes.items()]
    yield Race("Open a volume by slices", f"slices of {segmenter.preprocess.image_side} pixels", entries)


def frames(checkpoint: Path) -> Iterator[Race]:
    """A frame of the live epsilon: what a drag asks for, against the decoders alone.

    Args:
        checkpoint: A folder.
    """
    model = load_model(checkpoint)
    opened = Segmenter(model).open(read_scan(SCAN))
    seeds, strengths = iter(range(1, 10**6)), iter((1 + i % 99) / 100 for i in range(10**6))
    features = torch.from_numpy(opened.features(SLICE)).permute(2, 0, 1)[None]
    entries = [
        Entry("another epsilon", lambda: opened.perturb(SLICE, next(strengths)), OURS),
        Entry("another seed", lambda: opened.perturb(SLICE, STRENGTH, seed=next(seeds)), OURS),
        Entry("another epsilon, reach 512", lambda: opened.perturb(SLICE, next(strengths), reach=512.0), OURS),
        Entry("shuffled", lambda: opened.perturb(SLICE, next(strengths), "shuffle"), OURS),
        Entry("both decoders alone", lambda: _decoded(model, features), FLOOR),
    ]
    yield Race("A frame of the live epsilon", f"one slice of {model.preprocess.image_side} pixels, on the server", entries)


@torch.no_grad()
def _decoded(model: VQSeg, features: torch.Tensor) -> object:
    side = model.preprocess.image_side or 1
    return model.decode(features, (side, side))


def scores() -> Iterator[Race]:
    """Dice, Jaccard, HD95 and ASD of a volume, against medpy's functions."""
    _, truth, _ = phantom_volume(SEED)
    prediction = np.roll(truth, 2, axis=0)
    entries = [Entry("evaluate_volume", lambda: evaluate_volume(prediction, truth, CLASSES, (1.4, 1.4, 8.0)), OURS)]
    if find_spec("medpy") is not None:
        from medpy.metric.binary import asd, dc, hd95, jc

        def peer() -> list[float]:
            pairs = [(prediction == value, truth == value) for value in range(1, len(CLASSES))]
            spacing = (1.4, 1.4, 8.0)
            return [one for p, t in pairs for one in (dc(p, t), jc(p, t), hd95(p, t, spacing), asd(p, t, spacing))]

        entries.append(Entry("medpy", peer))
    yield Race("Score a volume", f"{' x '.join(map(str, truth.shape))} voxels, three structures", entries)


def commands(checkpoint: Path, patients: int, keep: ExitStack) -> Iterator[Race]:
    """Whole processes: predict and evaluate a small data set, against the import of what they need.

    Args:
        checkpoint: A folder.
        patients: Each has two volumes.
        keep: Deletes the data set at its end.
    """
    folder = Path(keep.enter_context(tempfile.TemporaryDirectory()))
    write_phantoms(folder / "data", patients, SEED)
    images, known = folder / "data" / "imagesTr", ["--checkpoint", str(checkpoint)]
    predict = ["-m", "vqseg", "predict", str(images), *known, "--output"]
    evaluate = ["-m", "vqseg", "evaluate", *known, "--data", str(folder / "data"), "--split", "val"]
    outputs = iter(range(10**6))
    entries = [
        Entry("predict", lambda: timed([*predict, str(folder / f"labels-{next(outputs)}")]), OURS, measures=True),
        Entry("evaluate", lambda: timed(evaluate), OURS, measures=True),
        Entry("import torch and vqseg.inference", lambda: timed(["-c", "import torch, vqseg.inference"]), FLOOR, measures=True),
    ]
    count = len(list(images.glob("*.nii.gz")))
    yield Race("Commands, whole processes", f"predict has {count} volumes, evaluate the two of one patient", entries, slow=True)


def training(crops: int = 6, side: int = 128) -> Iterator[Race]:
    """A forward and backward pass of the network, in fp32 and in bf16, with and without the codebook.

    Args:
        crops: In a batch.
        side: Of a crop, in pixels.
    """
    torch.manual_seed(SEED)
    model = VQSeg(ModelConfig()).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    images = torch.rand(crops, 1, side, side).contiguous(memory_format=torch.channels_last)

    def work(half: bool, quantize: bool) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            output = model(images, quantize=quantize)
        loss = output.logits.float().square().mean() + output.reconstruction.float().mean()
        (loss + output.quantizer_loss if quantize else loss).backward()
        model.zero_grad()

    entries = [
        Entry("fp32", lambda: work(False, True), OURS),
        Entry("bf16", lambda: work(True, True), OURS),
        Entry("fp32 without the codebook", lambda: work(False, False), FLOOR),
    ]
    yield Race("Training pass", f"{crops} crops of {side} pixels, the compact network, K = {model.config.codebook_size}", entries)


def _size(scan: Scan) -> str:
    return " x ".join(map(str, scan.shape))
