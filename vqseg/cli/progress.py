"""A progress bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")


def bar(items: Sequence[ItemT], description: str, unit: str = "scan") -> Iterable[ItemT]:
    """Go through items and show how many are done, where standard error is a terminal.

    Args:
        items: What is gone through.
        description: What is done with them.
        unit: What one of them is.

    Returns:
        The items, one after the other.
    """
    from tqdm import tqdm

    shown: Iterable[ItemT] = tqdm(items, desc=description, unit=unit, dynamic_ncols=True, disable=None)
    return shown
