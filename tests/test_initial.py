"""Starting from a checkpoint: weights of student and teacher, the codebook that stands, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from vqseg.checkpoint import load_model, save_model
from vqseg.config import AugmentationConfig, Config, ConfigError, DataConfig, ModelConfig, ObjectiveConfig, PreprocessConfig, TrainConfig
from vqseg.data.phantom import write_phantoms
from vqseg.models.vqseg import VQSeg
from vqseg.training.schedule import codebook_start
from vqseg.training.start import initial_network
from vqseg.training.teacher import Teacher
from vqseg.training.trainer import Trainer, TrainingError

MODEL = ModelConfig(widths=(8, 8, 8, 8), codebook_size=32, codebook_dim=8, decoder_width=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("initial")
    write_phantoms(root / "data", 4, 0)
    torch.manual_seed(3)
    save_model(VQSeg(MODEL, PreprocessConfig(image_side=64)), root / "checkpoint")
    return root


def config_from(folder: Path, output: Path) -> Config:
    return Config(
        model=MODEL,
        preprocess=PreprocessConfig(image_side=64),
        data=DataConfig(folder=str(folder / "data")),
        augmentation=AugmentationConfig(crop=32),
        objective=ObjectiveConfig(unlabelled_start=0, unlabelled_ramp=1),
        train=TrainConfig(
            output=str(output), initial=str(folder / "checkpoint"), steps=3, batch_labelled=2, batch_unlabelled=2,
            warmup_steps=0, learning_rate=1e-4, evaluate_every=0, snapshots=1, revive_every=0, log_every=1,
        ),
    )  # fmt: skip


def test_student_and_teacher_start_from_the_checkpoints_weights(folder: Path, tmp_path: Path) -> None:
    trainer = Trainer(config_from(folder, tmp_path / "run"))
    for name, value in load_model(folder / "checkpoint").state_dict().items():
        assert torch.equal(trainer.network.state_dict()[name], value), name
        assert torch.equal(trainer.teacher.model.state_dict()[name], value), name


def test_the_checkpoints_codebook_stands_through_the_run(folder: Path, tmp_path: Path) -> None:
    config = config_from(folder, tmp_path / "run")
    assert config.train.codebook_start > 0
    assert codebook_start(config.train) == 0
    trained = load_model(Trainer(config).run())
    assert torch.equal(trained.quantizer.basis, load_model(folder / "checkpoint").quantizer.basis)


def test_decoders_alone_begin_anew_and_codes_stand_still(folder: Path, tmp_path: Path) -> None:
    config = config_from(folder, tmp_path / "run")
    trainer = Trainer(replace(config, train=replace(config.train, decoders_alone=True, steps=4)))
    before = load_model(folder / "checkpoint").state_dict()
    begun = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    # A random network that was to settle over hundreds of steps would hold the teacher back.
    assert not trainer.teacher.settled
    trainer.run()
    for network in (trainer.network, trainer.teacher.model):
        for name, value in network.state_dict().items():
            frozen = name.startswith(("encoder.", "quantizer."))
            assert torch.equal(value, before[name]) if frozen else True, name
    moved = [name for name, value in trainer.network.state_dict().items() if not torch.equal(value, begun[name])]
    assert moved and all("decoder" in name for name in moved)
    weights = [name for name in begun if "decoder" in name and name.endswith("weight") and begun[name].dim() == 4]
    assert weights and not any(torch.equal(begun[name], before[name]) for name in weights)


@pytest.mark.parametrize("changes", [{"initial": None}, {"revive_every": 5}])
def test_decoders_alone_need_codes_that_stand_still(folder: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="decoders_alone"):
        replace(config_from(folder, tmp_path).train, decoders_alone=True, **changes)
    with pytest.raises(ConfigError, match="codes_stand"):
        replace(config_from(folder, tmp_path).train, codes_stand=True, **changes)


def test_where_codes_stand_the_decoders_start_from_the_checkpoint_and_are_trained_alone(folder: Path, tmp_path: Path) -> None:
    config = config_from(folder, tmp_path)
    network = initial_network(replace(config, train=replace(config.train, codes_stand=True, revive_every=0)))
    known = load_model(str(config.train.initial)).state_dict()
    assert all(torch.equal(value, known[name]) for name, value in network.state_dict().items() if name in known)
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == name.startswith(("segmentation_decoder.", "image_decoder.")), name


def test_a_settled_teacher_moves_by_one_minus_alpha_from_the_first_update() -> None:
    student = VQSeg(MODEL)
    teacher = Teacher(student, 0.99, settled=True)
    before = teacher.model.encoder.project.weight.clone()
    with torch.no_grad():
        student.encoder.project.weight.add_(1.0)
    teacher.update(student)
    torch.testing.assert_close(teacher.model.encoder.project.weight, before + 0.01)


def test_a_checkpoint_of_another_form_is_refused(folder: Path, tmp_path: Path) -> None:
    config = config_from(folder, tmp_path / "run")
    with pytest.raises(TrainingError, match="does not fit the configuration"):
        Trainer(replace(config, model=replace(MODEL, codebook_size=64)))
