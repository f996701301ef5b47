"""Reads files in a process of its own and prints, for each, how many bytes a voxel its reading takes at its peak, beyond the result.

The arguments are folders of files, read in turn. A first one with small files loads what a format loads on first use.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from pathlib import Path

from vqseg.data.scan import read_scan


def status(field: str) -> int:
    match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def peak(path: Path) -> float:
    # What an earlier reading has left to be used again would hide as much of this one.
    ctypes.CDLL(None).malloc_trim(0)
    # 5 sets the peak back to what is held now.
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    scan = read_scan(path)
    return (status("VmHWM") - before - scan.voxels.nbytes) / scan.voxels.size


answers: dict[str, float] = {}
for folder in sys.argv[1:]:
    for path in sorted(Path(folder).iterdir()):
        if path.suffix not in (".img", ".mat", ".raw", ".zraw", ".gz") or path.name.endswith(".nii.gz"):
            answers[path.name] = peak(path)
print(json.dumps(answers))
