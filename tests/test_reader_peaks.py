"""What reading takes at its peak: at most 12 bytes a voxel beyond the float32 voxels of the result, whatever the format.

Measured on Linux, in a process of its own, over volumes of some millions of voxels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from every_format import FILES

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is set back by Linux alone")

ROOT = Path(__file__).resolve().parents[1]
MOST = 12.0
MORE = {
    # Pillow's decoder keeps two canvases of four bytes a pixel beside the picture and its copy; the limit counts WebP by six bytes.
    "webp.webp": 13.0,
    # OpenJPEG decodes to int32, a tile beside the picture; colour is counted by six bytes, too.
    "j2k-colour.dcm": 16.0,
}


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Bytes a voxel of every file, small ones first."""
    folders = []
    for side in (8, 360):
        folders.append(tmp_path_factory.mktemp(f"side-{side}"))
        for name, write in FILES.items():
            write(folders[-1] / name, side)
    command = [sys.executable, str(Path(__file__).with_name("peaks.py")), *map(str, folders)]
    # Small blocks would stay with the process after they were freed, and count.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    answers: dict[str, float] = json.loads(told.stdout)
    return answers


@pytest.mark.parametrize("name", FILES)
def test_reading_takes_at_most_twelve_bytes_a_voxel_beyond_the_result(peaks: dict[str, float], name: str) -> None:
    assert 0 < peaks[name] <= MORE.get(name, MOST)
