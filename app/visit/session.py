"""What one visitor holds: an opened scan, found again by an unguessable token, within a budget of bytes for all visitors.

Knows nothing of Gradio. Nothing of a visitor lives anywhere else; the store itself belongs to one built app.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from threading import Lock

from app.scan.lru import Lru
from app.scan.open_scan import TRUTH_BYTES_A_VOXEL, VOLUME_BYTES_A_VOXEL, OpenScan

# A CT of 512 x 512 x 500 fits.
DEFAULT_CACHE_BYTES = 5 * 1024**3 // 2

# What an opened scan holds: voxels, what the network reads and the reconstruction, float32 each; labels.
_OPENED_BYTES_A_VOXEL = 13
# Keeps the number of visits finite too, when they hold no scan of their own.
_BYTES_A_VISIT = 4096


class SessionError(LookupError):
    """A token that is unknown or whose scan is no longer held, or a scan that does not fit at all."""


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
        self._entries: Lru[str, _Entry] = Lru(self.byte_cap, lambda entry: entry.byte_size)
        # Opening the next scan and letting the former one go is one step.
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
        with self._lock:
            # One choice of an example can reach the server twice, and the answers the page in either order: both name one token.
            lent = next((token for token, held in self._entries.items() if held == entry), None) if shared else None
            if lent is not None:
                self._entries.get(lent)
                return lent
            token = secrets.token_urlsafe(24)
            dropped = [*self._take(owner), *self._entries.put(token, entry)]
        _close(dropped)
        return token

    @property
    def most_scan_bytes(self) -> int:
        """Bytes of float32 voxels of the largest scan that can be held; known before one is read."""
        return 4 * (self.byte_cap // (_OPENED_BYTES_A_VOXEL + VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL))

    def get(self, token: object) -> OpenScan:
        """The scan behind a token. Raises SessionError if it is unknown or was dropped."""
        entry = self._entries.get(token) if isinstance(token, str) else None
        if entry is None:
            raise SessionError("this scan is no longer held on the server; choose or upload it again")
        return entry.scan

    def release(self, owner: str) -> None:
        """End a visit: what it held is dropped."""
        with self._lock:
            dropped = self._take(owner)
        _close(dropped)

    @property
    def byte_size(self) -> int:
        """Bytes held for all visitors."""
        return self._entries.weight

    def __len__(self) -> int:
        return len(self._entries)

    def _take(self, owner: str) -> list[_Entry]:
        taken = [self._entries.pop(token) for token, entry in self._entries.items() if entry.owner == owner]
        return [entry for entry in taken if entry is not None]


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
