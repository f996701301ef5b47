"""python -m vqseg space: the folder that is pushed to a Hugging Face Space."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vqseg.cli.parsing import parse

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("app", "vqseg", "configs", "assets/examples", "assets/cine", "checkpoints")
_FILES = ("app.py", "pyproject.toml", "LICENSE", "SECURITY.md")
# A training log and scores are read by people who have the repository.
_LEFT_OUT = re.compile(r"__pycache__|\.pyc$|(^|/)\.|^checkpoints/[^/]+/(log\.jsonl\.gz|scores-.*)$")
_RULE = "{pattern} filter=lfs diff=lfs merge=lfs -text\n"


@dataclass(frozen=True, kw_only=True)
class Space:
    """Assemble the app as a Space runs it: code, checkpoints, examples, exact versions of all packages, and rules for binary files.

    docs/deploy.md says how it is pushed.
    """

    output: Path
    """Folder to write: a new one, or a clone of the Space."""
    hardware: Literal["cpu-basic", "zero-a10g"] | None = None
    """What the Space suggests to whoever copies it, cpu-basic or ZeroGPU; as in README.md if not given."""
    torch_index: str | None = None
    """Address of an index with PyTorch's builds for CPUs, without NVIDIA's libraries; PyTorch's start page names it. Not for ZeroGPU."""
    overwrite: bool = False
    """Replace files of these names that this command did not write."""


class SpaceError(ValueError):
    """A Space that cannot be assembled here."""


def run(rest: Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    command = parse(Space, "space", rest)
    from vqseg.outputs import Outputs

    if not (_ROOT / "app.py").is_file():
        raise SpaceError("a Space is assembled from a checkout of the repository, and this package was installed without one")
    if command.torch_index and command.hardware == "zero-a10g":
        raise SpaceError("--torch-index names builds for CPUs, and ZeroGPU needs the others; leave one of the two out")
    outputs = Outputs(command.output, "space", inputs=[_ROOT / name for name in (*_FOLDERS, *_FILES)], overwrite=command.overwrite)
    copied = sorted(_copied())
    made = {
        "README.md": _readme(command.hardware),
        "requirements.txt": requirements_of_space(command.torch_index),
        ".gitattributes": "".join(_RULE.format(pattern=pattern) for pattern in _binary(copied)),
    }
    outputs.check(*(command.output / name for name in (*copied, *made)))
    for name in copied:
        with outputs.writing(command.output / name) as part:
            shutil.copyfile(_ROOT / name, part)
    for name, text in made.items():
        outputs.write_text(command.output / name, text)
    size = sum((command.output / name).stat().st_size for name in (*copied, *made))
    print(f"{len(copied) + len(made)} files, {size / 1e6:.0f} MB, in {command.output}")
    return 0


def _copied() -> Iterator[str]:
    """Files that go as they are, by their paths in the repository: the app's, and the pages and pictures that README.md leads to."""
    for folder in _FOLDERS:
        for path in (_ROOT / folder).rglob("*"):
            name = path.relative_to(_ROOT).as_posix()
            if path.is_file() and not _LEFT_OUT.search(name):
                yield name
    yield from _FILES
    linked = set(re.findall(r"\]\(((?:docs|assets)/[\w./-]+\.\w+)", (_ROOT / "README.md").read_text(encoding="utf-8")))
    yield from sorted(name for name in linked if (_ROOT / name).is_file() and not name.startswith(_FOLDERS))


def _binary(names: Sequence[str]) -> list[str]:
    """Patterns of the files that are no text, which the Hub takes by LFS (Xet) alone: "*.npz"."""
    return sorted({f"*{Path(name).suffix}" for name in names if not _is_text(_ROOT / name)})


def _is_text(path: Path) -> bool:
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _readme(hardware: str | None) -> str:
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    return text if hardware is None else re.sub(r"(?m)^suggested_hardware: .*$", f"suggested_hardware: {hardware}", text, count=1)


def requirements_of_space(torch_index: str | None) -> str:
    """Exact versions without hashes: the Space installs further packages in the same call, which have none.

    torch_index: As the command has it.
    """
    pinned = re.findall(r"^([\w.-]+==[^\\\n]+?) *\\$", (_ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    torch = next(line for line in (_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    # The Space brings the `spaces` that fits its hardware.
    lines = [torch, *(line for line in pinned if not line.startswith("spaces=="))]
    return "\n".join(([f"--extra-index-url {torch_index}"] if torch_index else []) + lines) + "\n"
