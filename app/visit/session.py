"""What one visitor holds: an opened scan, found again by an unguessable token, within a budget of bytes for all visitors.

Knows nothing of Gradio. Nothing of a visitor lives anywhere else; the store itself belongs to one built app.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.scan.planes import PlaneView, acquisition_plane, plane_views
from vqseg.data.scan import write_labels
from vqseg.types import Array, VolumeResult

if TYPE_CHECKING:
    from app.scan.curves import CurveReplay
    from app.scan.frames import Frame, FrameRequest
    from app.scan.models import Served
    from app.scan.replay import Replay
    from vqseg.inference import Mode, SegmentedScan

# A CT of 512 x 512 x 500 fits.
DEFAULT_CACHE_BYTES = 5 * 1024**3 // 2

# Of files of scans, the longer ones before those that they end with.
ENDINGS = (".nii.gz", ".nii", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy")
_ENDING = re.compile(f"({'|'.join(map(re.escape, ENDINGS))})$", re.IGNORECASE)
# What an opened scan holds: voxels, what the network reads and the reconstruction, float32 each; labels.
_OPENED_BYTES_A_VOXEL = 13
# A perturbed volume that is kept for the other planes: uint8 labels and a float32 reconstruction.
_VOLUME_BYTES_A_VOXEL = 5
# A truth, and a volume that is being decoded, may be added at any time.
_TRUTH_BYTES_A_VOXEL, _REPLAY_BYTES_A_VOXEL = 1, 5
# Keeps the number of visits finite too, when they hold no scan of their own.
_BYTES_A_VISIT = 4096


class SessionError(LookupError):
    """A token that is unknown or whose scan is no longer held, or a scan that does not fit at all."""


class OpenScan:
    """A scan that was encoded, the views of its planes, the last answers, and the label file that is ready to download."""

    def __init__(self, segmented: SegmentedScan, model: Served, truth: Array | None = None, example: str | None = None) -> None:
        """model: the checkpoint that encoded the scan. truth: (X, Y, Z) uint8, labels drawn by an expert; may be set later.

        example: title of the bundled case that this is, which many visitors share; None for a visitor's own scan.
        """
        self.segmented, self.model, self.truth, self.example = segmented, model, truth, example
        self.views: dict[str, PlaneView] = plane_views(segmented.scan)
        self.plane = acquisition_plane(self.views, segmented.axis)
        self.lock = Lock()
        self.latest: tuple[FrameRequest, Frame] | None = None
        self.replays: OrderedDict[str, Replay] = OrderedDict()
        self.curves: OrderedDict[str, CurveReplay] = OrderedDict()
        self._volume: tuple[tuple[float, Mode, int], VolumeResult] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def byte_size(self) -> int:
        added = _VOLUME_BYTES_A_VOXEL + _TRUTH_BYTES_A_VOXEL + _REPLAY_BYTES_A_VOXEL
        return self.segmented.byte_size + added * self.segmented.scan.voxels.size

    def perturbed_volume(self, strength: float, mode: Mode, seed: int) -> VolumeResult:
        """The whole volume after QPM, kept until other settings are asked for. The caller holds the lock."""
        kept = self._kept_volume(strength, mode, seed)
        if kept is None:
            kept = self.segmented.perturb_volume(strength, mode, seed)
            self._volume = ((strength, mode, seed), kept)
        return kept

    def keep_volume(self, strength: float, mode: Mode, seed: int, volume: VolumeResult) -> None:
        """Have a volume that was decoded elsewhere ready for `perturbed_volume`."""
        with self.lock:
            self._volume = ((strength, mode, seed), volume)

    def has_volume(self, strength: float, mode: Mode, seed: int) -> bool:
        """Whether `perturbed_volume` would answer at once."""
        with self.lock:
            return self._kept_volume(strength, mode, seed) is not None

    def _kept_volume(self, strength: float, mode: Mode, seed: int) -> VolumeResult | None:
        if strength == 0:
            return VolumeResult(self.segmented.labels, self.segmented.reconstruction, 0.0)
        return self._volume[1] if self._volume is not None and self._volume[0] == (strength, mode, seed) else None

    def decoded_volume(self, strength: float, mode: Mode, seed: int, progress: Callable[[float], None]) -> VolumeResult:
        """The same for a caller without the lock, which is free while the decoders work. progress: as in `Segmenter.open`."""
        with self.lock:
            kept = self._kept_volume(strength, mode, seed)
        if kept is None:
            kept = self.segmented.perturb_volume(strength, mode, seed, progress)
            self.keep_volume(strength, mode, seed, kept)
        return kept

    def label_file(self) -> Path:
        """The unperturbed labels as a NIfTI file on the scan's grid, written at the first call and gone with the scan."""
        with self.lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="vqseg-labels-")
            path = Path(self._folder.name) / label_file_name(self.segmented.scan.name)
            if not path.exists():
                write_labels(self.segmented.labels, self.segmented.scan, path)
            return path

    def close(self) -> None:
        with self.lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def label_file_name(scan_name: str) -> str:
    """heart.nii.gz -> heart_labels.nii.gz"""
    return f"{_ENDING.sub('', scan_name) or 'scan'}_labels.nii.gz"


@dataclass(frozen=True)
class _Entry:
    scan: OpenScan
    owner: str
    shared: bool

    @property
    def byte_size(self) -> int:
        return _BYTES_A_VISIT + (0 if self.shared else self.scan.byte_size)


class SessionStore:
    """Opened scans by token, the least recently used dropped first when they exceed `byte_cap` together.

    An owner (one visit) holds one scan: opening the next releases the former. A shared scan (a bundled example) is lent to
    many visits; it is neither counted nor closed.
    """

    def __init__(self, byte_cap: int | None = None) -> None:
        self.byte_cap = cache_bytes_from_environment() if byte_cap is None else byte_cap
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()

    def put(self, scan: OpenScan, owner: str, *, shared: bool = False) -> str:
        """Hold a scan for a visit and return its token; a shared scan that the visit holds already keeps the one it has.

        Raises SessionError, and changes nothing, if the scan exceeds the budget alone.
        """
        entry = _Entry(scan, owner, shared)
        if entry.byte_size > self.byte_cap:
            needed, held = entry.byte_size / 2**20, self.byte_cap / 2**20
            name = scan.segmented.scan.name
            raise SessionError(f"{name} needs {needed:.0f} MiB of memory; this server holds scans of up to {held:.0f} MiB")
        token = secrets.token_urlsafe(24)
        with self._lock:
            # One choice of an example can reach the server twice, and the answers the page in either order: both name one token.
            lent = next((held for held, one in self._entries.items() if one == entry), None) if shared else None
            if lent is not None:
                self._entries.move_to_end(lent)
                return lent
            dropped = self._take(owner)
            self._entries[token] = entry
            while sum(held.byte_size for held in self._entries.values()) > self.byte_cap:
                dropped.append(self._entries.popitem(last=False)[1])
        _close(dropped)
        return token

    @property
    def most_scan_bytes(self) -> int:
        """Bytes of float32 voxels of the largest scan that can be held; known before one is read."""
        return 4 * (self.byte_cap // (_OPENED_BYTES_A_VOXEL + _VOLUME_BYTES_A_VOXEL + _TRUTH_BYTES_A_VOXEL))

    def get(self, token: object) -> OpenScan:
        """The scan behind a token. Raises SessionError if it is unknown or was dropped."""
        with self._lock:
            if not isinstance(token, str) or token not in self._entries:
                raise SessionError("this scan is no longer held on the server; choose or upload it again")
            entry = self._entries[token]
            self._entries.move_to_end(token)
            return entry.scan

    def release(self, owner: str) -> None:
        """End a visit: what it held is dropped."""
        with self._lock:
            dropped = self._take(owner)
        _close(dropped)

    @property
    def byte_size(self) -> int:
        with self._lock:
            return sum(entry.byte_size for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def _take(self, owner: str) -> list[_Entry]:
        return [self._entries.pop(token) for token in [token for token, entry in self._entries.items() if entry.owner == owner]]


def cache_bytes_from_environment() -> int:
    """VQSEG_CACHE_BYTES, 2.5 GiB if unset. Raises ValueError unless it is a positive whole number."""
    text = os.environ.get("VQSEG_CACHE_BYTES", str(DEFAULT_CACHE_BYTES))
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"VQSEG_CACHE_BYTES must be a positive whole number of bytes, got {text!r}")
    return int(text)


def _close(entries: list[_Entry]) -> None:
    for entry in entries:
        if not entry.shared:
            entry.scan.close()
