"""The configurations that come with the package, by name: "acdc-10" is configs/acdc-10.yaml, wherever the package lies."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_ENDING = ".yaml"


def shipped_configs() -> dict[str, Path]:
    """The files of the wheel, or of the repository that the package lies in, by their names without the ending."""
    folder = next((one for one in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if one.is_dir()), None)
    return {} if folder is None else {path.name.removesuffix(_ENDING): path for path in sorted(folder.glob(f"*{_ENDING}"))}


def config_path(name: str | Path) -> Path:
    """The file that a user means.

    Args:
        name: A path, or the name of a shipped configuration. A file of the user's own goes first.

    Returns:
        The path, which need not exist.
    """
    path = Path(name)
    return path if path.exists() else shipped_configs().get(str(name), path)
