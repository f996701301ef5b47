"""Standard output when nobody reads it any more, as in `python -m vqseg predict ... | head -1`."""

from __future__ import annotations

import os
import select
import sys
from typing import TextIO


def reader_has_gone() -> bool:
    """Whether standard output or standard error leads nowhere. Then what is still to be written goes nowhere, too, without an error."""
    gone = [stream for stream in (sys.stdout, sys.stderr) if _leads_nowhere(stream)]
    for stream in gone:
        # Not closed: Python flushes it once more when it ends, and would tell of that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return bool(gone)


def _leads_nowhere(stream: TextIO) -> bool:
    try:
        stream.flush()
        number = stream.fileno()
    except BrokenPipeError:
        return True
    except (OSError, ValueError):
        return False
    # The write that has failed may have left nothing to flush; Windows cannot be asked.
    if not hasattr(select, "poll"):
        return False
    asked = select.poll()
    asked.register(number, 0)
    return any(answer & select.POLLERR for _, answer in asked.poll(0))
