"""The registry of encoders: what each keeps to, and that one more line in it is enough for a network, its training and its serving."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tiny import tiny_model, tiny_model_config
from vqseg.checkpoint import load_model, save_model
from vqseg.config import BackboneConfig, Config, ConfigError, ModelConfig, TrainConfig
from vqseg.inference import Segmenter
from vqseg.models import foundation
from vqseg.models.atoms import ATOM_SIDE, decode_atoms
from vqseg.models.encoders import ENCODERS, Encoder, EncoderError, EncoderPair
from vqseg.models.vqseg import VQSeg
from vqseg.training.start import TrainingError, initial_network, load_backbone, parameter_groups
from vqseg.types import Scan

BACKBONE = BackboneConfig(hidden_size=16, layers=4, heads=2, patch=14, image_size=56, taps=(1, 2, 3, 4))


class ToyEncoder(Encoder):
    """Two levels of tokens, each the projected mean of 8 x 8 pixels."""

    stride, pixels_per_token, levels = 16, 8, 2

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(config.in_channels, 8, 8, stride=8)
        self.project = nn.ModuleList(nn.Conv2d(8, config.codebook_dim, 1) for _ in range(self.levels))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.cat([project(self.trunk(x)) for project in self.project], dim=2).permute(0, 2, 3, 1)
        return F.layer_norm(z, z.shape[-1:]).permute(0, 3, 1, 2)

    def pretrained_parameters(self) -> list[nn.Parameter]:
        return list(self.trunk.parameters())

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        self.trunk.load_state_dict(dict(weights))


class ToyDecoder(nn.Module):
    def __init__(self, dim: int, outputs: int) -> None:
        super().__init__()
        self.leave = nn.ConvTranspose2d(2 * dim, outputs, 8, stride=8)

    def forward(self, stacked: Tensor) -> Tensor:
        picture: Tensor = self.leave(torch.cat(stacked.chunk(2, dim=2), dim=1))
        return picture


TOY = EncoderPair(
    name="toy", encoder=ToyEncoder, decoder=lambda config, outputs, context: ToyDecoder(config.codebook_dim, outputs), pretrained=True
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> VQSeg:
    """A network with the toy's encoder, for as long as it is registered."""
    monkeypatch.setitem(ENCODERS, TOY.name, TOY)
    return tiny_model(encoder="toy", image_side=64)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_encoder_makes_the_tokens_that_it_tells_and_its_decoders_bring_them_back(name: str, channels: int) -> None:
    if ENCODERS[name].pretrained and importlib.util.find_spec("transformers") is None:
        pytest.skip("pretrained encoders need transformers")
    config = tiny_model_config(encoder=name, in_channels=channels, backbone=BACKBONE)
    encoder = ENCODERS[name].encoder(config)
    assert encoder.stride % encoder.pixels_per_token == 0
    height, width = 4 * encoder.stride, 3 * encoder.stride
    z = encoder(torch.rand(2, channels, height, width))
    rows, columns = height // encoder.pixels_per_token, width // encoder.pixels_per_token
    assert z.shape == (2, config.codebook_dim, encoder.levels * rows, columns)
    torch.testing.assert_close(z.mean(1), torch.zeros(z.mean(1).shape), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.var(1, correction=0), torch.ones(z.mean(1).shape), atol=2e-2, rtol=0)
    for context in (True, False):
        assert ENCODERS[name].decoder(config, 5, context)(z).shape == (2, 5, height, width)
    parts = {id(parameter) for parameter in encoder.parameters()}
    assert {id(parameter) for parameter in encoder.pretrained_parameters()} < parts
    assert bool(encoder.pretrained_parameters()) == ENCODERS[name].pretrained


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_of_another_form_are_refused(name: str) -> None:
    if ENCODERS[name].pretrained and importlib.util.find_spec("transformers") is None:
        pytest.skip("pretrained encoders need transformers")
    encoder = ENCODERS[name].encoder(tiny_model_config(encoder=name, backbone=BACKBONE))
    with pytest.raises(EncoderError):
        encoder.load_pretrained({"weight": torch.zeros(3)})


def test_an_encoder_that_is_none_is_refused_when_a_network_is_built() -> None:
    with pytest.raises(ConfigError, match=r"model\.encoder must be one of compact, vit, got 'resnet'"):
        VQSeg(ModelConfig(encoder="resnet"))
    with pytest.raises(ConfigError, match="in_channels must be 1 or 3"):
        VQSeg(ModelConfig(encoder="vit", in_channels=2, backbone=BACKBONE))


def test_one_more_encoder_makes_a_network_that_is_saved_and_served(toy: VQSeg, tmp_path: Path) -> None:
    assert (toy.levels, toy.pixels_per_token) == (2, 8)
    output = toy(torch.rand(1, 1, 50, 60), strength=0.5)
    assert output.logits.shape == (1, 4, 50, 60)
    assert output.indices.shape == (1, 2 * 8, 8)
    save_model(toy, tmp_path)
    model = load_model(tmp_path)
    assert model.config.encoder == "toy"
    voxels = np.random.default_rng(0).random((64, 48, 2), np.float32)
    scan = Segmenter(model).open(Scan(voxels, np.eye(4), (1.0, 1.0, 8.0), "noise"))
    assert (scan.levels, scan.cell_size) == (2, (8, 8))
    assert scan.perturb(0, 1.0).replaced_share == 1
    assert decode_atoms(model, [0, 1]).shape == (2, ATOM_SIDE, ATOM_SIDE)


def test_one_more_encoder_starts_from_its_weights_and_trains_them_at_a_rate_of_their_own(
    toy: VQSeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = nn.Conv2d(1, 8, 8, stride=8)
    monkeypatch.setattr(foundation, "pretrained", lambda source: trained)
    load_backbone(toy, "some/backbone")
    trunk: Any = toy.encoder.trunk
    assert torch.equal(trunk.weight, trained.weight)
    with pytest.raises(TrainingError, match=r"model\.encoder is toy and train\.backbone_weights names no weights"):
        load_backbone(toy, None)
    rest, own = parameter_groups({"student": toy}, TrainConfig(backbone_learning_rate=1e-5))
    assert [id(parameter) for parameter in own["params"]] == [id(parameter) for parameter in trunk.parameters()]
    assert len(rest["params"]) + 2 == len(list(toy.parameters()))
    (together,) = parameter_groups({"student": toy}, TrainConfig())
    assert len(together["params"]) == len(list(toy.parameters()))


def test_only_an_encoder_that_starts_from_weights_asks_for_them(toy: VQSeg) -> None:
    assert initial_network(Config(model=tiny_model_config())).levels == 1
    with pytest.raises(TrainingError, match="names no weights"):
        initial_network(Config(model=toy.config))
