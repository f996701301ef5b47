"""The process of vqseg.data.apart with readers that fail as the file's name says. The programs themselves have no such readers."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any

from vqseg.data.apart import child, template
from vqseg.types import Scan

_real = child.read_scan


def fails(path: Any, *rest: Any, **named: Any) -> Scan:
    name, held = Path(path).name if isinstance(path, str) else "", []
    while name.startswith("loops"):
        pass
    while name.startswith("rests"):
        time.sleep(60)
    while name.startswith("eats"):
        held.append(bytearray(1 << 24))
    if name.startswith("aborts"):
        os.abort()
    if name.startswith("crashes"):
        ctypes.string_at(0)
    if name.startswith("exits"):
        os._exit(0)
    if name.startswith("raises"):
        raise TypeError("DOE^JANE in /secret/folder")
    if name.startswith("prints"):
        print("no answer of this process", flush=True)
    return _real(path, *rest, **named)


child.read_scan = fails  # type: ignore[attr-defined]
template.main()
