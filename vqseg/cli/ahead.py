"""What is needed next is fetched while the present one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
FoundT = TypeVar("FoundT")


def fetched_ahead(items: Iterable[ItemT], fetch: Callable[[ItemT], FoundT]) -> Iterator[tuple[ItemT, Future[FoundT]]]:
    """Go through items, and fetch what belongs to one of them in a thread while the caller works on the one before.

    Args:
        items: What is gone through.
        fetch: Called once for each, one after the other. What it raises comes with the future's result.

    Yields:
        Each item with what was fetched for it, of which nothing is kept here.
    """
    pool, waiting = ThreadPoolExecutor(1, "ahead"), deque[tuple[ItemT, "Future[FoundT]"]]()
    try:
        for item in items:
            waiting.append((item, pool.submit(fetch, item)))
            if len(waiting) > 1:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
