"""What a package outside the core is needed for, and how to get it. Knows of nothing else in the project."""

from __future__ import annotations

EXTRAS = {
    **dict.fromkeys(("SimpleITK", "gdcm", "highdicom", "openjpeg", "pydicom", "pylibjpeg"), "formats"),
    **dict.fromkeys(("accelerate", "filelock", "matplotlib", "sklearn", "umap"), "train"),
    "tensorboard": "trackers",
    "transformers": "foundation",
}
"""Modules by the extra of pyproject.toml that installs them."""


def how_to_get(error: ModuleNotFoundError) -> str | None:
    """One sentence for a package of an extra that is not installed. None if the module is none of ours to offer."""
    module = (error.name or "").split(".")[0]
    return f"{module} is not installed; get it by: pip install 'vqseg[{EXTRAS[module]}]'" if module in EXTRAS else None
