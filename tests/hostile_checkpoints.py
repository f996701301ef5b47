"""Opens checkpoints in a process of its own and prints, for each, what was said, the seconds and the megabytes that it took."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from vqseg.checkpoint import load_model
from vqseg.codebook import read_reference, read_statistics


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


load_model(sys.argv[1])
read_statistics(sys.argv[1])
read_reference(sys.argv[1])
answers = {}
for name in sys.argv[2:]:
    before, start = peak(), time.perf_counter()
    try:
        load_model(name)
        read_statistics(name)
        read_reference(name)
        said, kind = "", ""
    except Exception as error:
        said, kind = str(error), type(error).__name__
    answers[Path(name).name] = {"kind": kind, "said": said, "seconds": time.perf_counter() - start, "megabytes": peak() - before}
print(json.dumps(answers))
