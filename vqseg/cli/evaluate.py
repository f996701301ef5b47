"""python -m vqseg evaluate: measure a checkpoint on a split."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqseg.cli.parsing import parse
from vqseg.cli.progress import bar

_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure a checkpoint on a split: Dice, Jaccard, HD95 and ASD per class on whole volumes, and the codebook's use."""

    checkpoint: str
    """Checkpoint folder or Hub id."""
    data: Path
    """Data set folder with labels."""
    split: str = "val"
    """train, val, test, or all cases of the folder."""
    output: Path | None = None
    """JSON file to write; the table is printed in any case."""
    overwrite: bool = False
    """Replace a file of this name that this command did not write."""
    average_views: bool = False
    """Average over nine views of each slice, turned and magnified: steadier, about eight times slower, and not what the app shows."""
    contoured_only: bool = False
    """Compare the slices alone that have a label: for data in which a slice without one may show the structure."""
    neighbours: bool | None = None
    """True or False instead of the checkpoint's own preprocess.neighbours: whether a network that knows neighbouring slices reads them."""
    device: str | None = None
    """cpu, cuda, ...; the CPU if not given."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Evaluate, "evaluate", rest)
    from vqseg.checkpoint import load_model
    from vqseg.data.datasets import inputs_of
    from vqseg.evaluation import METRICS, evaluate_split
    from vqseg.outputs import Outputs

    if command.output:
        outputs = Outputs(command.output.parent, "evaluate", inputs=inputs_of(command.data), overwrite=command.overwrite)
        # Before the work.
        outputs.check(command.output)
    model = load_model(command.checkpoint, command.device)
    if command.neighbours is not None:
        model.preprocess = replace(model.preprocess, neighbours=command.neighbours)
    result = evaluate_split(
        model,
        command.data,
        command.split,
        lambda cases: bar(cases, "evaluating"),
        average_views=command.average_views,
        contoured_only=command.contoured_only,
    )
    print(f"{'':12}" + "".join(f"{metric:>10}" for metric in METRICS))
    for name, row in [*result["per_class"].items(), ("mean", result["mean"])]:
        print(f"{name:12}" + "".join(f"{row[metric]:10.4f}" for metric in METRICS))
    if unmeasured := [name for name in model.config.classes[1:] if name not in result["per_class"]]:
        print(f"not measured, as {command.data.name} has no labels of them: {', '.join(unmeasured)}")
    if left_out := result.get("left_out", []):
        some = ", ".join(left_out[:_MOST_NAMED]) + (" ..." if len(left_out) > _MOST_NAMED else "")
        print(f"{len(left_out)} case(s) were not measured, as they have no labels of these structures: {some}")
    if ignored := result.get("ignored", {}):
        print(f"{sum(ignored.values())} voxels of {len(ignored)} case(s) were left out, as they have no label")
    for case, notes in result.get("notes", {}).items():
        for note in notes:
            print(f"{case}: {note}", file=sys.stderr)
    book = result["codebook"]
    print(f"{result['cases']} cases; {book['used']} of {book['size']} codewords used, perplexity {book['perplexity']:.1f}")
    if command.output:
        outputs.write_text(command.output, json.dumps(result, indent=2) + "\n")
    return 0
