"""The frozen foundation model: frozen for good, patch features in place, its own normalisation, and clear refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers", reason="foundation models need transformers")

from vqseg.models.foundation import RANDOM, FoundationError, FoundationModel, pretrained  # noqa: E402

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 56}


def saved(folder: Path, kind: str, **changes: Any) -> str:
    """A tiny model of a family, written as a local folder the way the Hub has it."""
    torch.manual_seed(0)
    if kind == "clip":
        vision = SMALL | {"patch_size": 14}
        text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 64}
        model = transformers.CLIPModel(transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=8))
    else:
        config = transformers.AutoConfig.for_model(kind, **(SMALL | {"patch_size": 14} | changes))
        model = transformers.AutoModel.from_config(config)
    model.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vit_mae", "clip"])
def test_every_family_gives_one_feature_a_patch_in_its_place(kind: str, tmp_path: Path) -> None:
    if kind == "dinov3_vit" and not hasattr(transformers, "DINOv3ViTModel"):
        pytest.skip("this version of transformers has no DINOv3")
    model = FoundationModel(saved(tmp_path, kind))
    assert (model.side, model.patch, model.channels) == (56, 14, 16)
    image = torch.rand(2, 1, 56, 56, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.4
    changed = image.clone()
    changed[:, :, 14:28, 42:56] = torch.rand(14, 14, generator=torch.Generator().manual_seed(2))
    features = model(image)
    assert features.shape == (2, 16, 4, 4)
    moved = (model(changed) - features).norm(dim=1)
    assert moved[0].flatten().argmax() == 1 * 4 + 3
    assert torch.equal(model(image), features), "the features must not be drawn at random"


def test_it_stays_frozen_and_in_evaluation_mode() -> None:
    model = FoundationModel(RANDOM).train()
    assert not model.training
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    images = torch.rand(1, 1, 32, 32, requires_grad=True)
    assert not model(images).requires_grad


def test_grey_images_are_normalised_with_the_statistics_beside_the_weights(tmp_path: Path) -> None:
    source = saved(tmp_path, "dinov2")
    assert FoundationModel(source).mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.53, 0.53, 0.53], "image_std": [0.26, 0.26, 0.26]}')
    model = FoundationModel(source)
    assert model.mean.flatten().tolist() == pytest.approx([0.53] * 3)
    assert model.std.flatten().tolist() == pytest.approx([0.26] * 3)
    # And what the vision transformer itself is given.
    given: list[torch.Tensor] = []
    model.model.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    images = torch.rand(2, 1, model.side, model.side, generator=torch.Generator().manual_seed(0))
    model(images)
    assert given[0].shape == (2, 3, model.side, model.side)
    np.testing.assert_allclose(given[0].numpy(), np.repeat((images.numpy() - 0.53) / 0.26, 3, axis=1), atol=1e-5)


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FoundationError, match="hf download"):
        FoundationModel(str(tmp_path / "nowhere"))


def test_files_that_cannot_be_loaded_are_refused_by_a_message_of_ours(tmp_path: Path) -> None:
    source = saved(tmp_path, "vit")
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    whole, settings = weights.read_bytes(), config.read_text()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FoundationError, match="SafetensorError"):
        FoundationModel(source)
    weights.write_bytes(whole)
    values = json.loads(settings)
    config.write_text(json.dumps(values | {"hidden_size": 2 * values["hidden_size"]}))
    with pytest.raises(FoundationError, match="RuntimeError"):
        FoundationModel(source)
    config.write_text(settings)
    FoundationModel(source)


def test_without_transformers_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(FoundationError, match="pip install 'transformers"):
        pretrained(str(tmp_path))


def test_weights_that_would_be_random_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    source = saved(tmp_path, "vit")
    weights = load_file(tmp_path / "model.safetensors")
    dropped = next(name for name in weights if "layernorm_before" in name or "norm1" in name or "query" in name)
    save_file(
        {name: value for name, value in weights.items() if name != dropped}, tmp_path / "model.safetensors", metadata={"format": "pt"}
    )
    with pytest.raises(FoundationError, match="lacks 1 of its weights"):
        FoundationModel(source)


def test_a_pickled_checkpoint_is_not_read(tmp_path: Path) -> None:
    source = saved(tmp_path, "vit")
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(FoundationError, match=r"model\.safetensors"):
        FoundationModel(source)
