"""What came of the visitors' requests: times, refusals, and answers that are not those of a lone visitor."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

KINDS = ("example", "upload", "epsilon", "segment")


class RefusedError(Exception):
    """The server was busy, and said so."""


@dataclass
class Tally:
    """What came of the requests.

    Attributes:
        expected: The digests of the lone visitor's answers by what was asked.
        seconds: How long each answered request took, by kind.
        refused: How many were refused, by kind.
        wrong: What was asked when an answer was another one than the lone visitor's.
        failed: Messages of requests that failed in another way.
        waits: What programs were told while they waited.
    """

    expected: dict[tuple[object, ...], str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    wrong: list[tuple[object, ...]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waits: int = 0

    def compare(self, asked: tuple[object, ...], answer: object) -> None:
        """Compare an answer with the lone visitor's, or keep it if it is the first."""
        content = answer if isinstance(answer, bytes) else json.dumps(answer, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        if self.expected.setdefault(asked, digest) != digest:
            self.wrong.append(asked)

    @asynccontextmanager
    async def timed(self, kind: str) -> AsyncIterator[None]:
        """Measure one request. One that was refused or has failed ends here."""
        begun = time.perf_counter()
        try:
            yield
            self.seconds[kind].append(time.perf_counter() - begun)
        except RefusedError:
            self.refused[kind] += 1
        except (httpx.HTTPError, RuntimeError, KeyError) as error:
            self.failed.append(f"{kind}: {error!r}")
