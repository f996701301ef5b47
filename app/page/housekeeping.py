"""Deletes, every now and then while the server runs, what nobody has asked for in time; and everything when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from app.visit.limits import SWEEP_SECONDS
from app.visit.unforeseen import told


class Swept(Protocol):
    """What holds files, or rooms of classes, for a limited time."""

    def sweep(self) -> None:
        """Delete what is too old."""

    def close(self) -> None:
        """Delete all."""


def housekeeping(
    kept: Sequence[Swept], blocks: gr.Blocks, every: float = SWEEP_SECONDS
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Make the lifespan of a server.

    Args:
        kept: What is swept, and closed in the end.
        blocks: Gradio's record of files, in which their names would stay.
        every: Seconds between two times.

    Returns:
        The lifespan.
    """

    async def work() -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await asyncio.to_thread(sweep, kept, blocks)
            except Exception as error:
                told(error)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        working = asyncio.create_task(work())
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            for one in kept:
                one.close()

    return lifespan


def sweep(kept: Sequence[Swept], blocks: gr.Blocks) -> None:
    """Delete what is too old, and forget the names of files that are gone.

    Args:
        kept: What is swept.
        blocks: Gradio's record of files.
    """
    for one in kept:
        one.sweep()
    for names in blocks.temp_file_sets:
        names.difference_update([name for name in list(names) if not Path(name).exists()])
