"""python -m vqseg pseudo-labels: label the unlabelled training scans once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar


@dataclass(frozen=True, kw_only=True)
class PseudoLabels:
    """Label the training scans whose labels a run may not use, with a checkpoint trained on the same share: see data.pseudo_labels."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    data: Path
    """Data set folder with splits.json."""
    output: Path
    """Folder for the label volumes. Existing ones are kept, so an interrupted command resumes."""
    confidence: float = 0.7
    """Voxels whose class has a lower probability, averaged over nine views, are marked as unsure (255)."""
    others: list[str] = field(default_factory=list)
    """Further checkpoints of the same share, over which the average goes, too."""
    unlabelled_folders: list[Path] = field(default_factory=list)
    """Further data set folders whose training images are labelled, too: see data.unlabelled_folders."""
    open_ends: bool = False
    """Mark the ends of every structure as unsure: what a slice by itself cannot tell."""
    weigh: bool = False
    """Write down how far the views agree on each label; a run weighs the label by it."""
    image_side: int | None = None
    """Read slices at this size instead of the checkpoint's preprocess.image_side."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(PseudoLabels, "pseudo-labels", rest)
    from vqseg.training.pseudo_labels import write_pseudo_labels

    notes = write_pseudo_labels(
        command.checkpoint,
        command.data,
        command.output,
        confidence=command.confidence,
        image_side=command.image_side,
        others=command.others,
        unlabelled_folders=command.unlabelled_folders,
        open_ends=command.open_ends,
        weigh=command.weigh,
        device=command.device,
        progress=lambda cases: bar(cases, "labelling"),
    )
    print(f"{notes['cases']} scans labelled into {command.output}, {100 * notes['unsure']:.1f} % of what is no background is unsure")
    return 0
