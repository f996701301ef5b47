"""Judges what the readers make of damaged files: a scan that makes sense or an error that was foreseen, in time, in little memory."""

from __future__ import annotations

import re
import resource
import shutil
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from vqseg.data.limits import LARGEST_MM, SMALLEST_MM, UnforeseenError
from vqseg.data.scan import ScanError, list_series, read_labels, read_scan, write_labels
from vqseg.types import Scan

MOST_BYTES = 1 << 24
MOST_SECONDS = 5.0
MOST_MEMORY = 8 * MOST_BYTES
_DATA = 1 << 30
_PEAK = Path("/proc/self/clear_refs")


class Judge:
    """Reads files and says how it went."""

    def __init__(self, *, checkpoints: bool = False) -> None:
        """Limit this process. checkpoints: whether the files are those of a checkpoint."""
        self._checkpoints = checkpoints
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_DATA, hard))

    def warm(self, files: dict[str, dict[str, bytes]], place: Path) -> None:
        """Load what the formats load on first use. Undamaged files are read without a complaint."""
        for name, one in files.items():
            said = self.judged(one, place, measured=False)
            if said != "read":
                raise AssertionError(f"{name} is not damaged, and {said}")

    def judged(self, files: dict[str, bytes], place: Path, *, measured: bool = True) -> str:
        """Write and read one case: "read", "refused", or what went wrong."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        sources: list[Path] = (
            [place / next(iter(files))] if len(files) == 1 else [place, *(p for p in place.iterdir() if p.suffix == ".hdr")]
        )
        measured = measured and _PEAK.exists()
        if measured:
            _PEAK.write_text("5")
        before, start = _kilobytes("VmRSS"), time.process_time()
        said = ""
        for source in [place] if self._checkpoints else sources:
            said = (_opened(source) if self._checkpoints else _read(source, place)) or said
            if said not in ("read", "refused"):
                return said
        seconds, memory = time.process_time() - start, 1024 * (_kilobytes("VmHWM") - before)
        if seconds > MOST_SECONDS:
            return f"takes more than {MOST_SECONDS:.0f} s"
        return f"takes more than {MOST_MEMORY >> 20} MiB" if measured and memory > MOST_MEMORY else said


def _read(source: Path, place: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            scan = read_scan(source, most_bytes=MOST_BYTES)
            if wrong := _wrong(scan):
                return wrong
            if scan.voxels.size < 1 << 16:
                for ending in ("labels.nii.gz", "labels.nrrd"):
                    write_labels(np.zeros(scan.shape, np.uint8), scan, place / ending)
                    (place / ending).unlink()
            if scan.header is None or source.is_dir():
                list_series(source)
            _labels(source)
        except ScanError as error:
            return _refused(error, place)
        except BaseException as error:
            return _told(error)
    return "read"


def _opened(folder: Path) -> str:
    """What is made of a checkpoint."""
    from vqseg.checkpoint import CheckpointError, load_model
    from vqseg.codebook import CodebookError, read_reference, read_statistics

    refused = ""
    for read in (load_model, read_statistics, read_reference):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                read(folder)
            except (CheckpointError, CodebookError) as error:
                refused = f"says too much: {str(error)[:200]}" if len(str(error)) > 2000 else "refused"
            except BaseException as error:
                return _told(error)
    return refused or "read"


def _labels(source: Path) -> None:
    try:
        read_labels(source)
    except UnforeseenError:
        raise
    except ScanError:
        return


def _refused(error: ScanError, place: Path) -> str:
    if isinstance(error, UnforeseenError) or isinstance(error.__cause__, MemoryError):
        return _told(error.__cause__ or error)
    said = str(error)
    if str(place) in said or str(place.parent) in said or len(said) > 2000:
        return f"says what it should not: {said[:200]}"
    return "refused"


def _told(error: BaseException) -> str:
    """The class, and where: the same fault is told in the same words."""
    lines = [one for one in traceback.extract_tb(error.__traceback__) if "site-packages" not in one.filename][-3:]
    foreign = traceback.extract_tb(error.__traceback__)[-1]
    places = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed([*lines, foreign]))
    return f"raises {type(error).__name__} ({re.sub(r'[0-9.e+-]+', '#', str(error))[:80]}) at {places}"


def _wrong(scan: Scan) -> str:
    """What makes no sense about a scan; empty for nothing."""
    if scan.voxels.dtype != np.float32 or scan.voxels.ndim != 3 or min(scan.shape) < 1 or not np.isfinite(scan.voxels).all():
        return "has voxels that are none"
    if not np.isfinite(scan.affine).all() or scan.affine.shape != (4, 4) or abs(np.linalg.det(scan.affine[:3, :3])) == 0:
        return "lies nowhere"
    if not all(SMALLEST_MM <= size <= LARGEST_MM for size in scan.spacing):
        return "has voxels without a size"
    if scan.frames < 1 or (scan.frame_seconds is not None and not 0 < scan.frame_seconds < float("inf")):
        return "has moments that make no sense"
    return ""


def _kilobytes(field: str) -> int:
    try:
        match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 0
    return int(match[1]) if match else 0
