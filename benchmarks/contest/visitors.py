"""How the frames of visitors who drag epsilon become fewer with their number."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from crowd.dragging import Drags, dragging
from crowd.running import app
from crowd.scans import write_scans

CROWDS = (("own", 1), ("own", 4), ("own", 16), ("example", 1), ("example", 30))


def crowds(port: int, seconds: float, some: Sequence[tuple[str, int]] = CROWDS) -> list[tuple[str, int, Drags]]:
    """Let visitors drag, a new app for each crowd.

    Args:
        port: Of the app.
        seconds: How long they drag.
        some: Whether they open scans of their own or all the same example, and how many they are.

    Returns:
        The same with what came of it.
    """
    found = []
    for kind, count in some:
        with tempfile.TemporaryDirectory() as name, app(port) as (url, _):
            scans = write_scans(Path(name), count) if kind == "own" else []
            found.append((kind, count, asyncio.run(dragging([url], scans, count, seconds))))
    return found


def table(found: Sequence[tuple[str, int, Drags]]) -> str:
    """What came of the crowds, in Markdown.

    Args:
        found: As `crowds` gives it.
    """
    lines = ["| visitors | scans | frames/s of each: median | least | of all | s a frame: median | 95 % | no frame |", "|" + "---|" * 8]
    for kind, count, drags in found:
        rates = np.array([len(waits) / drags.seconds for waits in drags.waits])
        waits = np.concatenate([np.array(one) for one in drags.waits])
        figures = (
            f"{np.median(rates):.1f} | {rates.min():.1f} | {rates.sum():.1f} | {np.median(waits):.2f} | {np.percentile(waits, 95):.2f}"
        )
        lines.append(f"| {count} | {'of their own' if kind == 'own' else 'one example'} | {figures} | {len(drags.others)} |")
    return "\n".join(lines)
