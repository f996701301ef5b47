"""The open scans of all visitors. An unguessable token is the only key to a scan; all scans share one budget of bytes.

Nothing that belongs to a visitor is kept anywhere else. Each built app has a store of its own.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from threading import Lock

from app.scan.cine import FrameNotReadyError
from app.scan.computing import COMPUTING
from app.scan.lru import Lru
from app.scan.open_scan import TRUTH_BYTES_A_VOXEL, VOLUME_BYTES_A_VOXEL, OpenScan
from app.visit.limits import ANSWERS, Limiter
from app.visit.rooms import Rooms

# A CT of 512 x 512 x 400 fits.
DEFAULT_CACHE_BYTES = 5 * 1024**3 // 2

# Bytes per voxel of an open scan: its values, the network's input and the reconstruction take 4 each as float32, the labels take 1.
_OPENED_BYTES_A_VOXEL = 13
# Charged for every visit, so that their number is limited too, even if they hold shared scans only.
_BYTES_A_VISIT = 4096
FRAME = "."
"""Between a token and the number of a frame. Tokens themselves have none. web/cine_frames.js writes it too."""
CINE_SHARE = 4
"""The frames of one cine may take this part of the budget at most: a quarter."""


class SessionError(LookupError):
    """The token is unknown, its scan is no longer held, or the scan is larger than the whole budget."""


@dataclass(frozen=True)
class _Entry:
    scan: OpenScan
    owner: str
    shared: bool
    beside: bool = False

    @property
    def byte_size(self) -> int:
        return _BYTES_A_VISIT + (0 if self.shared else self.scan.byte_size)


class SessionStore:
    """Open scans by token. If they exceed `byte_cap` together, the least recently used ones are dropped.

    An owner is one visit. It holds one scan, and at most one more beside it: opening the next one releases both. A shared scan (a bundled
    example) belongs to many visits at once. Its bytes do not count, and it is never closed.
    """

    def __init__(self, byte_cap: int | None = None) -> None:
        self.byte_cap = cache_bytes_from_environment() if byte_cap is None else byte_cap
        # How often each token is asked for.
        self.asked = Limiter(ANSWERS)
        # The classes that visits of this server hold.
        self.rooms = Rooms()
        self._entries: Lru[str, _Entry] = Lru(self.byte_cap, lambda entry: entry.byte_size)
        # Held while a visit exchanges its scan for the next one: others see this as one step.
        self._lock = Lock()

    def put(self, scan: OpenScan, owner: str, *, shared: bool = False) -> str:
        """Hold a scan for a visit.

        Args:
            scan: The scan.
            owner: The visit. Its scan before this one is released.
            shared: Whether the scan is a bundled example. If the visit holds it already, its token stays the same.

        Returns:
            The token of the scan.

        Raises:
            SessionError: If the scan is larger than the whole budget. Nothing is changed then.
        """
        entry = _Entry(scan, owner, shared)
        if entry.byte_size > self.byte_cap:
            needed, held = entry.byte_size / 2**20, self.byte_cap / 2**20
            name = scan.segmented.scan.name
            raise SessionError(f"{name} needs {needed:.0f} MiB of memory; this server holds scans of up to {held:.0f} MiB")
        with self._lock:
            # One click on an example can send two requests, whose answers arrive in any order. Both must name the same token.
            lent = next((token for token, held in self._entries.items() if held == entry), None) if shared else None
            if lent is not None:
                self._entries.get(lent)
                return lent
            token = secrets.token_urlsafe(24)
            dropped = [*self._take(owner), *self._entries.put(token, entry)]
        _close(dropped)
        return token

    def put_beside(self, scan: OpenScan, owner: str, *, shared: bool = False) -> str:
        """Hold a second scan of a visit, beside the one on show. It goes with that one, or when the next second one comes.

        Args:
            scan: The scan.
            owner: The visit.
            shared: As for `put`.

        Returns:
            The token of the second scan.

        Raises:
            SessionError: If the visit holds no scan, or if both are larger together than the whole budget. Nothing is changed then.
        """
        entry = _Entry(scan, owner, shared, beside=True)
        with self._lock:
            held = [(token, one) for token, one in self._entries.items() if one.owner == owner]
            first = next((token for token, one in held if not one.beside), None)
            if first is None:
                raise SessionError("this scan is no longer held on the server; choose or upload it again")
            needed = entry.byte_size + sum(one.byte_size for _, one in held if not one.beside)
            if needed > self.byte_cap:
                sizes = f"{needed / 2**20:.0f} MiB of memory; this server holds {self.byte_cap / 2**20:.0f} MiB"
                raise SessionError(f"both scans together need {sizes}")
            dropped = [one for token, one in held if one.beside and self._entries.pop(token)]
            # The one on show counts as just used, so that it does not make room for the second one.
            self._entries.get(first)
            token = secrets.token_urlsafe(24)
            dropped += self._entries.put(token, entry)
        _close(dropped)
        return token

    @property
    def most_scan_bytes(self) -> int:
        """Size of the largest scan that can be held, as bytes of its float32 voxels. This is known before a scan is read."""
        return 4 * (self.byte_cap // (_OPENED_BYTES_A_VOXEL + VOLUME_BYTES_A_VOXEL + TRUTH_BYTES_A_VOXEL))

    def get(self, token: object) -> OpenScan:
        """The scan of a token, or with "TOKEN.7" frame 7 of a cine. Raises SessionError if it is unknown or was dropped."""
        name, _, frame = token.partition(FRAME) if isinstance(token, str) else ("", "", "")
        entry = self._entries.get(name)
        if entry is None:
            raise SessionError("this scan is no longer held on the server; choose or upload it again")
        return _frame(entry.scan, frame) if frame else entry.scan

    def owner(self, token: object) -> str:
        """The visit that a token was given to, empty if it is unknown."""
        entry = self._entries.get(token.partition(FRAME)[0]) if isinstance(token, str) else None
        return "" if entry is None else entry.owner

    def holds(self, owner: str) -> bool:
        """Whether a visit holds a scan, as it does until it ends."""
        with self._lock:
            return any(entry.owner == owner for _, entry in self._entries.items())

    def release(self, owner: str) -> None:
        """End a visit: its scan is dropped, and the room of its class waits for the teacher's next visit."""
        self.rooms.left(owner)
        with self._lock:
            dropped = self._take(owner)
        _close(dropped)

    @property
    def byte_size(self) -> int:
        """Bytes held for all visitors."""
        return self._entries.weight

    @property
    def most_cine_bytes(self) -> int:
        """How much the frames of one cine may take besides the first."""
        return self.byte_cap // CINE_SHARE

    def __len__(self) -> int:
        return len(self._entries)

    def _take(self, owner: str) -> list[_Entry]:
        tokens = [token for token, entry in self._entries.items() if entry.owner == owner]
        taken = [self._entries.pop(token) for token in tokens]
        for token in tokens:
            COMPUTING.drop(token)
        return [entry for entry in taken if entry is not None]


def cache_bytes_from_environment() -> int:
    """The value of VQSEG_CACHE_BYTES, 2.5 GiB if it is not set. Raises ValueError unless it is a positive whole number."""
    text = os.environ.get("VQSEG_CACHE_BYTES", str(DEFAULT_CACHE_BYTES))
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"VQSEG_CACHE_BYTES must be a positive whole number of bytes, got {text!r}")
    return int(text)


def _close(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.scan.cine is not None:
            entry.scan.cine.leave(entry.owner)
        if not entry.shared:
            entry.scan.close()


def _frame(scan: OpenScan, number: str) -> OpenScan:
    if scan.cine is None or not number.isdecimal() or len(number) > 6:
        raise SessionError("this scan has no such frame")
    try:
        return scan.cine.frame(int(number))
    except (FrameNotReadyError, ValueError) as error:
        raise SessionError(str(error.args[0])) from error
