"""Damaged files of every format, one after the other: `python tests/fuzz.py --seconds 60`, or `make fuzz`.

Each must be read as a scan that makes sense, or refused by a ScanError that its reader has foreseen, within bounds of time and memory and
without a warning. A case is known by its seed and its number: `--seed 7 --first 1234 --count 1` makes it again. What is found is kept
below `--keep` and printed; then it becomes a case in tests/bad_files.py.

The files are read in a second process, which is ended and started again behind a case that hangs or kills it.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HANG_SECONDS = 75.0
CHECKPOINT = "checkpoint"
"""Given as --only: the files of a checkpoint in place of scans."""
_SHOWN = 600
_SIDE = 6


@dataclass(frozen=True)
class Found:
    """A case that went wrong. name: of the undamaged files; what: in words."""

    seed: int
    number: int
    name: str
    what: str
    files: dict[str, bytes]

    def kept(self, folder: Path) -> Path:
        """Write the files where they stay."""
        digest = hashlib.sha256(b"".join(self.files.values())).hexdigest()[:12]
        place = folder / f"{self.name}-{digest}"
        place.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (place / name).write_bytes(content)
        (place / "what.txt").write_text(f"--seed {self.seed} --first {self.number} --count 1\n{self.what}\n")
        return place


def corpus(folder: Path, only: str = "") -> dict[str, dict[str, bytes]]:
    """The undamaged files, by the name of their format: small ones of every format, and of a checkpoint where there is one."""
    import dicom_files
    from every_format import FILES

    # Their numbers are random: the same case needs the same ones.
    numbers = itertools.count(1)
    dicom_files.generate_uid = lambda: f"1.2.826.{next(numbers)}"
    made: dict[str, dict[str, bytes]] = {}
    if only == CHECKPOINT:
        return {CHECKPOINT: _checkpoint(folder)}
    for name, write in FILES.items():
        if only not in name:
            continue
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        write(own / name, _SIDE)
        files = sorted(own.rglob("*") if (own / name).is_dir() else own.iterdir())
        made[name] = {path.name: path.read_bytes() for path in files if path.is_file()}
        if name == "series":
            made[name] = {number: made[name][number] for number in "0123"}
    return made


def _checkpoint(folder: Path) -> dict[str, bytes]:
    """A tiny network, with the codebook's statistics and the reference of a bundled one."""
    from tiny import tiny_model

    from vqseg.checkpoint import save_model

    save_model(tiny_model(), folder)
    shipped = next((ROOT / "checkpoints").iterdir())
    for name in ("codebook.npz", "familiarity.npz"):
        shutil.copy(shipped / name, folder / name)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def case(files: dict[str, dict[str, bytes]], seed: int, number: int) -> tuple[str, dict[str, bytes]]:
    """The case of a number: the name of its format, and its files."""
    from mutations import mutated

    chance = random.Random(f"{seed}:{number}")
    name = sorted(files)[number % len(files)]
    return name, mutated(files[name], chance)


def fuzz(seed: int, first: int, count: int, seconds: float, only: str = "") -> Iterator[Found | Counter[str]]:
    """Run cases until their number or the time is over. Yields what goes wrong, and at last how the others have ended."""
    until, number, totals = time.monotonic() + seconds, first, Counter[str]()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as own:
        files = corpus(Path(own) / "corpus", only)
        while number < first + count and time.monotonic() < until:
            run = ["--worker", "--seed", str(seed), "--first", str(number), "--count", str(first + count - number), "--only", only]
            for number, said in _watched([*run, "--seconds", str(until - time.monotonic())], Path(own), until):
                if said in ("read", "refused"):
                    totals[said] += 1
                else:
                    yield Found(seed, number, *case(files, seed, number)[:1], said, case(files, seed, number)[1])
            number += 1
    yield totals


def _watched(arguments: list[str], own: Path, until: float) -> Iterator[tuple[int, str]]:
    """Number and end of every case of one process, until it ends."""
    place = Path(tempfile.mkdtemp(dir=own))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__)), *arguments, "--place", str(place)]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        selectors.DefaultSelector() as selector,
    ):
        assert process.stdout is not None and process.stderr is not None
        os.set_blocking(process.stdout.fileno(), False)
        selector.register(process.stdout, selectors.EVENT_READ)
        under_way, rest = -1, b""
        while True:
            if not selector.select(HANG_SECONDS):
                process.kill()
                if under_way < 0:
                    raise RuntimeError("the process that reads does not start")
                yield under_way, f"hangs for more than {HANG_SECONDS:.0f} s"
                break
            part = process.stdout.read()
            if not part:
                if process.wait() or rest:
                    text = process.stderr.read().decode(errors="replace")
                    if under_way < 0:
                        raise RuntimeError(f"the process that reads does not start: {text[-2000:]}")
                    yield under_way, f"ends its process with status {process.returncode}: {text[-_SHOWN:]}"
                break
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                number, said = json.loads(line)
                under_way = number
                if said:
                    yield number, said
    shutil.rmtree(place, ignore_errors=True)


def _work(options: argparse.Namespace) -> None:
    from fuzz_judge import Judge

    judge, until = Judge(checkpoints=options.only == CHECKPOINT), time.monotonic() + options.seconds
    files = corpus(options.place / "corpus", options.only)
    judge.warm(files, options.place / "warm")
    for number in range(options.first, options.first + options.count):
        if time.monotonic() > until:
            break
        print(json.dumps([number, ""]), flush=True)
        print(json.dumps([number, judge.judged(case(files, options.seed, number)[1], options.place / "case")]), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="a random one by default, which is printed")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--only", default="", help="part of a format's name, as in tests/every_format.py; or checkpoint")
    parser.add_argument("--keep", type=Path, default=ROOT / "outputs" / "fuzz")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = _options()
    if options.worker:
        _work(options)
        return
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    known = Counter[str]()
    for one in fuzz(seed, options.first, options.count, options.seconds, options.only):
        if isinstance(one, Counter):
            print(f"{one['read']} read, {one['refused']} refused, {sum(known.values())} gone wrong, of {len(known)} kinds")
            continue
        known[one.what] += 1
        if known[one.what] == 1:
            start = next(iter(one.files.values()))[:64].hex() if len(one.files) == 1 else f"{len(one.files)} files"
            print(f"--seed {seed} --first {one.number} --count 1: {one.name}: {one.what}\n  {one.kept(options.keep)}: {start}", flush=True)
    sys.exit(bool(known))


if __name__ == "__main__":
    main()
