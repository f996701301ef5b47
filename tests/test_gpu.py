"""What only a real accelerator can show; skipped where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_config
from vqseg.checkpoint import load_model
from vqseg.config import save_config
from vqseg.quantization.perturbation import QuantizedPerturbation
from vqseg.quantization.search import nearest_codewords
from vqseg.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def test_a_step_never_makes_the_host_wait(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, calls = Trainer._optimise, []

    def watched(self: Trainer) -> object:
        # The first steps make the optimiser's state and cuDNN's plans.
        torch.cuda.set_sync_debug_mode("error" if self.step >= 2 else "default")
        try:
            calls.append(self.step)
            return step(self)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(Trainer, "_optimise", watched)
    Trainer(tiny_config(phantoms, tmp_path / "run")).run()
    assert calls == list(range(12))


def test_a_run_goes_as_on_the_processor(phantoms: Path, tmp_path: Path) -> None:
    here, there = (tiny_config(phantoms, tmp_path / name, steps=6, log_every=1) for name in ("cpu", "gpu"))
    save_config(here, tmp_path / "here.yaml")
    command = [sys.executable, "-m", "vqseg", "train", "--config", str(tmp_path / "here.yaml")]
    subprocess.run(command, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, cwd=Path(__file__).parents[1], check=True, timeout=180)
    Trainer(there).run()
    # The noise of single pixels is drawn on the device: the first digits agree. Only until the codebook is placed: from then on a rounding
    # may choose another codeword.
    assert losses(tmp_path / "gpu")[:4] == pytest.approx(losses(tmp_path / "cpu")[:4], rel=0.05)


def test_a_gpu_draws_for_itself_and_steps_in_one_kernel(phantoms: Path, tmp_path: Path) -> None:
    trainer = Trainer(tiny_config(phantoms, tmp_path / "run"))
    assert trainer.generator.device.type == "cuda"
    assert all(group["fused"] for group in trainer.optimizer.param_groups)


def test_a_gpu_run_resumes_and_serves_on_the_processor(phantoms: Path, tmp_path: Path) -> None:
    Trainer(tiny_config(phantoms, tmp_path / "run", steps=6)).run()
    folder = Trainer(tiny_config(phantoms, tmp_path / "run")).run(resume=True)
    picture = torch.rand(1, 1, 96, 96)
    here, there = load_model(folder, "cpu"), load_model(folder, "cuda")
    torch.testing.assert_close(here.encode(picture), there.encode(picture.cuda()).cpu(), rtol=0, atol=5e-3)


def test_codewords_found_and_swapped_are_the_processors() -> None:
    generator = torch.Generator().manual_seed(0)
    features, codewords = torch.randn(5000, 16, generator=generator), torch.randn(300, 16, generator=generator)
    found = nearest_codewords(features, codewords)
    assert bool((nearest_codewords(features.cuda(), codewords.cuda()).cpu() == found).float().mean() > 0.999)
    swap, picture = QuantizedPerturbation("resample", "adaptive"), found[:4096].view(1, 64, 64)
    here = swap(picture, codewords, 0.7, torch.Generator().manual_seed(1))
    there = swap(picture.cuda(), codewords.cuda(), 0.7, torch.Generator().manual_seed(1)).cpu()
    assert bool((here == there).float().mean() > 0.99)
