"""All speeds side by side, each against its floor and its peers: python benchmarks/bench.py [--quick] [--only TITLE ...]

Writes docs/benchmarks.md (--output). `make bench` installs the peers first (requirements-bench.txt); without one of them its lines are
left out. --quick takes two turns of small sizes and starts no app: it shows that everything still runs, and its numbers mean nothing.
The times hold for this machine; within a table all entries take turns, so their ratios hold on a busy one, too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

# One thread: what two of them gain depends on who else is there. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

THREADS = int(os.environ["OMP_NUM_THREADS"])

from contest import codes, processes, scans, visitors  # noqa: E402
from contest.page import page  # noqa: E402
from contest.race import Race, run  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints" / "acdc-10")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each entry; the slowest races have a third")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=None, help="parts of the titles of the races to run")
    parser.add_argument("--port", type=int, default=7897)
    known = parser.parse_args()
    results, rounds = [], 2 if known.quick else known.rounds
    with ExitStack() as keep:
        for race in races(known.checkpoint, keep, quick=known.quick, port=known.port):
            if known.only and not any(part.lower() in race.title.lower() for part in known.only):
                continue
            print(f"{race.title}: {race.what}", file=sys.stderr, flush=True)
            # Some libraries set it while they are imported.
            torch.set_num_threads(THREADS)
            results.append((race, run(race, max(1, rounds // 3) if race.slow else rounds)))
    view: dict[str, list[float]] = {}
    asked = not known.quick and (known.only is None or any("first view" in part.lower() for part in known.only))
    if asked and processes.CHROMIUM.exists():
        view = processes.first_view(known.port, max(1, rounds // 3))
    crowd = ""
    if not known.quick and (known.only is None or any("visitors" in part.lower() for part in known.only)):
        crowd = visitors.table(visitors.crowds(known.port, 15))
    known.output.parent.mkdir(parents=True, exist_ok=True)
    known.output.write_text(page(" ".join(["python benchmarks/bench.py", *sys.argv[1:]]), results, view, crowd, rounds), encoding="utf-8")
    print(f"{known.output}: {len(results)} races")
    return 0


def races(checkpoint: Path, keep: ExitStack, *, quick: bool, port: int) -> Iterator[Race]:
    """All races, each made when it is its turn.

    Args:
        checkpoint: A folder.
        keep: Deletes what they write, at its end.
        quick: Small sizes, and no app.
        port: Of the app.
    """
    if quick:
        yield from codes.swaps(256, 512)
        yield from codes.searches((1024, 65536), 2**20)
        yield from codes.quantizers(8, 512)
        yield from codes.maps(64)
        yield from scans.scores()
        yield from scans.training(2, 32)
        yield from scans.frames(checkpoint)
        return
    yield from codes.swaps()
    yield from codes.searches()
    yield from codes.quantizers()
    yield from scans.openings(checkpoint)
    yield from scans.frames(checkpoint)
    yield from scans.scores()
    yield from scans.commands(checkpoint, 3, keep)
    yield from scans.training()
    yield from codes.maps()
    yield from growth(checkpoint)
    yield from processes.starts(port)


def growth(checkpoint: Path) -> Iterator[Race]:
    """How the times grow: one table a quantity, whose entries are sizes.

    Args:
        checkpoint: A folder.
    """
    yield from codes.swaps_by_tokens((576, 1152, 2304, 4608, 9216))
    yield from codes.searches_by_size((512, 1024, 2048, 4096, 8192, 16384, 32768, 65536))
    yield from scans.openings_by_slices(checkpoint, (1, 4, 8, 16, 32))


if __name__ == "__main__":
    sys.exit(main())
