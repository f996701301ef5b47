"""Where a checkpoint's files lie: a folder, a name that is bundled or cached, or a repository on the Hugging Face Hub.

Knows nothing of networks, and of what is in the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WEIGHTS, CONFIG = "model.safetensors", "config.json"
COMPANIONS = ("codebook.npz", "familiarity.npz", "snapshots.npz", "README.md")
"""What else a checkpoint has; nothing but these files and the two above is ever downloaded."""
_REPOSITORY = Path(__file__).resolve().parents[1]


class CheckpointError(ValueError):
    """A checkpoint that is missing, incomplete or does not fit its own configuration."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """How a checkpoint comes from the Hub; the names are those of huggingface_hub."""

    revision: str | None = None
    """Branch, tag or commit; the main branch if not given."""
    token: str | bool | None = field(default=None, repr=False)
    """For private repositories; the stored one of `hf auth login` if not given, none at all for False."""
    cache_dir: str | Path | None = None
    """Where downloads are kept; huggingface_hub's own cache if not given."""
    local_files_only: bool = False
    """Ask nobody: only what was downloaded before. So does HF_HUB_OFFLINE=1."""
    force_download: bool = False
    """Download again what is there."""


_PLAIN = Download()


def checkpoint_folder(path_or_hub_id: str | Path, download: Download = _PLAIN) -> Path:
    """The local folder of a checkpoint.

    Args:
        path_or_hub_id: A folder; or the name of a checkpoint ("acdc-10") that lies in a folder of VQSEG_CHECKPOINTS, in this repository or,
            from one owner only, in the Hub's cache; or a Hub id "owner/name", which is downloaded.
        download: How it is downloaded.

    Raises:
        CheckpointError: There is none, or the Hub does not give it.
    """
    path, text = Path(path_or_hub_id), str(path_or_hub_id)
    if path.is_dir():
        return path
    if not path.exists() and text == path.name and not text.startswith("."):
        return _named(text, download)
    if path.exists() or path.is_absolute() or text.startswith(".") or text.count("/") != 1:
        raise CheckpointError(f"{_no_folder(text)}, or a Hub id owner/name")
    return _downloaded(text, download)


def _no_folder(text: str) -> str:
    return f"there is no checkpoint folder {text!r}; expected a folder with {WEIGHTS} and {CONFIG}"


def _named(name: str, download: Download) -> Path:
    given = [Path(folder) for folder in os.environ.get("VQSEG_CHECKPOINTS", "").split(os.pathsep) if folder]
    # An installed package lies beside strangers, of whom one may be called so.
    bundled = [_REPOSITORY / "checkpoints"] if (_REPOSITORY / "pyproject.toml").is_file() else []
    for folder in (*given, *bundled):
        if _is_checkpoint(folder / name):
            return folder / name
    cached = dict(_cached(name, download))
    if len(cached) == 1:
        return next(iter(cached.values()))
    if cached:
        raise CheckpointError(f"{name!r} was downloaded from several owners; name one: {', '.join(sorted(cached))}")
    raise CheckpointError(f"{_no_folder(name)}, a Hub id owner/{name}, or VQSEG_CHECKPOINTS with the folder in which {name} lies")


def _is_checkpoint(folder: Path) -> bool:
    return (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()


def _cached(name: str, download: Download) -> Iterator[tuple[str, Path]]:
    """Downloads of a name's wanted revision that lie in the Hub's cache: their ids and folders."""
    from huggingface_hub.constants import HF_HUB_CACHE

    for place in sorted(Path(download.cache_dir or HF_HUB_CACHE).glob(f"models--*--{name}")):
        try:
            commit = (place / "refs" / (download.revision or "main")).read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if _is_checkpoint(place / "snapshots" / commit):
            yield "/".join(place.name.split("--")[1:]), place / "snapshots" / commit


def _downloaded(hub_id: str, download: Download) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                hub_id,
                revision=download.revision,
                token=download.token,
                cache_dir=download.cache_dir,
                local_files_only=download.local_files_only,
                force_download=download.force_download,
                allow_patterns=[WEIGHTS, CONFIG, *COMPANIONS],
            )
        )
    except Exception as error:
        if not is_of_the_hub(error):
            raise
        raise CheckpointError(f"{hub_id!r} is no local folder and could not be downloaded from the Hub: {why(error)}") from error


def is_of_the_hub(error: Exception) -> bool:
    """Whether an error is an answer of the Hub, of the way to it, or of the disk; others are faults of ours."""
    # The library of its requests has changed its name before, and its errors have no base in common with huggingface_hub's.
    return isinstance(error, OSError) or type(error).__module__.split(".")[0] in ("huggingface_hub", "httpx", "httpx2")


def why(error: Exception) -> str:
    """What the Hub's answer means, without its text: that may hold addresses and what was sent."""
    from huggingface_hub import errors

    # The narrower kinds first.
    meanings: dict[type[Exception], str] = {
        errors.GatedRepoError: "its owner gives access on request only; ask on its page, then give a token",
        errors.RepositoryNotFoundError: "it does not exist, or it is private and the token does not open it",
        errors.RevisionNotFoundError: "it has no such revision",
        errors.LocalEntryNotFoundError: "it is not in the cache, and the Hub cannot be asked",
        errors.HFValidationError: "it is no valid id",
    }
    return next((text for kind, text in meanings.items() if isinstance(error, kind)), type(error).__name__)
