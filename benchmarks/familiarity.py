"""How often a scan is warned of: python benchmarks/familiarity.py [--only acdc-10 ...] [--again]

Good scans should be known to a checkpoint, foreign ones should not. Each kind of scan is divided into two halves by patient: the limits in
`vqseg.codebook.familiarity.reference.MEASURES` were chosen on the first, and the second is what the table reports. Writes
docs/results/familiarity.json, with every scan's measures, and familiarity.md. --again judges the measures of the file anew.

Made from other scans: "long-axis reslice" cuts an ACDC stack along its slices, interpolated to about square pixels; "tiled CT" lays four
LIDC crops side by side; "chest CT in HU" is a tile on the scale of a CT, -1000 to 400. Noise has seed 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg import load_model  # noqa: E402
from vqseg.codebook.familiarity import MEASURES, TURNS, measure, read_reference, word  # noqa: E402
from vqseg.codebook.familiarity.card import unlike_the_card  # noqa: E402
from vqseg.data.phantom import FRAMES, phantom_volume  # noqa: E402
from vqseg.data.phantom_lung import lung_phantom  # noqa: E402
from vqseg.data.scan import read_scan  # noqa: E402
from vqseg.data.splits import cases_of_split  # noqa: E402
from vqseg.inference import Segmenter  # noqa: E402
from vqseg.types import Array, Scan  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
CHECKPOINTS = ("acdc-10", "acdc-05", "lidc-10")
SEEDS, CROPS, SLICES = range(500, 524), 64, 6
NOISE = np.random.default_rng(0)
HEARTS = ("ACDC, validation", "SCD", "heart phantoms")
LUNGS = ("LIDC crops, validation", "lung phantoms")
_HEAD = """# Whether a checkpoint knows a scan

`python benchmarks/familiarity.py` makes this page. Good scans should be known, foreign ones should be warned of. The limits were chosen on
one half of each kind's patients; **the columns report the other half**, with both halves in parentheses.
[How it works](../familiarity.md).
"""
Named = tuple[str, Scan]  # patient and scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=CHECKPOINTS, choices=CHECKPOINTS)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    file = given.output / "familiarity.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"checkpoints": {}}
    for name in () if given.again else given.only:
        known["checkpoints"][name] = {"date": date.today().isoformat(), "machine": machine(), "scans": list(measured(name))}
    rows = ",\n".join(f"{json.dumps(name)}: {_lines(one)}" for name, one in sorted(known["checkpoints"].items()))
    file.write_text('{"checkpoints": {\n' + rows + "\n}}\n", encoding="utf-8")
    file.with_suffix(".md").write_text(page(known["checkpoints"]), encoding="utf-8")


def _lines(one: dict[str, Any]) -> str:
    scans = ",\n".join(json.dumps(scan) for scan in one["scans"])
    return json.dumps({**one, "scans": []})[:-2] + "\n" + scans + "\n]}"


def machine() -> str:
    """The processor and the number of threads."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "a CPU")
    return f"{name}, {torch.get_num_threads()} thread" + ("s" if torch.get_num_threads() > 1 else "")


def measured(name: str) -> Iterator[dict[str, Any]]:
    """Every scan's kind, half and measures under a checkpoint."""
    folder = ROOT / "checkpoints" / name
    segmenter = Segmenter(load_model(folder))
    reference = read_reference(folder, segmenter)
    for kind, scans in kinds(lungs=name.startswith("lidc")).items():
        patients: dict[str, int] = {}
        for patient, scan in scans():
            half = patients.setdefault(patient, len(patients)) % 2
            opened = segmenter.open(scan)
            steps = {one.name: round(one.steps, 2) for one in reference.compare(measure(opened))}
            card = len(unlike_the_card(scan, opened.axis, segmenter.reads))
            yield {"kind": kind, "half": half, "card": card, "steps": steps}
        print(name, kind, len(patients), flush=True)


def kinds(*, lungs: bool) -> dict[str, Callable[[], Iterator[Named]]]:
    """The kinds of scans by name; the first ones are good for the checkpoint (`good`)."""
    own = crops if lungs else hearts
    made: dict[str, Callable[[], Iterator[Named]]] = {
        "ACDC, validation": hearts,
        "SCD": sunnybrook,
        "heart phantoms": lambda: drawn(lambda seed: phantom_volume(seed, FRAMES[seed % 2])),
        "LIDC crops, validation": crops,
        "lung phantoms": lambda: drawn(lung_phantom),
        "tiled CT": lambda: tiled(),
        "chest CT in HU": lambda: changed(tiled, lambda voxels: voxels * (1400 / 255) - 1000),
        "long-axis reslice": reslices,
        "inverted": lambda: changed(own, lambda voxels: voxels.max() - voxels),
        "noise": lambda: changed(own, lambda voxels: NOISE.random(voxels.shape, np.float32) * 255),
    }
    if not lungs:
        for name, turn in TURNS.items():
            made[name] = lambda turn=turn: changed(hearts, lambda voxels: np.moveaxis(turn(np.moveaxis(voxels, 2, 0)), 0, 2))
    return made


def good(checkpoint: str) -> tuple[str, ...]:
    """The kinds that a checkpoint should know."""
    return LUNGS if checkpoint.startswith("lidc") else HEARTS


def few(scan: Scan) -> Scan:
    """At most SLICES slices of a scan, evenly spread."""
    picks = np.unique(np.linspace(0, scan.shape[2] - 1, SLICES).round().astype(int))
    return replace(scan, voxels=np.ascontiguousarray(scan.voxels[..., picks]), header=None)


def hearts() -> Iterator[Named]:
    return ((case.patient, few(read_scan(case.image))) for case in cases_of_split(DATA / "ACDC", "val"))


def sunnybrook() -> Iterator[Named]:
    return ((case.patient, few(read_scan(case.image))) for split in ("train", "val") for case in cases_of_split(DATA / "SCD", split))


def crops() -> Iterator[Named]:
    cases = list(cases_of_split(DATA / "LIDC", "val"))
    return ((cases[at].patient, read_scan(cases[at].image)) for at in np.linspace(0, len(cases) - 1, CROPS).round().astype(int))


def drawn(draw: Callable[[int], tuple[Array, Array, Array]]) -> Iterator[Named]:
    for seed in SEEDS:
        voxels, _, affine = draw(seed)
        spacing = tuple(float(abs(step)) for step in np.diag(affine)[:3])
        yield str(seed), few(Scan(voxels.astype(np.float32), affine, spacing, "phantom"))


def changed(scans: Callable[[], Iterator[Named]], change: Callable[[Array], Array]) -> Iterator[Named]:
    for patient, scan in scans():
        yield patient, replace(scan, voxels=np.ascontiguousarray(change(scan.voxels), np.float32))


def tiled() -> Iterator[Named]:
    found = list(crops())
    for first in range(0, len(found) - 3, 4):
        parts = [scan.voxels for _, scan in found[first : first + 4]]
        yield (
            str(first),
            replace(
                found[first][1], voxels=np.block([[parts[0][..., 0], parts[1][..., 0]], [parts[2][..., 0], parts[3][..., 0]]])[..., None]
            ),
        )


def reslices() -> Iterator[Named]:
    for case in cases_of_split(DATA / "ACDC", "val"):
        voxels = read_scan(case.image).voxels
        fine = ndimage.zoom(voxels[voxels.shape[0] // 3 : 2 * voxels.shape[0] // 3 : 12], (1, 1, 6.0), order=1)
        cut = np.ascontiguousarray(np.moveaxis(fine, 0, 2), np.float32)
        yield case.patient, few(Scan(cut, np.eye(4), (1.0, 1.0, 1.0), "reslice"))


def page(checkpoints: dict[str, Any]) -> str:
    """The tables, as Markdown."""
    parts = [_HEAD]
    for name, one in sorted(checkpoints.items()):
        parts.append(f"## {name}\n\n{one['date']}, {one['machine']}.\n")
        parts += [_summary(name, one["scans"]), _table(name, one["scans"])]
    return "\n".join(parts)


def _summary(name: str, scans: list[dict[str, Any]]) -> str:
    found = {}
    for wanted in (True, False):
        some = [scan for scan in scans if (scan["kind"] in good(name)) == wanted]
        held = [scan for scan in some if scan["half"]]
        found[wanted] = f"{_share(held)} ({_share(some)})"
    return f"Good scans warned of: **{found[True]}**. Foreign scans caught: **{found[False]}**.\n"


def _table(name: str, scans: list[dict[str, Any]]) -> str:
    lines = ["| Scans | | n | warned of | foreign | by |\n|---|---|---|---|---|---|"]
    for kind in dict.fromkeys(scan["kind"] for scan in scans):
        some = [scan for scan in scans if scan["kind"] == kind]
        held = [scan for scan in some if scan["half"]]
        by = {measure: sum(one["steps"].get(measure, 0) > MEASURES[measure].doubtful for one in some) for measure in MEASURES}
        by["card"] = sum(one["card"] > 0 for one in some)
        named = ", ".join(f"{measure} {count}" for measure, count in by.items() if count)
        foreign = sum(verdict(one) == "foreign" for one in some)
        what = "good" if kind in good(name) else "foreign"
        lines.append(f"| {kind} | {what} | {len(held)} ({len(some)}) | {_share(held)} ({_share(some)}) | {foreign} | {named} |")
    return "\n".join(lines) + "\n"


def _share(scans: list[dict[str, Any]]) -> str:
    return f"{100 * np.mean([verdict(scan) != 'known' for scan in scans]):.1f} %"


def verdict(scan: dict[str, Any]) -> str:
    """The verdict on a scan by its measures, as `vqseg.codebook.judge` gives it."""
    return word(scan["steps"], against=scan["card"] > 0)


if __name__ == "__main__":
    main()
