"""A network's checkpoint as others get it: with its card and its codebook's files, in a folder or on the Hugging Face Hub."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vqseg.checkpoint import read_config, save_model
from vqseg.hub import COMPANIONS, WEIGHTS, CheckpointError, is_of_the_hub, why
from vqseg.models.vqseg import VQSeg
from vqseg.plain import child

_CARD = """---
library_name: vqseg
pipeline_tag: image-segmentation
tags: [medical-imaging, vector-quantization, semi-supervised, model_hub_mixin, pytorch_model_hub_mixin]
---

# {name}

A VQ-Seg network with {size} codewords. It segments {classes}. Say here what it was trained on, under which licence, and how well it does.
**Research only, not for clinical use.**

```python
from vqseg import VQSeg

model = VQSeg.from_pretrained("owner/{name}")
```
"""


def save_with_companions(model: VQSeg, folder: Path) -> None:
    """Write a checkpoint; with the files that belong to its codebook if its weights are still those that were loaded.

    Args:
        model: The network.
        folder: Made if missing. A card that is there stays.
    """
    origin = model.origin
    stored = _stored(origin) if origin is not None else {}
    # The statistics of another codebook would be refused by whoever reads them.
    if origin is not None and _same(model, stored):
        half = any(value.dtype == torch.float16 for value in stored.values())
        save_model(model, folder, training=child(read_config(origin), "training"), half=half)
        for name in COMPANIONS:
            if (origin / name).is_file() and origin.resolve() != folder.resolve():
                shutil.copyfile(origin / name, folder / name)
    else:
        save_model(model, folder)
    if not (folder / "README.md").exists():
        classes = ", ".join(model.config.classes[1:])
        card = _CARD.format(name=folder.resolve().name, size=model.config.codebook_size, classes=classes)
        (folder / "README.md").write_text(card, encoding="utf-8")


def _stored(folder: Path) -> dict[str, Tensor]:
    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError):
        # The folder has gone since, as that of a test or of a cache.
        return {}


def _same(model: VQSeg, stored: Mapping[str, Tensor]) -> bool:
    now = model.state_dict()
    return now.keys() == stored.keys() and all(torch.equal(value.float().cpu(), stored[name].float()) for name, value in now.items())


def push(model: VQSeg, hub_id: str, *, token: str | None, private: bool | None, upload: Mapping[str, object]) -> str:
    """Push a checkpoint in one commit.

    Args:
        model: The network.
        hub_id: "owner/name"; made if missing.
        token: With the right to write; the stored one if None.
        private: Of a new repository.
        upload: Further arguments of huggingface_hub's `upload_folder`.

    Returns:
        The address of the commit.

    Raises:
        CheckpointError: The Hub does not take it.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    try:
        repository = api.create_repo(repo_id=hub_id, private=private, exist_ok=True).repo_id
        with TemporaryDirectory() as parent:
            folder = Path(parent) / repository.split("/")[-1]
            save_with_companions(model, folder)
            return str(api.upload_folder(repo_id=repository, repo_type="model", folder_path=folder, **cast("dict[str, Any]", dict(upload))))
    except Exception as error:
        if not is_of_the_hub(error):
            raise
        raise CheckpointError(f"{hub_id!r} was not pushed to the Hub: {why(error)}") from error
