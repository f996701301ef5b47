"""The paper's encoder pair at tiny size: shapes, levels and the codebook, pretrained weights, learning rates, whole runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers", reason="the ViT encoder needs transformers")

from tests.tiny import tiny_config  # noqa: E402
from vqseg.checkpoint import load_model, save_model  # noqa: E402
from vqseg.config import BackboneConfig, Config, ConfigError, ModelConfig, load_config  # noqa: E402
from vqseg.data.phantom import phantom_volume  # noqa: E402
from vqseg.evaluation import evaluate_split  # noqa: E402
from vqseg.inference import Segmenter  # noqa: E402
from vqseg.models.encoders import EncoderError  # noqa: E402
from vqseg.models.slicewise import NoIndicesError, encode_slices  # noqa: E402
from vqseg.models.vqseg import VQSeg  # noqa: E402
from vqseg.training.trainer import Trainer, TrainingError  # noqa: E402
from vqseg.types import Scan  # noqa: E402

TINY = BackboneConfig(hidden_size=16, layers=4, heads=2, patch=14, image_size=56, taps=(1, 2, 3, 4))


def vit_config(**changes: Any) -> ModelConfig:
    values = {"encoder": "vit", "backbone": TINY, "codebook_size": 64, "codebook_dim": 8, "decoder_width": 16} | changes
    return ModelConfig(**values)


def network(**changes: Any) -> VQSeg:
    torch.manual_seed(0)
    return VQSeg(vit_config(**changes)).eval()


@pytest.mark.parametrize("kind", ["dinov2", "vit"])
@pytest.mark.parametrize("size", [(56, 56), (64, 50)])
def test_any_size_is_padded_to_the_patch_and_cropped_back(kind: str, size: tuple[int, int]) -> None:
    model, images = network(backbone=replace(TINY, kind=kind)), torch.rand(2, 1, *size)
    output = model(images, strength=0.5, generator=torch.Generator().manual_seed(0))
    h, w = (-(-length // 14) for length in size)
    assert output.logits.shape == (2, 4, *size)
    assert output.reconstruction.shape == (2, 1, *size)
    assert output.indices.shape == (2, 4 * h, w)
    assert output.post_vq is not None
    assert output.post_vq.shape == (2, 8, h, w)


def test_all_levels_pass_the_codebook_so_the_indices_alone_give_the_segmentation() -> None:
    model, images = network(), torch.rand(1, 1, 56, 56)
    output = model(images)
    looked_up = model.quantizer.lookup(output.indices).permute(0, 3, 1, 2)
    torch.testing.assert_close(model.decode(looked_up, (56, 56))[0], output.logits, atol=1e-5, rtol=1e-5)


def test_only_the_deepest_level_passes_the_codebook_where_asked_and_such_a_network_is_not_served() -> None:
    model, images = network(quantize_levels="deepest"), torch.rand(1, 1, 56, 56)
    output = model(images)
    assert output.indices.shape == (1, 4, 4)
    passing, coded = model.split_levels(model.encode(images))
    assert passing is not None
    assert passing.shape == (1, 8, 12, 4)
    assert torch.equal(output.features, coded)
    with pytest.raises(NoIndicesError):
        encode_slices(model, images[0].numpy())


def test_the_gradient_reaches_the_backbone_through_every_level() -> None:
    model = network().train()
    model(torch.rand(1, 1, 56, 56)).logits.square().mean().backward()
    for project in model.encoder.project:
        assert bool((project.weight.grad != 0).any())
    assert bool((model.encoder.backbone.embeddings.patch_embeddings.projection.weight.grad != 0).any())


def run_config(phantoms: Path, output: Path, *, model: ModelConfig | None = None, **train: Any) -> Config:
    config = tiny_config(phantoms, output, **({"backbone_weights": "random", "steps": 6, "codebook_start": 2} | train))
    return replace(config, model=model or vit_config(), objective=replace(config.objective, unlabelled_start=3))


@pytest.mark.parametrize("levels", ["all", "deepest"])
def test_segmenting_alone_gives_the_logits_of_the_whole_network(levels: str) -> None:
    model, images = network(quantize_levels=levels), torch.rand(1, 1, 50, 60)
    with torch.no_grad():
        assert torch.equal(model.segment(images), model(images).logits)


def test_levels_that_bypass_the_codebook_are_there_in_both_versions_of_an_image() -> None:
    model, images = network(quantize_levels="deepest"), torch.rand(2, 1, 50, 60)
    with torch.no_grad():
        clean, output = model(images), model(images, strength=0.5, perturbation="complementary_dropout")
        passing, _ = model.split_levels(model.encode(images))
        joined = torch.cat([torch.cat([passing, passing]), output.quantized], dim=2)
        torch.testing.assert_close(output.logits, model.decode(joined, images.shape[-2:])[0])
    torch.testing.assert_close(output.quantized[:2] + output.quantized[2:], 2 * clean.quantized)


@pytest.mark.parametrize("levels", ["all", "deepest"])
def test_a_run_trains_and_its_checkpoint_needs_no_backbone_file(levels: str, phantoms: Path, tmp_path: Path) -> None:
    config = run_config(phantoms, tmp_path / "run", model=vit_config(quantize_levels=levels), backbone_learning_rate=1e-5)
    model = load_model(Trainer(config).run())
    assert model.config.encoder == "vit"
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line for line in log if "loss" in line][-1]["unlabelled_segmentation"] > 0
    measured = evaluate_split(model, phantoms, "val")
    assert 0 <= measured["mean"]["dice"] <= 1
    # The published code's form has a codebook, too.
    assert measured["codebook"]["used"] > 0


def test_the_backbone_has_a_learning_rate_of_its_own(phantoms: Path, tmp_path: Path) -> None:
    trainer = Trainer(run_config(phantoms, tmp_path, backbone_learning_rate=5e-6, warmup_steps=0))
    rest, backbone = trainer.optimizer.param_groups
    assert (rest["lr"], backbone["lr"]) == (1e-3, 5e-6)
    assert {id(p) for p in backbone["params"]} == {id(p) for p in trainer.network.encoder.backbone.parameters()}
    assert len(rest["params"]) + len(backbone["params"]) == len(list(trainer.network.parameters()))


def test_random_weights_are_used_only_when_asked_for(phantoms: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="backbone_weights"):
        Trainer(run_config(phantoms, tmp_path, backbone_weights=None))


def test_pretrained_weights_arrive_in_the_encoder_and_others_are_refused(phantoms: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "patch_size": 14, "image_size": 56}
    saved = transformers.Dinov2Model(transformers.Dinov2Config(**sizes))
    saved.save_pretrained(tmp_path / "dino")
    trainer = Trainer(run_config(phantoms, tmp_path / "run", backbone_weights=str(tmp_path / "dino")))
    for name, value in saved.state_dict().items():
        assert torch.equal(trainer.teacher.model.encoder.backbone.state_dict()[name], value), name
    wider = vit_config(backbone=replace(TINY, image_size=70))
    with pytest.raises(EncoderError, match="position_embeddings"):
        Trainer(run_config(phantoms, tmp_path / "other", model=wider, backbone_weights=str(tmp_path / "dino")))


def test_a_scan_is_served_by_a_network_with_four_levels(tmp_path: Path) -> None:
    save_model(network(), tmp_path)
    image, _, _ = phantom_volume(0, "ED")
    scan = Segmenter(load_model(tmp_path)).open(Scan(image[..., :2].astype(np.float32), np.eye(4), (1.0, 1.0, 8.0), "phantom"))
    assert scan.labels.shape == (*image.shape[:2], 2)
    assert scan.perturb(0, 0.7).replaced_share > 0.3


def test_the_configuration_of_the_papers_pair_is_valid() -> None:
    config = load_config(Path(__file__).parents[1] / "configs" / "acdc-10-dinov2.yaml")
    assert config.model.encoder == "vit"
    assert config.objective.alignment == 5
    with pytest.raises(ConfigError, match="taps"):
        BackboneConfig(layers=4)
