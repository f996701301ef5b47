"""The newest versions of everything: python tools/newest.py prints requirements-dev.txt without its upper bounds, for `make newest`.

Lower bounds stay, and so does torch's pin: without it another, far larger build would be installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print the lines. Returns the exit status."""
    print("\n".join(unbounded(ROOT / "requirements-dev.txt")))
    return 0


def unbounded(file: Path) -> Iterator[str]:
    """A file of requirements, and those that it includes, with lower bounds alone."""
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            yield from unbounded(file.parent / text[3:].strip())
        elif text:
            wanted = Requirement(text)
            kept = [str(one) for one in wanted.specifier if wanted.name == "torch" or one.operator.startswith(">")]
            yield wanted.name + ",".join(kept)


if __name__ == "__main__":
    sys.exit(main())
