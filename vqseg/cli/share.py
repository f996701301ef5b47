"""Which of the scans one of several processes segments: each has its share, whatever started it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vqseg.cli.scans import Work
from vqseg.types import Share


class ShareError(ValueError):
    """A share that makes no sense. The message says what came instead."""


def share_of_run(words: str | None, environment: Mapping[str, str]) -> Share:
    """The share of this process.

    Args:
        words: "2/5" for the second of five; None to ask the environment.
        environment: RANK and WORLD_SIZE in it, as `accelerate launch` and torchrun set them; without them one process does all.

    Raises:
        ShareError: Either makes no sense.
    """
    if words is None:
        rank, count = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
        if not (rank.isdecimal() and count.isdecimal() and int(rank) < int(count)):
            raise ShareError(f"RANK is {rank!r} and WORLD_SIZE {count!r}; expected numbers, the first from 0 and below the second")
        return Share(int(rank), int(count))
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", words)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ShareError(f"--share is {words!r}; expected a number of all, from 1, such as 2/5 for the second of five")
    return Share(int(match[1]) - 1, int(match[2]))


def works_of(works: Sequence[Work], share: Share) -> list[Work]:
    """The scans of one share. Those whose labels might take one name are in one share, where one of them is refused as without shares.

    Args:
        works: All scans, the same for all shares.
        share: The share.
    """
    from vqseg.data.scan import without_ending

    groups: dict[str, int] = {}
    return [work for work in works if groups.setdefault(without_ending(work.source.name), len(groups)) % share.count == share.index]


def device_of(device: str | None, environment: Mapping[str, str]) -> str | None:
    """The device of this process: of several processes on one machine, each has a GPU of its own.

    Args:
        device: As it was named.
        environment: LOCAL_RANK in it, if the launcher sets it.
    """
    rank = environment.get("LOCAL_RANK", "")
    if device != "cuda" or not rank.isdecimal():
        return device
    import torch

    count = torch.cuda.device_count()
    return f"cuda:{int(rank) % count}" if count else device
