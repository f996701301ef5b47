"""Two files as the two phases of one heart, and a cine under another checkpoint."""

from __future__ import annotations

from app.scan.cine import FrameNotReadyError, OpenCine
from app.scan.open_scan import OpenScan
from app.visit.session import SessionError
from vqseg.data.scan import ScanError
from vqseg.types import Scan


def refuse_no_pair(held: OpenScan, other: Scan) -> None:
    """Raise ScanError if a file cannot be the other phase of a scan."""
    scan = held.segmented.scan
    if held.example is not None:
        raise ScanError("a bundled example is not paired with a file; open both phases as scans of your own")
    if scan.channels > 1:
        raise ScanError("a pair is made of two files of one channel each")
    if scan.frames > 1 or other.frames > 1 or held.cine is not None:
        raise ScanError("a pair is made of two files of one frame each: end-diastole and end-systole of one patient")
    if scan.shape != other.shape:
        sizes = [" × ".join(map(str, one.shape)) for one in (other, scan)]
        raise ScanError(f"{other.name} has {sizes[0]} voxels and the scan on show has {sizes[1]}; a pair needs one grid")


def same_cine(cine: OpenCine, opened: OpenScan, most_bytes: int) -> None:
    """The cine under another checkpoint, which has encoded its first frame. A truth stays where the classes do."""
    try:
        other = OpenCine(opened, cine.source, most_bytes=most_bytes, paired=cine.paired)
    except FrameNotReadyError as error:
        raise SessionError(str(error.args[0])) from error
    if cine.first.model.classes == opened.model.classes:
        other.give_truths(cine.truths)
