"""What a scan costs `predict`, and how much memory a long volume takes: python benchmarks/scale.py [--scans 12] [--volume 512 512 1000]

Prints one JSON object. The command runs on generated scans in a process of its own with one thread; its processor seconds and its peak
memory are those that the system has counted. Two folders, one with a single scan, tell what starting costs and what each scan costs.
Processor seconds hardly depend on what else the machine does; wall seconds do.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from vqseg.data.phantom import phantom_volume  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/scale.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=str(ROOT / "checkpoints" / "acdc-10"))
    parser.add_argument("--scans", type=int, default=12, help="phantoms of 7 to 12 slices in the longer folder")
    parser.add_argument("--volume", type=int, nargs=3, metavar=("X", "Y", "Z"), help="one volume of this size in their place")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "date": datetime.date.today().isoformat(),
        "checkpoint": Path(given.checkpoint).name,
        "seed": given.seed,
    }
    with TemporaryDirectory() as place:
        if given.volume:
            found |= {"volume": given.volume, **volume(Path(place), given.checkpoint, given.volume, given.seed)}
        else:
            found |= scans(Path(place), given.checkpoint, given.scans, given.seed)
    print(json.dumps(found, indent=2))


def scans(place: Path, checkpoint: str, count: int, seed: int) -> dict[str, object]:
    """What each further scan of a folder costs."""
    voxels = slices = 0
    for folder, numbers in (("one", range(1)), ("all", range(count))):
        (place / folder).mkdir()
        for number in numbers:
            image, _, affine = phantom_volume(seed + number)
            nib.save(nib.Nifti1Image(image, affine), place / folder / f"{number:04d}.nii.gz")
            slices += image.shape[2] if folder == "all" and number else 0
            voxels += image.size if folder == "all" and number else 0
    one, all_of_them = (predicted(place / name, checkpoint, place / f"{name}-labels") for name in ("one", "all"))
    cpu = (all_of_them["cpu_seconds"] - one["cpu_seconds"]) / (count - 1)
    again = predicted(place / "all", checkpoint, place / "all-labels")
    return {
        "scans": count,
        "cpu_seconds_a_scan": round(cpu, 2),
        "cpu_seconds_a_slice": round(cpu * (count - 1) / slices, 3),
        "megavoxels_a_scan": round(voxels / 1e6 / (count - 1), 2),
        "cpu_seconds_to_start": round(one["cpu_seconds"] - cpu, 1),
        "cpu_seconds_when_all_is_done": round(again["cpu_seconds"], 1),
        "wall_seconds_a_scan": round((all_of_them["seconds"] - one["seconds"]) / (count - 1), 2),
        "peak_megabytes": round(all_of_them["peak_megabytes"]),
    }


def volume(place: Path, checkpoint: str, shape: list[int], seed: int) -> dict[str, object]:
    """What one volume of noise takes."""
    (place / "one").mkdir()
    values = np.random.default_rng(seed).integers(0, 1000, shape, dtype=np.int16)
    # Not compressed: noise would only cost time.
    nib.save(nib.Nifti1Image(values, np.diag([0.7, 0.7, 0.7, 1])), place / "one" / "volume.nii")
    size = values.size * 4 / 1e6
    del values
    found = predicted(place / "one", checkpoint, place / "labels")
    return {"megabytes_as_float32": round(size)} | {name: round(value) for name, value in found.items()}


def predicted(scans: Path, checkpoint: str, output: Path) -> dict[str, float]:
    """What the command takes, as the system counts it."""
    command = [sys.executable, "-m", "vqseg", "predict", str(scans), "--checkpoint", checkpoint, "--output", str(output), "--resume"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "XDG_STATE_HOME": str(output.parent / "state")}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"predict ended with status {process.returncode}")
    # Kilobytes on Linux, bytes on macOS.
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return {"seconds": time.perf_counter() - start, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_megabytes": peak}


if __name__ == "__main__":
    main()
