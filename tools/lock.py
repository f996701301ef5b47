"""requirements.lock: one exact version, with hashes, of all that a Space installs: python tools/lock.py [--uv PROGRAM]

The versions fit requirements.txt and what a Space with the Gradio SDK installs beside it, on every system and Python from 3.11 on.
torch is left out, with the packages that only its builds for GPUs need: its builds for CPUs come from another place under the same version,
with other hashes. `make LOCKED=1 app` installs torch's pin first and then the lock.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BESIDE = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces")
"""What a Space with the Gradio SDK installs together with requirements.txt and Gradio, in one call of pip."""
_GPU_PARTS = re.compile(r"triton|nvidia-[\w-]+|cuda-[\w-]+")
_HEAD = "# Made by `make lock`, from requirements.txt and what a Space installs beside it. Without torch: see tools/lock.py.\n"
_OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")
# Where the versions were looked up is the maker's affair.
_SILENT = ("--no-emit-index-url", "--no-emit-find-links")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the lock anew. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", default="uv", help="the program uv (default: the one of the path)")
    known = parser.parse_args(arguments)
    command = [known.uv, "pip", "compile", *_OPTIONS, *_SILENT, "-"]
    answer = subprocess.run(command, input="\n".join(wanted()), capture_output=True, text=True, check=False, cwd=ROOT)
    if answer.returncode:
        print(answer.stderr.strip(), file=sys.stderr)
        return 1
    LOCK.write_text(_HEAD + without_torch(answer.stdout), encoding="utf-8")
    print(f"{LOCK.name}: {len(locked(LOCK.read_text(encoding='utf-8')))} packages")
    return 0


def wanted() -> list[str]:
    """The lines that a Space installs together."""
    head = re.search(r"^sdk_version: (\S+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    if head is None:
        raise ValueError("README.md names no sdk_version")
    return ["-r requirements.txt", f"gradio[oauth,mcp]=={head[1]}", *BESIDE]


def without_torch(text: str) -> str:
    """A lock without torch and what its builds for GPUs bring along."""
    kept, keeping = [], True
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "\t")):
            name = line.split("==")[0]
            keeping = name != "torch" and not is_gpu_part(name)
        if keeping:
            kept.append(line)
    return "".join(kept)


def is_gpu_part(name: str) -> bool:
    """Whether a package, by its canonical name, is one that only torch's builds for GPUs need."""
    return _GPU_PARTS.fullmatch(name) is not None


def locked(text: str) -> dict[str, list[str]]:
    """The exact versions of a lock by package, each "name==version ; condition"; several where systems differ."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if named := re.match(r"([\w.-]+)==[^\\]+", line):
            found.setdefault(named[1], []).append(named[0].strip())
    return found


if __name__ == "__main__":
    sys.exit(main())
